import { signActivation } from '../../arbitrator/certificate.ts';
import { emptyReadingSet, rootOf } from '../../arbitrator/reading-set.ts';
import type { SignedStatement } from '../../arbitrator/types.ts';
import { toPlainJson } from '../../market/canonical.ts';
import { EdgeError, isExpected } from '../../market/errors.ts';
import type { Context } from './context.ts';
import { type AgreementRecord, currentTurn, epochOf, isProviderTurn, nextTurns, type Turn } from './records.ts';
import type { Runner } from './runner.ts';

/** Why the provider may act: what it asked and what the witnesses answered. */
export interface Grounds {
  probeId: string;
  lastHeartbeatAtMs: number;
  statements: SignedStatement[];
}

/** Frames heard up to this long before the last heartbeat are replayed too: the customer may not have sent them on. */
const REPLAY_MARGIN_MS = 10_000;
const HALT_GRACE_MS = 2_000;
/** How long a handback waits for readings that are still on their way to the cloud. */
const DRAIN_TIMEOUT_MS = 10_000;

/**
 * Puts the intent to take the next epoch on disk, before anything runs: a crash in the middle continues under the same
 * epoch. False when the epoch is the provider's already, or the agreement has ended.
 */
export async function takeEpoch(context: Context, id: string, grounds: Grounds): Promise<boolean> {
  const record = context.records.get(id);
  if (record === null || record.endedTx !== null || isProviderTurn(record)) return false;
  const epoch = epochOf(record) + 1;
  const startedAtMs = context.clock.nowMs();
  const { probeId, lastHeartbeatAtMs, statements } = grounds;
  const activation = { agreementId: id, epoch, lastHeartbeatAtMs, probeId, issuedAtMs: startedAtMs };
  const certificate = await signActivation(context.signer, activation, statements);
  const turn: Turn = { epoch, holder: 'provider', startedAtMs, endedAtMs: null, certificate, handback: null };
  const taken = await context.records.update(id, (current) =>
    epochOf(current) === epoch - 1 ? { turns: nextTurns(current.turns, startedAtMs, turn) } : {},
  );
  if (epochOf(taken) !== epoch) return false;
  context.emit('activating', id, { epoch, statements: statements.length });
  return true;
}

/**
 * Runs the provider's turn, or runs it again after a crash or a failure. False when the workload could not be started:
 * the turn is closed (nothing was served) and the failure noted.
 */
export async function runTurn(context: Context, id: string, runner: Runner): Promise<boolean> {
  const record = context.records.get(id);
  const turn = record === null ? null : currentTurn(record);
  if (turn?.holder !== 'provider' || turn.certificate === null) return true;
  const { epoch } = turn;
  try {
    await runner.run(epoch, turn.certificate.activation.lastHeartbeatAtMs - REPLAY_MARGIN_MS);
  } catch (error) {
    await noteFailure(context, id, epoch, error);
    return false;
  }
  const atMs = context.clock.nowMs();
  const isRetry = turn.endedAtMs !== null || record?.failure != null;
  const running = isRetry
    ? await context.records.update(id, (now) => reopened(now, epoch, atMs))
    : context.records.get(id);
  // A handback that came during the start has the last word.
  if (running === null || epochOf(running) !== epoch) await runner.halt(0);
  else context.emit('active', id, { epoch, tookMs: atMs - turn.startedAtMs });
  return true;
}

/** A turn that failed before counts as served from the moment it succeeded. */
function reopened(record: AgreementRecord, epoch: number, atMs: number): Partial<AgreementRecord> {
  const turn = currentTurn(record);
  if (turn?.epoch !== epoch || turn.endedAtMs === null) return { failure: null };
  return { failure: null, turns: [...record.turns.slice(0, -1), { ...turn, startedAtMs: atMs, endedAtMs: null }] };
}

async function noteFailure(context: Context, id: string, epoch: number, cause: unknown): Promise<void> {
  const error = isExpected(cause) ? cause : new EdgeError('ACTIVATION_FAILED', String(cause), { cause });
  const { code, message } = error;
  const atMs = context.clock.nowMs();
  await context.records.update(id, (current) => ({
    turns: epochOf(current) === epoch ? nextTurns(current.turns, atMs, null) : current.turns,
    failure: { code, message, atMs, isFinal: false },
  }));
  context.emit('activation-failed', id, { epoch, code, message });
}

/** Stops serving, lets what it has flow out, and offers the workload back. The customer countersigns. */
export async function offerHandback(context: Context, record: AgreementRecord, runner: Runner): Promise<object> {
  const turn = currentTurn(record);
  if (turn?.holder !== 'provider' || turn.certificate === null) {
    throw new EdgeError('NOT_ACTIVE', 'the provider does not run this workload', { context: { agreement: record.id } });
  }
  await runner.halt(HALT_GRACE_MS);
  const until = AbortSignal.any([AbortSignal.timeout(DRAIN_TIMEOUT_MS), context.signal]);
  if (!(await context.north.drained(record.id, until))) {
    throw new EdgeError('NOT_DRAINED', 'readings are still on their way to the cloud', {
      context: { agreement: record.id, queued: context.north.stats(record.id).queued },
      remedy: 'ask again; they are kept',
    });
  }
  const delivered = context.north.delivered(record.id, turn.epoch);
  const handback = {
    agreementId: record.id,
    epoch: turn.epoch + 1,
    deliveredCount: delivered.count,
    readingsRoot: delivered.readingsRoot ?? rootOf(emptyReadingSet()),
  };
  const providerSignature = await context.signer.sign('Handback', handback);
  context.emit('handing-back', record.id, { epoch: handback.epoch, delivered: handback.deliveredCount });
  return toPlainJson({ type: 'handback', handback, providerSignature, certificate: turn.certificate }) as object;
}
