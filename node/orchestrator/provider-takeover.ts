import { signActivation } from '../../arbitrator/certificate.ts';
import { emptyReadingSet, rootOf } from '../../arbitrator/reading-set.ts';
import type { SignedStatement } from '../../arbitrator/types.ts';
import { toPlainJson } from '../../market/canonical.ts';
import { EdgeError } from '../../market/errors.ts';
import type { CloudClient } from './cloud-client.ts';
import type { Context } from './context.ts';
import { type AgreementRecord, currentTurn, nextTurns } from './records.ts';
import type { Runner } from './runner.ts';

/** Why the provider may act: what it asked and what the witnesses answered. */
export interface Grounds {
  probeId: string;
  lastHeartbeatAtMs: number;
  statements: SignedStatement[];
}

/** Frames heard up to this long before the last heartbeat are replayed too: the customer may not have sent them on. */
const REPLAY_MARGIN_MS = 10_000;

/**
 * Takes the next epoch and starts the workload. The intent is on disk before anything runs, so a crash in the middle
 * continues under the same epoch. Starting does not wait for the cloud: readings queue until it took the certificate.
 */
export async function takeOver(
  context: Context,
  cloud: CloudClient,
  record: AgreementRecord,
  runner: Runner,
  grounds: Grounds,
): Promise<void> {
  const epoch = (currentTurn(record)?.epoch ?? 1) + 1;
  const startedAtMs = context.clock.nowMs();
  const certificate = await signActivation(
    context.signer,
    {
      agreementId: record.id,
      epoch,
      lastHeartbeatAtMs: grounds.lastHeartbeatAtMs,
      probeId: grounds.probeId,
      issuedAtMs: startedAtMs,
    },
    grounds.statements,
  );
  const turns = nextTurns(record.turns, startedAtMs, {
    epoch,
    holder: 'provider',
    startedAtMs,
    endedAtMs: null,
    certificate,
    handback: null,
  });
  const active = await context.records.update(record.id, { turns });
  context.emit('activating', record.id, { epoch, statements: grounds.statements.length });
  await resumeTurn(context, cloud, active, runner);
}

/** Runs (or, after a crash, runs again) the provider's current turn. */
export async function resumeTurn(
  context: Context,
  cloud: CloudClient,
  record: AgreementRecord,
  runner: Runner,
): Promise<void> {
  const turn = currentTurn(record);
  if (turn?.certificate == null) return;
  const sinceMs = turn.certificate.activation.lastHeartbeatAtMs - REPLAY_MARGIN_MS;
  const told = cloud.raiseEpoch(record, { certificate: turn.certificate }).then(() => context.north.kick(record.id));
  try {
    await runner.run(turn.epoch, sinceMs);
  } catch (error) {
    const failure =
      error instanceof EdgeError ? error : new EdgeError('ACTIVATION_FAILED', String(error), { cause: error });
    await context.records.update(record.id, {
      turns: nextTurns(record.turns, context.clock.nowMs(), null),
      failure: { code: failure.code, message: failure.message, atMs: context.clock.nowMs() },
    });
    context.emit('activation-failed', record.id, { epoch: turn.epoch, code: failure.code, message: failure.message });
    await told;
    return;
  }
  context.emit('active', record.id, { epoch: turn.epoch, tookMs: context.clock.nowMs() - turn.startedAtMs });
  await told;
}

/** Stops serving, lets what it has flow out, and offers the workload back. The customer countersigns. */
export async function offerHandback(context: Context, record: AgreementRecord, runner: Runner): Promise<object> {
  const turn = currentTurn(record);
  if (turn?.holder !== 'provider' || turn.certificate === null) {
    throw new EdgeError('NOT_ACTIVE', 'the provider does not run this workload', { context: { agreement: record.id } });
  }
  await runner.halt(2_000);
  const drained = await context.north.drained(
    record.id,
    AbortSignal.any([AbortSignal.timeout(10_000), context.signal]),
  );
  if (!drained) {
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
