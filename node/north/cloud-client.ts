import { z } from 'zod';
import { epochSchema, type Reading } from '../../arbitrator/types.ts';

/** What the cloud made of one batch. */
export type DeliveryResult =
  /** Final: the batch leaves the queue. */
  | {
      kind: 'taken';
      accepted: number;
      duplicates: number;
      refused: number;
      /** Places in the batch of the readings that were accepted. */
      acceptedIndexes: number[];
      currentEpoch: number;
    }
  /** Final: none of it will ever be taken. */
  | { kind: 'refused'; reason: string; currentEpoch: number | null }
  /** The cloud cannot be reached, is not ready, or does not know the epoch yet: try again. */
  | { kind: 'retry'; reason: string };

export type FinalResult = Exclude<DeliveryResult, { kind: 'retry' }>;

const takenSchema = z.object({
  accepted: z.int().min(0),
  duplicates: z.int().min(0),
  refused: z.int().min(0),
  acceptedIndexes: z.array(z.int().min(0)),
  currentEpoch: epochSchema,
});
const problemSchema = z.object({ code: z.string().max(64), currentEpoch: epochSchema.optional() });

/** Refusals that time cannot mend. The rest is tried again: an agreement may be registered or an epoch reported late. */
const FINAL_CODES = new Set(['EPOCH_STALE', 'NOT_HOLDER', 'READINGS_INVALID', 'BODY_TOO_LARGE']);

export interface DeliverInit {
  fetch: typeof fetch;
  sign: (bytes: Uint8Array) => PeerSignature | Promise<PeerSignature>;
  timeoutMs: number;
}

/** Ed25519 by the node's peer key, hex with `0x`. */
export interface PeerSignature {
  peerId: string;
  signature: string;
}

export interface Batch {
  agreementId: string;
  epoch: number;
  readings: Reading[];
}

/** Posts one batch. Never throws: an unreachable cloud is an answer too. */
export async function deliver(
  init: DeliverInit,
  url: string,
  batch: Batch,
  signal: AbortSignal,
): Promise<DeliveryResult> {
  const body = Buffer.from(JSON.stringify(batch));
  try {
    const { peerId, signature } = await init.sign(body);
    const response = await init.fetch(readingsUrl(url, batch.agreementId), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-eaas-peer': peerId, 'x-eaas-signature': signature },
      body,
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(init.timeoutMs)]),
    });
    return resultOf(response.status, await response.json());
  } catch (error) {
    return { kind: 'retry', reason: error instanceof Error ? error.message : String(error) };
  }
}

function resultOf(status: number, body: unknown): DeliveryResult {
  if (status === 200) {
    const taken = takenSchema.safeParse(body);
    if (taken.success) return { kind: 'taken', ...taken.data };
    return { kind: 'retry', reason: 'the cloud gave an answer that is not understood' };
  }
  const problem = problemSchema.safeParse(body);
  const code = problem.success ? problem.data.code : `HTTP ${status}`;
  if (!FINAL_CODES.has(code)) return { kind: 'retry', reason: code };
  return { kind: 'refused', reason: code, currentEpoch: problem.data?.currentEpoch ?? null };
}

function readingsUrl(url: string, agreementId: string): string {
  return `${url.replace(/\/+$/, '')}/v1/agreements/${agreementId}/readings`;
}
