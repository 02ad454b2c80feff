import { crossCheck } from '../../arbitrator/handback.ts';
import type { ActivationCertificate, SignedHandback } from '../../arbitrator/types.ts';
import { toPlainJson } from '../../market/canonical.ts';
import { EdgeError } from '../../market/errors.ts';
import type { CloudClient } from './cloud-client.ts';
import type { Context } from './context.ts';
import { peerOf } from './context.ts';
import { type AgreementRecord, currentTurn, nextTurns, type Turn } from './records.ts';
import type { Runner } from './runner.ts';
import { handbackOfferSchema, PROTOCOLS, type ProviderState, stateSchema } from './wire.ts';

const CALL_TIMEOUT_MS = 20_000;
const RETRY_MS = 500;

async function ask(context: Context, record: AgreementRecord, body: object): Promise<unknown> {
  const provider = peerOf(record.duties.provider);
  return context.streams.call(provider, PROTOCOLS.agreement, toPlainJson(body), {
    timeoutMs: CALL_TIMEOUT_MS,
    signal: context.signal,
  });
}

/** What the provider says, or null when it cannot be reached. */
export async function providerState(context: Context, record: AgreementRecord): Promise<ProviderState | null> {
  try {
    return stateSchema.parse(await ask(context, record, { type: 'state', agreementId: record.id }));
  } catch (error) {
    context.log.warn({ agreement: record.id, error: String(error) }, 'the provider does not say who runs the workload');
    return null;
  }
}

/**
 * After a restart: decides who runs the workload. The customer resumes only under an epoch that the sinks accept:
 * its own if nobody took the next one, or the one a handback gives it.
 */
export async function comeBack(
  context: Context,
  cloud: CloudClient,
  record: AgreementRecord,
  runner: Runner,
): Promise<AgreementRecord> {
  while (!context.signal.aborted) {
    const mine = currentTurn(record)?.epoch ?? 1;
    const state = await providerState(context, record);
    const sink = await cloud.currentEpoch(record).catch(() => null);
    const highest = Math.max(state?.epoch ?? 0, sink ?? 0);
    if (highest <= mine && (state !== null || sink !== null)) {
      await runner.run(mine, 0);
      context.emit('resumed', record.id, { epoch: mine });
      return record;
    }
    if (state !== null && highest > mine) {
      try {
        return await takeBack(context, cloud, record, runner);
      } catch (error) {
        context.log.warn({ agreement: record.id, error: String(error) }, 'handback not finished; trying again');
      }
    }
    await context.clock.sleep(RETRY_MS, context.signal).catch(() => undefined);
  }
  return record;
}

/** Asks for the workload, cross-checks what was delivered meanwhile, countersigns, runs under the new epoch. */
async function takeBack(
  context: Context,
  cloud: CloudClient,
  record: AgreementRecord,
  runner: Runner,
): Promise<AgreementRecord> {
  const answer = await ask(context, record, { type: 'handback', agreementId: record.id });
  const { handback, providerSignature, certificate } = handbackOfferSchema.parse(answer);
  const mine = currentTurn(record)?.epoch ?? 1;
  if (handback.agreementId !== record.id || handback.epoch <= mine) {
    throw new EdgeError('HANDBACK_INVALID', 'the handback is for another agreement or epoch', {
      context: { handback },
    });
  }
  const delivered = record.duties.cloud === null ? null : await cloud.serviceRecord(record, handback.epoch - 1);
  if (delivered !== null) {
    const checked = crossCheck(handback, delivered.record);
    context.emit('cross-checked', record.id, { ...checked, cloud: delivered.record.acceptedCount });
  }
  const customerSignature = await context.signer.sign('Handback', handback);
  const signed: SignedHandback = { handback, providerSignature, customerSignature };
  const atMs = context.clock.nowMs();
  const turn: Turn = {
    epoch: handback.epoch,
    holder: 'customer',
    startedAtMs: atMs,
    endedAtMs: null,
    certificate: null,
    handback: signed,
  };
  const away = missedTurn(record, certificate, atMs);
  const next = await context.records.update(record.id, { turns: nextTurns([...record.turns, ...away], atMs, turn) });
  await cloud.raiseEpoch(next, { handback: signed });
  context.north.kick(record.id);
  await runner.run(handback.epoch, 0);
  await ask(context, next, { type: 'resumed', agreementId: record.id, signed });
  context.emit('handed-back', record.id, { epoch: handback.epoch });
  return next;
}

/** The provider's turn, dated by its certificate, unless it is on record already. */
function missedTurn(record: AgreementRecord, certificate: ActivationCertificate, atMs: number): Turn[] {
  const { epoch, issuedAtMs } = certificate.activation;
  if (record.turns.some((turn) => turn.epoch === epoch)) return [];
  return [{ epoch, holder: 'provider', startedAtMs: issuedAtMs, endedAtMs: atMs, certificate, handback: null }];
}
