import { createHash } from 'node:crypto';
import { z } from 'zod';
import { checkOutput, type Holder } from '../../arbitrator/epoch.ts';
import { epochSchema, type Reading, readingSchema } from '../../arbitrator/types.ts';
import type { Clock } from '../../market/ports.ts';
import { bytes32Schema } from '../../market/terms.ts';
import type { KeyValue } from '../../sdk/ports.ts';
import { type Answer, ok, problem } from './answer.ts';
import type { Ledger } from './ledger.ts';
import { type AcceptedReading, encode, readingKey, seenKey, talliesKey } from './storage.ts';

const batchSchema = z.strictObject({
  /** Part of what is signed: a batch cannot be replayed to another agreement of the same parties. */
  agreementId: bytes32Schema,
  epoch: epochSchema,
  readings: z.array(readingSchema).min(1).max(200),
});
type Batch = z.infer<typeof batchSchema>;

/** A delivery as it arrived. */
export interface Delivery {
  body: Buffer;
  peerId: string;
  signature: string;
}

export interface IntakeParts {
  store: KeyValue;
  clock: Clock;
  /** Ed25519, by the key that the peer id names. */
  verifyPeer: (peerId: string, bytes: Uint8Array, signature: string) => boolean | Promise<boolean>;
}

/** Takes a batch of readings of the current epoch from its holder. Answers only after they are on disk. */
export async function takeReadings(parts: IntakeParts, ledger: Ledger, delivery: Delivery): Promise<Answer> {
  const parsed = batchSchema.safeParse(parseJson(delivery.body));
  if (!parsed.success) {
    return problem(400, 'READINGS_INVALID', z.prettifyError(parsed.error), 'Send {agreementId, epoch, readings}.');
  }
  const batch = parsed.data;
  if (batch.agreementId !== ledger.agreementId) {
    return problem(400, 'READINGS_INVALID', 'The batch is for another agreement.', 'Post it to its own agreement.');
  }
  const from = partyOf(ledger, delivery.peerId);
  if (from === null || !(await parts.verifyPeer(delivery.peerId, delivery.body, delivery.signature))) {
    return problem(
      401,
      'SIGNATURE_WRONG',
      'The batch is not signed by a party of the agreement.',
      'Sign the exact body.',
    );
  }
  return ledger.exclusively(() => take(parts, ledger, batch, from, delivery.body));
}

async function take(parts: IntakeParts, ledger: Ledger, batch: Batch, from: Holder, body: Buffer): Promise<Answer> {
  const fault = checkOutput(ledger.register, { epoch: batch.epoch, from });
  if (fault !== null) return refuse(parts, ledger, batch, fault);
  const sha256 = createHash('sha256').update(body).digest('hex');
  const { lastBatch } = ledger.tallies;
  if (lastBatch?.sha256 === sha256) return ok(lastBatch.answer);

  const verdicts = await judge(parts.store, ledger, batch.readings);
  const nowMs = parts.clock.nowMs();
  const accepted: AcceptedReading[] = [];
  const acceptedIndexes: number[] = [];
  for (const [index, reading] of batch.readings.entries()) {
    if (verdicts[index] !== 'new') continue;
    const seq = ledger.tallies.nextSeq + accepted.length;
    accepted.push({ ...reading, seq, epoch: batch.epoch, acceptedAtMs: nowMs });
    acceptedIndexes.push(index);
  }
  const refused = verdicts.filter((verdict) => verdict === 'foreign').length;
  const duplicates = batch.readings.length - accepted.length - refused;
  const counts = { accepted: accepted.length, duplicates, refused };
  const answer = { ...counts, acceptedIndexes, currentEpoch: ledger.register.epoch };
  await record(parts.store, ledger, batch.epoch, accepted, { counts, nowMs, lastBatch: { sha256, answer } });
  return ok(answer);
}

/** `foreign`: of a device that the duties do not name. A reading that comes twice in one batch is a duplicate. */
async function judge(
  store: KeyValue,
  ledger: Ledger,
  readings: Reading[],
): Promise<('new' | 'duplicate' | 'foreign')[]> {
  const devices = new Set(ledger.registration.duties.devices);
  const keys = readings.map((reading) => seenKey(ledger.agreementId, reading.devAddr, reading.fCnt));
  const stored = await Promise.all(keys.map((key) => store.get(key)));
  const inBatch = new Set<string>();
  return readings.map((reading, index) => {
    if (!devices.has(reading.devAddr)) return 'foreign';
    const key = keys[index] ?? '';
    if (stored[index] !== null || inBatch.has(key)) return 'duplicate';
    inBatch.add(key);
    return 'new';
  });
}

interface Outcome {
  counts: { accepted: number; duplicates: number; refused: number };
  nowMs: number;
  lastBatch: { sha256: string; answer: Record<string, unknown> };
}

/** One atomic write: readings, what marks them as seen, and the counters. */
async function record(
  store: KeyValue,
  ledger: Ledger,
  epoch: number,
  accepted: AcceptedReading[],
  { counts, nowMs, lastBatch }: Outcome,
): Promise<void> {
  const { agreementId } = ledger;
  const before = ledger.tally(epoch);
  const nextSeq = ledger.tallies.nextSeq + accepted.length;
  const some = accepted.length > 0;
  const tally = {
    ...before,
    accepted: before.accepted + counts.accepted,
    duplicates: before.duplicates + counts.duplicates,
    refused: before.refused + counts.refused,
    firstAcceptedAtMs: before.accepted === 0 && some ? nowMs : before.firstAcceptedAtMs,
    lastAcceptedAtMs: some ? nowMs : before.lastAcceptedAtMs,
    endSeq: nextSeq,
  };
  const tallies = { ...ledger.talliesWith(tally), nextSeq, lastBatch };
  const puts: Record<string, string> = { [talliesKey(agreementId)]: encode(tallies) };
  for (const reading of accepted) {
    puts[readingKey(agreementId, reading.seq)] = encode(reading);
    puts[seenKey(agreementId, reading.devAddr, reading.fCnt)] = String(reading.seq);
  }
  await store.write(puts);
  ledger.commit(tallies, epoch, accepted);
}

async function refuse(parts: IntakeParts, ledger: Ledger, batch: Batch, fault: string): Promise<Answer> {
  const currentEpoch = ledger.register.epoch;
  const extra = { currentEpoch };
  if (fault === 'unknown-epoch') {
    return problem(
      409,
      'EPOCH_NOT_STARTED',
      `The epoch is ${currentEpoch}.`,
      'Post the evidence of the new epoch.',
      extra,
    );
  }
  if (fault === 'wrong-holder') {
    return problem(403, 'NOT_HOLDER', 'The epoch belongs to the other party.', 'Deliver in your own epoch.', extra);
  }
  const before = ledger.tally(batch.epoch);
  const tallies = ledger.talliesWith({ ...before, refused: before.refused + batch.readings.length });
  await parts.store.write({ [talliesKey(ledger.agreementId)]: encode(tallies) });
  ledger.commit(tallies, batch.epoch, []);
  return problem(
    409,
    'EPOCH_STALE',
    `Epoch ${batch.epoch} is over.`,
    'Stop the workload; the other party runs it.',
    extra,
  );
}

function partyOf(ledger: Ledger, peerId: string): Holder | null {
  const { customer, provider } = ledger.registration.duties;
  if (peerId === customer.peerId) return 'customer';
  return peerId === provider.peerId ? 'provider' : null;
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
