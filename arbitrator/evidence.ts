import { keccak256, toUtf8Bytes } from 'ethers';
import { z } from 'zod';
import { canonicalJson } from '../market/canonical.ts';
import { addressSchema, dutiesSchema, receiptSchema, signatureSchema, termsSchema } from '../market/terms.ts';
import {
  activationCertificateSchema,
  signedHandbackSchema,
  signedHeartbeatSchema,
  signedServiceRecordSchema,
  signedStatementSchema,
} from './types.ts';

/**
 * Everything signed that one party has of one agreement. Self-contained: whoever holds it, the chain id and the escrow's
 * address can check every word. Lists may be empty; a party shows what speaks for it.
 */
export const evidencePackSchema = z.strictObject({
  version: z.literal(1),
  chainId: z.int().min(1),
  escrow: addressSchema,
  terms: termsSchema,
  duties: dutiesSchema,
  customerSignature: signatureSchema,
  providerSignature: signatureSchema,
  heartbeats: z.array(signedHeartbeatSchema).max(1_000),
  statements: z.array(signedStatementSchema).max(1_000),
  certificates: z.array(activationCertificateSchema).max(100),
  handbacks: z.array(signedHandbackSchema).max(100),
  records: z.array(signedServiceRecordSchema).max(100),
  receipts: z.array(z.strictObject({ receipt: receiptSchema, signature: signatureSchema })).max(100),
});
export type EvidencePack = z.infer<typeof evidencePackSchema>;

/** The content hash that goes on chain: keccak-256 of the canonical JSON. */
export function evidenceHash(pack: EvidencePack): string {
  return keccak256(toUtf8Bytes(canonicalJson(pack)));
}

/** What is published under the hash. */
export function encodeEvidence(pack: EvidencePack): string {
  return canonicalJson(pack);
}

export type DecodedEvidence = { pack: EvidencePack; fault: null } | { pack: null; fault: string };

/** Reads published evidence. `expectedHash` is the one on chain; the fault is one line for the reader. */
export function decodeEvidence(text: string, expectedHash: string | null): DecodedEvidence {
  const hash = keccak256(toUtf8Bytes(text));
  if (expectedHash !== null && hash !== expectedHash) {
    return { pack: null, fault: `its hash is ${hash}, the chain names ${expectedHash}` };
  }
  const parsed = evidencePackSchema.safeParse(parseJson(text));
  if (parsed.success) return { pack: parsed.data, fault: null };
  return { pack: null, fault: `it is no evidence pack: ${parsed.error.issues[0]?.message ?? 'unreadable'}` };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
