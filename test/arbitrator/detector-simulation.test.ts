import { expect } from 'chai';
import { type DetectorConfig, detectorConfig } from '../../arbitrator/detector-config.ts';
import { DUTIES, WITNESSES } from './parties.ts';
import { type Outcome, random, type Scenario, simulate } from './simulation.ts';

const HOUR_MS = 3_600_000;
/** Raise it for a long campaign: EAAS_SIM_HOURS=10000. */
const HOURS = Number(process.env.EAAS_SIM_HOURS ?? 100);
const SEED = Number(process.env.EAAS_SIM_SEED ?? 20_240_601);

function configOf(options: { intervalMs?: number; witnesses?: number; quorum?: number } = {}): DetectorConfig {
  const named = WITNESSES.slice(0, options.witnesses ?? 3).map(({ address }) => ({
    address,
    peerId: address,
    addrs: [],
  }));
  return detectorConfig({
    ...DUTIES,
    heartbeatIntervalMs: options.intervalMs ?? 1_000,
    witnesses: named,
    witnessQuorum: options.quorum ?? 2,
  });
}

const quiet = {
  seed: SEED,
  heartbeatIntervalMs: 1_000,
  loss: 0,
  latencyMs: [2, 40],
  diesAtMs: Number.POSITIVE_INFINITY,
  closesConnections: false,
  liars: 0,
  liarsSay: false,
  observerCutUntilMs: 0,
  stalls: [],
} satisfies Partial<Scenario>;

/** Many short runs: a false activation ends a run, so short ones count more of them. */
function campaign(hours: number, change: Partial<Scenario> & { config: DetectorConfig }): Outcome[] {
  return Array.from({ length: hours }, (_, run) =>
    simulate({ ...quiet, durationMs: HOUR_MS, ...change, seed: SEED + run }),
  );
}

function activations(outcomes: Outcome[]): number {
  return outcomes.filter((outcome) => outcome.activatedAtMs !== null).length;
}

function suspicions(outcomes: Outcome[]): number {
  return outcomes.reduce((sum, outcome) => sum + outcome.suspicions, 0);
}

/** Time from the death to the decision, of runs with random times of death, in ascending order. */
function detection(runs: number, change: Partial<Scenario> & { config: DetectorConfig }): number[] {
  const draw = random(SEED);
  const times = Array.from({ length: runs }, (_, run) => {
    const diesAtMs = 10_000 + draw() * 10_000;
    const scenario = { ...quiet, durationMs: 120_000, ...change, diesAtMs, seed: SEED + run };
    const { activatedAtMs } = simulate(scenario);
    if (activatedAtMs === null || activatedAtMs < diesAtMs) return Number.POSITIVE_INFINITY;
    return activatedAtMs - diesAtMs;
  });
  return times.sort((a, b) => a - b);
}

const quantile = (sorted: number[], share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;

/** Ticks cost most of a long run; a slower one changes when a suspicion begins, not whether it is right. */
const slowTicks = (config: DetectorConfig): DetectorConfig => ({ ...config, tickMs: 500 });

describe(`failure detector, simulated (seed ${SEED})`, function () {
  this.timeout(20_000 + HOURS * 400);

  it(`never activates for a live customer at 10 % loss over ${HOURS} device-hours`, () => {
    const outcomes = campaign(HOURS, { config: slowTicks(configOf()), loss: 0.1 });
    expect(suspicions(outcomes), 'the loss has an effect').to.be.above(HOURS * 10);
    expect(activations(outcomes)).to.equal(0);
  });

  it(`never activates alone, without witnesses, at 10 % loss over ${HOURS / 2} device-hours`, () => {
    const config = slowTicks(configOf({ witnesses: 0, quorum: 0 }));
    expect(activations(campaign(HOURS / 2, { config, loss: 0.1 }))).to.equal(0);
  });

  it('would activate falsely if one unconfirmed probe sufficed', () => {
    const config = { ...slowTicks(configOf({ witnesses: 0, quorum: 0 })), maxSuspicionMs: 0, probeAttempts: 1 };
    expect(activations(campaign(5, { config, loss: 0.1 }))).to.be.above(0);
  });

  for (const liars of [1, 2]) {
    it(`is not talked into it by ${liars} of 5 witnesses, quorum 3, though cut off from the customer`, () => {
      const config = slowTicks(configOf({ witnesses: 5, quorum: 3 }));
      const outcomes = campaign(10, { config, loss: 0.05, liars, observerCutUntilMs: HOUR_MS });
      expect(activations(outcomes)).to.equal(0);
    });
  }

  it('is talked into it when the liars are a quorum: the terms must name enough witnesses', () => {
    const config = configOf({ witnesses: 3, quorum: 2 });
    const outcomes = campaign(3, { config, liars: 2, observerCutUntilMs: HOUR_MS });
    expect(activations(outcomes)).to.equal(3);
  });

  it('is not kept from it by one lying witness of three', () => {
    const times = detection(50, { config: configOf(), liars: 1, liarsSay: true });
    expect(quantile(times, 1)).to.be.below(4_000);
  });

  const bounds: [string, number, boolean, number][] = [
    ['power cut, 1 s heartbeats', 1_000, false, 2_400],
    ['killed process, 1 s heartbeats', 1_000, true, 1_200],
    ['power cut, 200 ms heartbeats', 200, false, 700],
    ['killed process, 200 ms heartbeats', 200, true, 350],
  ];
  for (const [title, intervalMs, closesConnections, boundMs] of bounds) {
    it(`decides within ${boundMs} ms in every run: ${title}`, () => {
      const config = configOf({ intervalMs });
      const times = detection(200, { config, heartbeatIntervalMs: intervalMs, closesConnections });
      expect(quantile(times, 1)).to.be.below(boundMs);
      expect(quantile(times, 0), 'not before a heartbeat was missed').to.be.above(0);
    });
  }

  it('decides within 20 s in 99 % of runs at 20 % loss', () => {
    const times = detection(200, { config: configOf(), loss: 0.2 });
    expect(quantile(times, 0.99)).to.be.below(20_000);
  });

  for (const quorum of [0, 2]) {
    it(`accuses nobody wrongly after 1,000 pauses of the observer of 2 to 30 s, quorum ${quorum}`, () => {
      const config = configOf({ witnesses: quorum === 0 ? 0 : 3, quorum });
      const draw = random(SEED);
      const outcomes = Array.from({ length: 50 }, (_, run) => {
        const stalls = Array.from({ length: 20 }, (_, index) => {
          return { atMs: index * 60_000 + draw() * 25_000, forMs: 2_000 + draw() * 28_000 };
        });
        return simulate({ ...quiet, config, durationMs: 1_200_000, stalls, loss: 0.05, seed: SEED + run });
      });
      expect(activations(outcomes)).to.equal(0);
    });
  }
});
