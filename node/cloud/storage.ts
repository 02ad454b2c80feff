import { z } from 'zod';
import {
  activationCertificateSchema,
  epochSchema,
  readingSchema,
  signedHandbackSchema,
} from '../../arbitrator/types.ts';
import { toPlainJson } from '../../market/canonical.ts';
import { dutiesSchema, signatureSchema, termsSchema, unixMsSchema } from '../../market/terms.ts';
import type { KeyValue } from '../../sdk/ports.ts';
import { BUCKETS, keyOf } from '../store/buckets.ts';

/** What the cloud keeps, and under which keys. */

const countSchema = z.int().min(0);
const SEQ_DIGITS = 16;
/** Readings are listed block by block, so that a page never loads more than two of them. */
export const BLOCK_READINGS = 1000;

/** An agreement as its parties signed it. */
export const registrationSchema = z.strictObject({
  terms: termsSchema,
  duties: dutiesSchema,
  customerSignature: signatureSchema,
  providerSignature: signatureSchema,
});
export type Registration = z.infer<typeof registrationSchema>;

/** What began an epoch. */
export const epochEvidenceSchema = z.union([
  z.strictObject({ certificate: activationCertificateSchema }),
  z.strictObject({ handback: signedHandbackSchema }),
]);
export type EpochEvidence = z.infer<typeof epochEvidenceSchema>;

/** Counters of one epoch. Its readings have the sequence numbers `firstSeq` to `endSeq - 1`. */
export const epochTallySchema = z.object({
  epoch: epochSchema,
  accepted: countSchema,
  duplicates: countSchema,
  refused: countSchema,
  /** 0 while nothing was accepted. */
  firstAcceptedAtMs: unixMsSchema,
  lastAcceptedAtMs: unixMsSchema,
  firstSeq: countSchema,
  endSeq: countSchema,
});
export type EpochTally = z.infer<typeof epochTallySchema>;

/** The last batch and its answer: a batch whose answer was lost comes again and must get the same one. */
const lastBatchSchema = z.object({ sha256: z.string(), answer: z.record(z.string(), z.unknown()) });

export const talliesSchema = z.object({
  nextSeq: countSchema,
  epochs: z.array(epochTallySchema),
  lastBatch: lastBatchSchema.nullable(),
});
export type Tallies = z.infer<typeof talliesSchema>;

export const acceptedReadingSchema = z.object({
  ...readingSchema.shape,
  seq: countSchema,
  epoch: epochSchema,
  acceptedAtMs: unixMsSchema,
});
export type AcceptedReading = z.infer<typeof acceptedReadingSchema>;

export const agreementKey = (id: string) => keyOf(BUCKETS.cloudAgreements, id);
export const talliesKey = (id: string) => keyOf(BUCKETS.cloudCounters, id);
export const epochKey = (id: string, epoch: number) => keyOf(BUCKETS.cloudEpochs, id, padded(epoch));
export const readingKey = (id: string, seq: number) => `${blockPrefix(id, seq)}${padded(seq)}`;
export const seenKey = (id: string, devAddr: string, fCnt: number) => keyOf(BUCKETS.cloudSeen, id, devAddr, fCnt);

/** All readings of the block that `seq` is in have this prefix. */
function blockPrefix(id: string, seq: number): string {
  return keyOf(BUCKETS.cloudReadings, id, padded(Math.floor(seq / BLOCK_READINGS)), '');
}

function padded(value: number): string {
  return String(value).padStart(SEQ_DIGITS, '0');
}

export function encode(value: unknown): string {
  return JSON.stringify(toPlainJson(value));
}

/** Accepted readings from `fromSeq` up to, not including, `endSeq`, block by block. */
export async function* readReadings(
  store: KeyValue,
  id: string,
  fromSeq: number,
  endSeq: number,
): AsyncGenerator<AcceptedReading[]> {
  let seq = fromSeq;
  while (seq < endSeq) {
    const block = await store.list(blockPrefix(id, seq));
    const readings = block.map(([, value]) => acceptedReadingSchema.parse(JSON.parse(value)));
    yield readings.filter((reading) => reading.seq >= fromSeq && reading.seq < endSeq);
    seq = (Math.floor(seq / BLOCK_READINGS) + 1) * BLOCK_READINGS;
  }
}

export interface StoredAgreement {
  agreementId: string;
  registration: Registration;
  tallies: Tallies;
  evidence: { epoch: number; evidence: EpochEvidence }[];
}

export function noTallies(): Tallies {
  return { nextSeq: 0, epochs: [], lastBatch: null };
}

/** Every agreement of an earlier run. Readings stay on disk. */
export async function loadAgreements(store: KeyValue): Promise<StoredAgreement[]> {
  const found: StoredAgreement[] = [];
  for (const [key, value] of await store.list(keyOf(BUCKETS.cloudAgreements, ''))) {
    const agreementId = key.slice(key.lastIndexOf('/') + 1);
    const tallies = await store.get(talliesKey(agreementId));
    const evidence = await store.list(keyOf(BUCKETS.cloudEpochs, agreementId, ''));
    found.push({
      agreementId,
      registration: registrationSchema.parse(JSON.parse(value)),
      tallies: tallies === null ? noTallies() : talliesSchema.parse(JSON.parse(tallies)),
      evidence: evidence.map(([epochPath, text]) => ({
        epoch: Number(epochPath.slice(epochPath.lastIndexOf('/') + 1)),
        evidence: epochEvidenceSchema.parse(JSON.parse(text)),
      })),
    });
  }
  return found;
}
