import { isOneOf } from './addresses.ts';
import type { DetectorConfig } from './detector-config.ts';
import { stretch } from './local-health.ts';
import { isConfirmed, newRound, type Round, tally } from './probe-round.ts';
import { remainingSuspicionMs } from './suspicion.ts';

/**
 * `alive`: heard of lately. `suspect`: silent, being asked about. `dead`: given up, the provider activates.
 * `left`: said goodbye; its silence means nothing.
 */
export type LivenessStatus = 'alive' | 'suspect' | 'dead' | 'left';

export const LIVENESS_NEXT: Record<LivenessStatus, readonly LivenessStatus[]> = {
  alive: ['suspect', 'left'],
  suspect: ['alive', 'dead', 'left'],
  dead: ['alive'],
  left: ['alive'],
};

export interface Suspicion {
  readonly sinceMs: number;
  readonly round: Round;
}

/** What one provider knows of one customer. Plain data: it can be stored and replayed. */
export interface DetectorState {
  readonly status: LivenessStatus;
  /** Start of the silence, not counting the time in which this observer was itself stalled. */
  readonly silentSinceMs: number;
  /** When this observer last proved that its own timers run. */
  readonly awakeAtMs: number;
  /** The node's local health score as of the last tick. */
  readonly health: number;
  /** Secret random bytes32: makes probe ids unpredictable to witnesses, yet replayable. */
  readonly probeSeed: string;
  readonly probesDrawn: number;
  /** Set exactly while the status is `suspect`. */
  readonly suspicion: Suspicion | null;
}

export type DetectorEvent =
  /** A heartbeat that `checkHeartbeat` accepted. */
  | { type: 'heartbeat'; atMs: number }
  /** Every `tickMs`. `lateByMs` is how much later than planned it fires, `health` the node's score. */
  | { type: 'tick'; atMs: number; lateByMs: number; health: number }
  /** The last connection to the customer closed. */
  | { type: 'disconnected'; atMs: number }
  /** The own probe ended. */
  | { type: 'probed'; atMs: number; probeId: string; reachable: boolean }
  /** A statement that `checkStatement` accepted, by the witness with this address. */
  | { type: 'statement'; atMs: number; probeId: string; reachable: boolean; byWitness: string }
  /** The customer said goodbye (signed). */
  | { type: 'left'; atMs: number }
  /** Proof of life on another way than a heartbeat, such as one that a witness passed on. */
  | { type: 'refuted'; atMs: number };

export type DetectorEffect =
  /** Try to reach the customer; answer with `probed`. */
  | { type: 'probe'; probeId: string; attempts: number; timeoutMs: number }
  /** Ask every named witness to do the same; answer with `statement`. */
  | { type: 'askWitnesses'; probeId: string; attempts: number; timeoutMs: number }
  /** The customer is dead: take the next epoch with the statements of `probeId` by these witnesses. */
  | { type: 'activate'; probeId: string; unreachableBy: string[] }
  | { type: 'recovered'; from: 'suspect' | 'dead' | 'left' }
  /** A witness reached the customer where this node could not: lower the node's trust in itself. */
  | { type: 'doubtSelf' };

export interface DetectorStep {
  state: DetectorState;
  effects: DetectorEffect[];
}

export function startDetector(init: { nowMs: number; probeSeed: string }): DetectorState {
  return {
    status: 'alive',
    silentSinceMs: init.nowMs,
    awakeAtMs: init.nowMs,
    health: 0,
    probeSeed: init.probeSeed,
    probesDrawn: 0,
    suspicion: null,
  };
}

/**
 * One step. Effects are data: the caller carries them out. A customer is declared dead only when, in one round of
 * probes that began after this observer was last stalled, its own probe failed and enough witnesses agree
 * (see `decide`). Nothing that comes with a stall can therefore activate: it opens a new round instead.
 */
export function transition(state: DetectorState, event: DetectorEvent, config: DetectorConfig): DetectorStep {
  const woken = noticeStall(rebase(state, event.atMs), event, config);
  const handled = handle(woken.state, event, config);
  return { state: handled.state, effects: [...woken.effects, ...handled.effects] };
}

function handle(state: DetectorState, event: DetectorEvent, config: DetectorConfig): DetectorStep {
  switch (event.type) {
    case 'heartbeat':
    case 'refuted':
      return alive(state, event.atMs);
    case 'tick':
      return decide({ ...state, awakeAtMs: event.atMs, health: event.health }, event.atMs, config);
    case 'disconnected':
      return state.status === 'alive' ? suspect(state, event.atMs, config) : unchanged(state);
    case 'probed':
      return probed(state, event, config);
    case 'statement':
      return statement(state, event, config);
    case 'left':
      return unchanged(state.status === 'dead' ? state : { ...state, status: 'left', suspicion: null });
  }
}

/** A wall clock that was set back must not blind the detector for the difference. */
function rebase(state: DetectorState, atMs: number): DetectorState {
  const backMs = state.awakeAtMs - atMs;
  return backMs > 0 ? shift({ ...state, awakeAtMs: atMs }, -backMs) : state;
}

/**
 * An observer that was stopped or blocked heard nothing because it did not listen: that time is no silence, and
 * answers that timed out meanwhile are no answers. Judged by every event, since after a stall the timers of failed
 * probes may fire before the tick does. A clock that jumps ahead looks the same and is as harmless.
 */
function noticeStall(state: DetectorState, event: DetectorEvent, config: DetectorConfig): DetectorStep {
  const measuredMs = event.atMs - state.awakeAtMs - config.tickMs;
  const lateMs = event.type === 'tick' ? Math.max(measuredMs, event.lateByMs) : measuredMs;
  if (lateMs <= config.lateAfterMs) return unchanged(state);
  const awake = shift({ ...state, awakeAtMs: event.atMs }, lateMs);
  return awake.suspicion === null
    ? unchanged(awake)
    : openRound(awake, { sinceMs: awake.suspicion.sinceMs }, event.atMs, config);
}

function shift(state: DetectorState, ms: number): DetectorState {
  const moved = (atMs: number) => Math.min(state.awakeAtMs, atMs + ms);
  const { suspicion } = state;
  return {
    ...state,
    silentSinceMs: moved(state.silentSinceMs),
    suspicion: suspicion && {
      sinceMs: moved(suspicion.sinceMs),
      round: { ...suspicion.round, startedAtMs: moved(suspicion.round.startedAtMs) },
    },
  };
}

function alive(state: DetectorState, atMs: number): DetectorStep {
  const effects: DetectorEffect[] = state.status === 'alive' ? [] : [{ type: 'recovered', from: state.status }];
  return { state: { ...state, status: 'alive', silentSinceMs: atMs, suspicion: null }, effects };
}

function suspect(state: DetectorState, atMs: number, config: DetectorConfig): DetectorStep {
  return openRound({ ...state, status: 'suspect' }, { sinceMs: atMs }, atMs, config);
}

/** `after` is the round that this one follows; none at the start of a suspicion and after a stall. */
function openRound(
  state: DetectorState,
  { sinceMs, after }: { sinceMs: number; after?: Round },
  atMs: number,
  config: DetectorConfig,
): DetectorStep {
  const confirmedBefore = after && isConfirmed(after, config.witnessQuorum) ? after.confirmedBefore + 1 : 0;
  const number = (after?.number ?? 0) + 1;
  const round = newRound({ seed: state.probeSeed, drawn: state.probesDrawn, number, atMs, confirmedBefore });
  const ask = {
    probeId: round.probeId,
    attempts: config.probeAttempts,
    timeoutMs: stretch(config.probeTimeoutMs, state.health),
  };
  const effects: DetectorEffect[] = [{ type: 'probe', ...ask }];
  if (config.witnessQuorum > 0) effects.push({ type: 'askWitnesses', ...ask });
  return { state: { ...state, probesDrawn: state.probesDrawn + 1, suspicion: { sinceMs, round } }, effects };
}

function probed(
  state: DetectorState,
  event: Extract<DetectorEvent, { type: 'probed' }>,
  config: DetectorConfig,
): DetectorStep {
  if (state.suspicion === null) return unchanged(state);
  // An answer is proof of life whatever round asked for it; a failure counts only for the question that is open.
  if (event.reachable) return alive(state, event.atMs);
  if (event.probeId !== state.suspicion.round.probeId) return unchanged(state);
  return decide(withRound(state, state.suspicion, { probeFailed: true }), event.atMs, config);
}

function statement(
  state: DetectorState,
  event: Extract<DetectorEvent, { type: 'statement' }>,
  config: DetectorConfig,
): DetectorStep {
  const { suspicion } = state;
  if (suspicion === null || event.probeId !== suspicion.round.probeId) return unchanged(state);
  if (!isOneOf(event.byWitness, config.witnesses)) return unchanged(state);
  const reachableBy = { ...suspicion.round.reachableBy, [event.byWitness.toLowerCase()]: event.reachable };
  const firstContrary = event.reachable && tally(suspicion.round).reachable.length === 0;
  const step = decide(withRound(state, suspicion, { reachableBy }), event.atMs, config);
  return firstContrary ? { state: step.state, effects: [{ type: 'doubtSelf' }, ...step.effects] } : step;
}

function withRound(state: DetectorState, suspicion: Suspicion, change: Partial<Round>): DetectorState {
  return { ...state, suspicion: { ...suspicion, round: { ...suspicion.round, ...change } } };
}

function decide(state: DetectorState, atMs: number, config: DetectorConfig): DetectorStep {
  const silentMs = atMs - state.silentSinceMs;
  if (state.status === 'alive' && silentMs >= stretch(config.suspectAfterMs, state.health)) {
    return suspect(state, atMs, config);
  }
  const { suspicion } = state;
  if (suspicion === null) return unchanged(state);
  if (silentMs >= config.minSilenceMs && isOver(state, suspicion, atMs, config)) {
    const { probeId } = suspicion.round;
    const unreachableBy = tally(suspicion.round).unreachable;
    return {
      state: { ...state, status: 'dead', suspicion: null },
      effects: [{ type: 'activate', probeId, unreachableBy }],
    };
  }
  const factor = Math.min(suspicion.round.number, config.maxRoundFactor);
  const isRoundOver = atMs - suspicion.round.startedAtMs >= stretch(config.roundMs * factor, state.health);
  if (!isRoundOver) return unchanged(state);
  return openRound(state, { sinceMs: suspicion.sinceMs, after: suspicion.round }, atMs, config);
}

/**
 * The rule. The own probe failed, and
 * - without witnesses: the suspicion has lasted its full time, with a new probe each round;
 * - with witnesses: at least the quorum found the customer unreachable. A contrary voice is no veto, or one liar could
 *   cancel every insurance. But it asks for one more confirmation, which costs time (`suspicionMs`), and for the same
 *   result in two rounds in a row; and as many contrary as confirming voices stop the activation: then rather this
 *   provider is the one that is cut off.
 */
function isOver(state: DetectorState, { round, sinceMs }: Suspicion, atMs: number, config: DetectorConfig): boolean {
  if (!isConfirmed(round, config.witnessQuorum)) return false;
  const { reachable, unreachable } = tally(round);
  if (reachable.length > 0 && round.confirmedBefore === 0) return false;
  const times = {
    needed: config.witnessQuorum === 0 ? 0 : config.witnessQuorum + reachable.length,
    minMs: 0,
    maxMs: stretch(config.maxSuspicionMs, state.health),
  };
  return remainingSuspicionMs(unreachable.length, atMs - sinceMs, times) <= 0;
}

function unchanged(state: DetectorState): DetectorStep {
  return { state, effects: [] };
}
