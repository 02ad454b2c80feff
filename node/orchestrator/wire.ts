import { z } from 'zod';
import { activationCertificateSchema, handbackSchema, signedHandbackSchema } from '../../arbitrator/types.ts';
import {
  bytes32Schema,
  dutiesSchema,
  receiptSchema,
  settlementSchema,
  signatureSchema,
  termsSchema,
  tierSchema,
} from '../../market/terms.ts';

/** Streams of an agreement's life. Negotiation has its own schemas in market/negotiation.ts. */
export const PROTOCOLS = {
  negotiate: '/eaas/negotiate/1.0.0',
  agreement: '/eaas/agreement/1.0.0',
  heartbeat: '/eaas/heartbeat/1.0.0',
  witness: '/eaas/witness/1.0.0',
  ping: '/eaas/ping/1.0.0',
} as const;

const cidsSchema = z.array(z.string().max(128)).max(4096);

/** The content key travels over the authenticated stream only, to the one provider of the agreement. */
export const deploySchema = z.strictObject({
  type: z.literal('deploy'),
  terms: termsSchema,
  duties: dutiesSchema,
  customerSignature: signatureSchema,
  providerSignature: signatureSchema,
  rootCids: cidsSchema,
  key: bytes32Schema,
});

const about = { agreementId: bytes32Schema };

export const agreementRequestSchema = z.discriminatedUnion('type', [
  deploySchema,
  z.strictObject({ type: z.literal('progress'), ...about }),
  z.strictObject({ type: z.literal('challenge'), ...about, nonce: bytes32Schema, cids: cidsSchema }),
  z.strictObject({ type: z.literal('state'), ...about }),
  z.strictObject({ type: z.literal('handback'), ...about }),
  z.strictObject({ type: z.literal('resumed'), ...about, signed: signedHandbackSchema }),
  z.strictObject({ type: z.literal('receipt'), ...about, receipt: receiptSchema, signature: signatureSchema }),
  z.strictObject({
    type: z.literal('settle'),
    ...about,
    settlement: settlementSchema,
    customerSignature: signatureSchema,
  }),
  z.strictObject({ type: z.literal('leaving'), ...about }),
]);
export type AgreementRequest = z.infer<typeof agreementRequestSchema>;
export type RequestOf<T extends AgreementRequest['type']> = Extract<AgreementRequest, { type: T }>;

export const okSchema = z.strictObject({ type: z.literal('ok') });
/** How far the provider has come with the workload. */
export const progressSchema = z.strictObject({
  type: z.literal('progress'),
  tier: tierSchema.nullable(),
  fetchedBytes: z.int().min(0),
  failure: z.string().max(500).nullable(),
  /** The failure will not go away by itself. */
  isFinal: z.boolean(),
});
export type Progress = z.infer<typeof progressSchema>;
export const proofSchema = z.strictObject({ type: z.literal('proof'), hashes: z.array(z.string().max(128)).max(4096) });
/** Who runs the workload, as the provider knows it. */
export const stateSchema = z.strictObject({
  type: z.literal('state'),
  epoch: z.int().min(1),
  active: z.boolean(),
  failure: z.string().max(500).nullable(),
});
export type ProviderState = z.infer<typeof stateSchema>;
export const handbackOfferSchema = z.strictObject({
  type: z.literal('handback'),
  handback: handbackSchema,
  providerSignature: signatureSchema,
  /** What let the provider run: tells the customer from when on it was served, with proof. */
  certificate: activationCertificateSchema,
});
export const settleAnswerSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('settle'), providerSignature: signatureSchema }),
  z.strictObject({ type: z.literal('decline'), code: z.string().max(64), message: z.string().max(500) }),
]);

/** A witness is asked to try to reach the customer of an agreement. */
export const witnessRequestSchema = z.strictObject({
  agreementId: bytes32Schema,
  epoch: z.int().min(1),
  probeId: bytes32Schema,
  subject: z.strictObject({ peerId: z.string().max(128), addrs: z.array(z.string().max(256)).max(8) }),
  timeoutMs: z.int().min(10).max(10_000),
});
export const pingSchema = z.strictObject({ type: z.literal('ping'), nonce: z.string().max(66) });
export const pongSchema = z.strictObject({ type: z.literal('pong'), nonce: z.string().max(66) });
export const heartbeatAckSchema = z.strictObject({
  type: z.literal('ack'),
  seq: z.int().min(0),
  /** The epoch as the provider knows it: a customer that is behind stops serving at once. */
  epoch: z.int().min(1),
});
