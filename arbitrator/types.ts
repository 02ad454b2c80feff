import { z } from 'zod';
import { bytes32Schema, signatureSchema, unixMsSchema } from '../market/terms.ts';

/** Who may run the workload now: a number that only grows. 1 is the customer's first run. */
export const epochSchema = z.int().min(1).max(Number.MAX_SAFE_INTEGER);

/** Sent by the customer's node to the provider, signed with the customer's peer key (Ed25519). */
export const heartbeatSchema = z.strictObject({
  agreementId: bytes32Schema,
  epoch: epochSchema,
  /** Grows by one per heartbeat of a run of the node. */
  seq: z.int().min(0),
  /** Tells runs of the same node apart: a restart draws a new one. */
  bootId: z.string().regex(/^[0-9a-f]{16}$/),
  sentAtMs: unixMsSchema,
  /** The workload is running and was healthy when this was sent. */
  serving: z.boolean(),
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;
export const signedHeartbeatSchema = z.strictObject({
  heartbeat: heartbeatSchema,
  /** Ed25519 over `canonicalJson(heartbeat)`, hex. */
  signature: z.string().regex(/^0x[0-9a-f]{128}$/),
});
export type SignedHeartbeat = z.infer<typeof signedHeartbeatSchema>;

/** What a witness saw when it tried to reach the customer's node. EIP-712 signed by the witness's account. */
export const witnessStatementSchema = z.strictObject({
  agreementId: bytes32Schema,
  /** The epoch that would be taken over from. */
  epoch: epochSchema,
  /** Drawn by the asker: binds the statement to one suspicion. */
  probeId: bytes32Schema,
  reachable: z.boolean(),
  observedAtMs: unixMsSchema,
});
export type WitnessStatement = z.infer<typeof witnessStatementSchema>;
export const signedStatementSchema = z.strictObject({ statement: witnessStatementSchema, signature: signatureSchema });
export type SignedStatement = z.infer<typeof signedStatementSchema>;

/** The provider's own word that it takes `epoch`. EIP-712 signed by the provider. */
export const activationRecordSchema = z.strictObject({
  agreementId: bytes32Schema,
  epoch: epochSchema,
  lastHeartbeatAtMs: unixMsSchema,
  probeId: bytes32Schema,
  issuedAtMs: unixMsSchema,
});
export type ActivationRecord = z.infer<typeof activationRecordSchema>;

/** Allows `activation.epoch` to run at the provider: the provider's word and at least the quorum of statements. */
export const activationCertificateSchema = z.strictObject({
  activation: activationRecordSchema,
  signature: signatureSchema,
  statements: z.array(signedStatementSchema).max(16),
});
export type ActivationCertificate = z.infer<typeof activationCertificateSchema>;

/** Gives the workload back to the customer under `epoch`. EIP-712 signed by both. */
export const handbackSchema = z.strictObject({
  agreementId: bytes32Schema,
  epoch: epochSchema,
  /** Distinct readings the provider saw accepted by the cloud during its epoch. */
  deliveredCount: z.int().min(0),
  readingsRoot: bytes32Schema,
});
export type Handback = z.infer<typeof handbackSchema>;
export const signedHandbackSchema = z.strictObject({
  handback: handbackSchema,
  providerSignature: signatureSchema,
  customerSignature: signatureSchema,
});
export type SignedHandback = z.infer<typeof signedHandbackSchema>;

/** The cloud's word on what it accepted in one epoch. EIP-712 signed by the cloud's account. */
export const serviceRecordSchema = z.strictObject({
  agreementId: bytes32Schema,
  epoch: epochSchema,
  acceptedCount: z.int().min(0),
  readingsRoot: bytes32Schema,
  /** 0 while nothing was accepted. */
  firstAcceptedAtMs: unixMsSchema,
  lastAcceptedAtMs: unixMsSchema,
});
export type ServiceRecord = z.infer<typeof serviceRecordSchema>;
export const signedServiceRecordSchema = z.strictObject({ record: serviceRecordSchema, signature: signatureSchema });
export type SignedServiceRecord = z.infer<typeof signedServiceRecordSchema>;

/** One sensor reading as the workload sends it north. `(devAddr, fCnt)` identifies it. */
export const readingSchema = z.strictObject({
  devAddr: z.string().regex(/^[0-9a-f]{8}$/),
  fCnt: z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
  /** Decrypted application payload, hex. */
  payload: z.string().regex(/^([0-9a-f]{2}){0,242}$/),
  /** When the gateway received the frame. */
  receivedAtMs: unixMsSchema,
});
export type Reading = z.infer<typeof readingSchema>;
