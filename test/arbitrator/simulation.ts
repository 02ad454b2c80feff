import {
  type DetectorEffect,
  type DetectorEvent,
  type DetectorState,
  startDetector,
  transition,
} from '../../arbitrator/detector.ts';
import type { DetectorConfig } from '../../arbitrator/detector-config.ts';
import { HEALTHY, observe } from '../../arbitrator/local-health.ts';

export interface Scenario {
  config: DetectorConfig;
  seed: number;
  heartbeatIntervalMs: number;
  durationMs: number;
  /** Chance that one message is lost, each way, each attempt: harsher than TCP, which repeats. */
  loss: number;
  /** One-way delay, uniform. */
  latencyMs: [min: number, max: number];
  /** When the customer dies; infinity for never. */
  diesAtMs: number;
  /** Whether a dead customer's connection closes at once (killed) or not (power cut). */
  closesConnections: boolean;
  /** How many of the witnesses always say what `liarsSay`. */
  liars: number;
  liarsSay: boolean;
  /** Until then nothing passes between the customer and the observer. Witnesses are not affected. */
  observerCutUntilMs: number;
  /** Pauses of the observer's whole process: start and length. */
  stalls: { atMs: number; forMs: number }[];
}

export interface Outcome {
  activatedAtMs: number | null;
  suspicions: number;
  recoveries: number;
}

type Queued = { atMs: number; run: () => void };
type Ask = { probeId: string; attempts: number; timeoutMs: number };

export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Runs one customer and one observer until the observer activates or the time is over. */
export function simulate(scenario: Scenario): Outcome {
  return new Simulation(scenario).run();
}

/** A discrete-event world: one customer, one observer, the witnesses, and the messages between them. */
class Simulation {
  private readonly scenario: Scenario;
  private readonly draw: () => number;
  private readonly queue: Queued[] = [];
  private readonly outcome: Outcome = { activatedAtMs: null, suspicions: 0, recoveries: 0 };
  private nowMs = 0;
  private state: DetectorState;
  private health = HEALTHY;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.draw = random(scenario.seed);
    this.state = startDetector({ nowMs: 0, probeSeed: `0x${scenario.seed.toString(16).padStart(64, '0')}` });
  }

  run(): Outcome {
    const { config, diesAtMs, durationMs, closesConnections, latencyMs } = this.scenario;
    this.at(0, () => this.heartbeat());
    this.at(config.tickMs, () => this.tick(config.tickMs));
    if (closesConnections && diesAtMs < durationMs) {
      // Behind what was sent before, as in a TCP stream.
      this.deliver(diesAtMs + latencyMs[1], (atMs) => ({ type: 'disconnected', atMs }));
    }
    while (this.outcome.activatedAtMs === null) {
      const next = this.queue.shift();
      if (next === undefined || next.atMs > durationMs) break;
      this.nowMs = next.atMs;
      next.run();
    }
    return this.outcome;
  }

  private at(atMs: number, run: () => void): void {
    const index = this.queue.findIndex((queued) => queued.atMs > atMs);
    this.queue.splice(index < 0 ? this.queue.length : index, 0, { atMs, run });
  }

  private isLost(): boolean {
    return this.draw() < this.scenario.loss;
  }

  private delay(): number {
    const [min, max] = this.scenario.latencyMs;
    return min + this.draw() * (max - min);
  }

  private isAlive(): boolean {
    return this.nowMs < this.scenario.diesAtMs;
  }

  private isCut(): boolean {
    return this.nowMs < this.scenario.observerCutUntilMs;
  }

  /** What happens to the observer while it is paused happens when it wakes. */
  private wakes(atMs: number): number {
    const stall = this.scenario.stalls.find((pause) => atMs >= pause.atMs && atMs < pause.atMs + pause.forMs);
    return stall ? stall.atMs + stall.forMs : atMs;
  }

  private deliver(atMs: number, event: (atMs: number) => DetectorEvent): void {
    this.at(this.wakes(atMs), () => this.feed(event(this.nowMs)));
  }

  private feed(event: DetectorEvent): void {
    const step = transition(this.state, event, this.scenario.config);
    if (this.state.status !== 'suspect' && step.state.status === 'suspect') this.outcome.suspicions += 1;
    this.state = step.state;
    for (const effect of step.effects) this.carryOut(effect);
  }

  private carryOut(effect: DetectorEffect): void {
    switch (effect.type) {
      case 'activate':
        this.outcome.activatedAtMs = this.nowMs;
        break;
      case 'recovered':
        this.outcome.recoveries += 1;
        break;
      case 'doubtSelf':
        this.health = observe(this.health, 'contradicted');
        break;
      case 'probe':
        this.probe(effect);
        break;
      case 'askWitnesses':
        for (const [index, witness] of this.scenario.config.witnesses.entries()) this.ask(effect, witness, index);
    }
  }

  private probe({ probeId, attempts, timeoutMs }: Ask): void {
    const reachable = !this.isCut() && this.pings(attempts);
    const answerMs = reachable ? this.delay() + this.delay() : this.failureMs(timeoutMs);
    this.deliver(this.nowMs + answerMs, (atMs) => ({ type: 'probed', probeId, reachable, atMs }));
  }

  private ask({ probeId, attempts, timeoutMs }: Ask, byWitness: string, index: number): void {
    if (this.isLost() || this.isLost()) return;
    const isLiar = index < this.scenario.liars;
    const reachable = isLiar ? this.scenario.liarsSay : this.pings(attempts);
    const workMs = isLiar || reachable ? this.delay() : this.failureMs(timeoutMs);
    const atMs = this.nowMs + this.delay() + workMs + this.delay();
    this.deliver(atMs, (nowMs) => ({ type: 'statement', probeId, reachable, byWitness, atMs: nowMs }));
  }

  /** Whether one of several pings comes back. */
  private pings(attempts: number): boolean {
    return this.isAlive() && Array.from({ length: attempts }, () => !this.isLost() && !this.isLost()).some(Boolean);
  }

  /** A dead process refuses connections; a dead machine lets them time out. */
  private failureMs(timeoutMs: number): number {
    return !this.isAlive() && this.scenario.closesConnections ? this.delay() + this.delay() : timeoutMs;
  }

  private heartbeat(): void {
    if (!this.isAlive()) return;
    if (!this.isCut() && !this.isLost()) {
      this.deliver(this.nowMs + this.delay(), (atMs) => ({ type: 'heartbeat', atMs }));
    }
    this.at(this.nowMs + this.scenario.heartbeatIntervalMs, () => this.heartbeat());
  }

  private tick(dueMs: number): void {
    const { config } = this.scenario;
    const lateByMs = this.nowMs - dueMs;
    this.health = observe(this.health, lateByMs > config.lateAfterMs ? 'late' : 'punctual');
    this.feed({ type: 'tick', atMs: this.nowMs, lateByMs, health: this.health.score });
    const next = this.nowMs + config.tickMs;
    this.at(this.wakes(next), () => this.tick(next));
  }
}
