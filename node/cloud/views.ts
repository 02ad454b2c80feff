import { holderOf } from '../../arbitrator/epoch.ts';
import { rootOf } from '../../arbitrator/reading-set.ts';
import type { ServiceRecord } from '../../arbitrator/types.ts';
import type { Signer } from '../../market/eip712.ts';
import type { KeyValue } from '../../sdk/ports.ts';
import { type Answer, ok, problem } from './answer.ts';
import type { Ledger } from './ledger.ts';
import { type AcceptedReading, BLOCK_READINGS, readReadings } from './storage.ts';

/** The agreement's epoch and what was accepted in each. */
export function overviewOf(ledger: Ledger): Answer {
  const { epoch } = ledger.register;
  const epochs = Array.from({ length: epoch }, (_, index) => {
    const { accepted, duplicates, refused, firstAcceptedAtMs, lastAcceptedAtMs } = ledger.tally(index + 1);
    const holder = holderOf(index + 1);
    return { epoch: index + 1, holder, accepted, duplicates, refused, firstAcceptedAtMs, lastAcceptedAtMs };
  });
  return ok({ agreementId: ledger.agreementId, epoch, holder: holderOf(epoch), epochs });
}

/** The evidence that began each epoch after the first: how a customer that was away learns what happened. */
export function evidenceOf(ledger: Ledger): Answer {
  return ok({ agreementId: ledger.agreementId, epoch: ledger.register.epoch, evidence: ledger.evidence });
}

/** The cloud's signed word on one epoch, as it stands now. */
export async function recordOf(ledger: Ledger, epoch: number, signer: Signer): Promise<Answer> {
  const currentEpoch = ledger.register.epoch;
  if (!(Number.isSafeInteger(epoch) && epoch >= 1 && epoch <= currentEpoch)) {
    return problem(404, 'EPOCH_UNKNOWN', `There are epochs 1 to ${currentEpoch}.`, 'Ask for one of them.', {
      currentEpoch,
    });
  }
  const { tally, set } = await ledger.summary(epoch);
  const record: ServiceRecord = {
    agreementId: ledger.agreementId,
    epoch,
    acceptedCount: tally.accepted,
    readingsRoot: rootOf(set),
    firstAcceptedAtMs: tally.firstAcceptedAtMs,
    lastAcceptedAtMs: tally.lastAcceptedAtMs,
  };
  return ok({ record, signature: await signer.sign('ServiceRecord', record) });
}

/** A page of at most 1,000 accepted readings from sequence number `since`; ask again with `next` until `done`. */
export async function readingsOf(store: KeyValue, ledger: Ledger, since: number): Promise<Answer> {
  if (!(Number.isSafeInteger(since) && since >= 0)) {
    return problem(400, 'SINCE_INVALID', 'since is a sequence number.', 'Start with 0.');
  }
  const endSeq = Math.min(ledger.tallies.nextSeq, since + BLOCK_READINGS);
  const readings: AcceptedReading[] = [];
  for await (const block of readReadings(store, ledger.agreementId, since, endSeq)) readings.push(...block);
  const next = Math.max(since, endSeq);
  return ok({ readings, next, done: next >= ledger.tallies.nextSeq });
}
