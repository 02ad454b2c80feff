import { checkCertificate } from '../../arbitrator/certificate.ts';
import { checkHandback, crossCheck } from '../../arbitrator/handback.ts';
import type { ActivationCertificate, SignedHandback } from '../../arbitrator/types.ts';
import { EdgeError } from '../../market/errors.ts';
import { askProvider, providerState } from './ask-provider.ts';
import type { CloudClient } from './cloud-client.ts';
import type { Context } from './context.ts';
import { keepTrying } from './keep-trying.ts';
import { type AgreementRecord, currentTurn, epochOf, nextTurns, type Turn } from './records.ts';
import type { Runner } from './runner.ts';
import { handbackOfferSchema } from './wire.ts';

const RETRY_MS = 500;
const RETRY_MAX_MS = 5_000;
/**
 * With neither provider nor cloud in reach nobody can say who runs the workload. Then the device serves after this
 * long: its sinks take no output of an epoch that is over, so nothing counts twice, and no reading is lost.
 */
const ALONE_AFTER_MS = 5_000;
/** A provider that claims an epoch which the cloud never hears of has until then to hand it back. */
const UNPROVEN_AFTER_MS = 15_000;

/**
 * After a restart or an absence: decides who runs the workload. The customer resumes only under an epoch that the sinks
 * accept: its own if nobody took the next one, or the one a handback gives it.
 */
export async function comeBack(context: Context, cloud: CloudClient, id: string, runner: Runner): Promise<void> {
  const sinceMs = context.clock.nowMs();
  let told = false;
  await keepTrying(context, { firstMs: RETRY_MS, maxMs: RETRY_MAX_MS }, async () => {
    const record = context.records.get(id);
    if (record === null || record.endedTx !== null) return true;
    const [state, sink] = await Promise.all([
      providerState(context, record),
      cloud.currentEpoch(record).catch(() => null),
    ]);
    const known = { mine: epochOf(record), theirs: state?.epoch ?? null, sink };
    const decision = decide(known, context.clock.nowMs() - sinceMs);
    if (decision === 'resume') return resume(context, cloud, record, runner, state === null && sink === null);
    if (decision === 'take-back') return tryTakeBack(context, cloud, record, runner);
    if (!told) context.emit('waiting-for-provider', id, known);
    told = true;
    return false;
  });
}

/** What is known of the epoch: by this node, by the provider and by the cloud (null: not in reach). */
interface KnownEpochs {
  mine: number;
  theirs: number | null;
  sink: number | null;
}

function decide({ mine, theirs, sink }: KnownEpochs, awaitedMs: number): 'resume' | 'take-back' | 'wait' {
  if (theirs === null && sink === null) return awaitedMs >= ALONE_AFTER_MS ? 'resume' : 'wait';
  if (Math.max(theirs ?? 0, sink ?? 0) <= mine) return 'resume';
  if (sink !== null && sink <= mine && awaitedMs >= UNPROVEN_AFTER_MS) return 'resume';
  return theirs === null ? 'wait' : 'take-back';
}

async function resume(
  context: Context,
  cloud: CloudClient,
  record: AgreementRecord,
  runner: Runner,
  isAlone: boolean,
): Promise<boolean> {
  const epoch = epochOf(record);
  await runner.run(epoch, 0);
  context.emit('resumed', record.id, { epoch, isAlone });
  await announce(context, cloud, record);
  return true;
}

/** Tells provider and cloud of the handback that this node's epoch began with: either may have missed it. */
export async function announce(context: Context, cloud: CloudClient, record: AgreementRecord): Promise<void> {
  const { id } = record;
  const signed = currentTurn(record)?.handback ?? null;
  if (signed === null) return;
  void cloud.raiseEpoch(record, { handback: signed }).then(() => context.north.kick(id, epochOf(record)));
  try {
    await askProvider(context, record, { type: 'resumed', agreementId: id, signed });
  } catch (error) {
    // Its answer to the next heartbeat will say that it does not know the epoch: then it is told again.
    context.log.warn({ agreement: id, error: String(error) }, 'the provider did not hear of the handback');
  }
}

async function tryTakeBack(
  context: Context,
  cloud: CloudClient,
  record: AgreementRecord,
  runner: Runner,
): Promise<boolean> {
  try {
    await takeBack(context, cloud, record, runner);
    return true;
  } catch (error) {
    if (context.signal.aborted) return true;
    context.log.warn({ agreement: record.id, error: String(error) }, 'handback not finished; trying again');
    return false;
  }
}

/** Asks for the workload, cross-checks what was delivered meanwhile, countersigns, runs under the new epoch. */
async function takeBack(context: Context, cloud: CloudClient, record: AgreementRecord, runner: Runner): Promise<void> {
  const { id } = record;
  const answer = await askProvider(context, record, { type: 'handback', agreementId: id });
  const { handback, providerSignature, certificate } = handbackOfferSchema.parse(answer);
  if (handback.agreementId !== id || handback.epoch <= epochOf(record)) {
    throw new EdgeError('HANDBACK_INVALID', 'the handback is for another agreement or epoch', {
      context: { handback },
    });
  }
  const delivered = record.duties.cloud === null ? null : await cloud.serviceRecord(record, handback.epoch - 1);
  if (delivered !== null) {
    const checked = crossCheck(handback, delivered.record);
    context.emit('cross-checked', id, { ...checked, cloud: delivered.record.acceptedCount });
  }
  const customerSignature = await context.signer.sign('Handback', handback);
  const signed: SignedHandback = { handback, providerSignature, customerSignature };
  requireGenuine(context, record, signed, certificate);
  const next = await context.records.update(id, (current) => ({
    turns: turnsAfter(current, certificate, signed, context.clock.nowMs()),
  }));
  // Running comes first: readings wait for the cloud to learn the epoch, frames do not wait for anybody.
  await runner.run(handback.epoch, 0);
  await announce(context, cloud, next);
  context.emit('handed-back', id, { epoch: handback.epoch });
}

/** What the provider signed must convince the sinks too; otherwise this node would run under an epoch of its own. */
function requireGenuine(
  { domain }: Context,
  { id, terms, duties }: AgreementRecord,
  signed: SignedHandback,
  certificate: ActivationCertificate,
): void {
  const expected = { terms, duties, agreementId: id, currentEpoch: signed.handback.epoch - 1 };
  const fault =
    checkHandback(domain, signed, expected) ??
    checkCertificate(domain, certificate, { ...expected, currentEpoch: signed.handback.epoch - 2 });
  if (fault === null) return;
  throw new EdgeError('HANDBACK_INVALID', `the provider's handback proves nothing: ${fault}`, {
    context: { agreement: id, epoch: signed.handback.epoch },
  });
}

function turnsAfter(
  record: AgreementRecord,
  certificate: ActivationCertificate,
  signed: SignedHandback,
  atMs: number,
): Turn[] {
  const { epoch } = signed.handback;
  const mine = { epoch, holder: 'customer' as const, startedAtMs: atMs, endedAtMs: null, certificate: null };
  return nextTurns([...record.turns, ...missedTurn(record, certificate, atMs)], atMs, { ...mine, handback: signed });
}

/** The provider's turn, dated by its certificate, unless it is on record already. */
function missedTurn(record: AgreementRecord, certificate: ActivationCertificate, atMs: number): Turn[] {
  const { epoch, issuedAtMs } = certificate.activation;
  if (record.turns.some((turn) => turn.epoch === epoch)) return [];
  return [{ epoch, holder: 'provider', startedAtMs: issuedAtMs, endedAtMs: atMs, certificate, handback: null }];
}
