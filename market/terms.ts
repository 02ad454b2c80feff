import { z } from 'zod';
import { needSchema } from './resources.ts';

/** Wire scalars. Bigints travel as decimal strings, in JSON and in hashes alike. */
export const addressSchema = z.string().regex(/^0x[0-9a-fA-F]{40}$/);
export const bytes32Schema = z.string().regex(/^0x[0-9a-f]{64}$/);
export const signatureSchema = z.string().regex(/^0x([0-9a-f]{2}){0,2048}$/);
const UINT104_MAX = 2n ** 104n - 1n;
export const amountSchema = z
  .union([z.bigint(), z.string().regex(/^\d{1,39}$/)])
  .transform((value) => BigInt(value))
  .refine((value) => value >= 0n && value <= UINT104_MAX, 'amount exceeds 2^104-1');
export const unixSecSchema = z
  .int()
  .min(0)
  .max(2 ** 40 - 1);
export const unixMsSchema = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
export const cellSchema = z.string().regex(/^[0-9a-f]{15}$/);
export const peerIdSchema = z.string().min(16).max(128);
export const addrsSchema = z.array(z.string().max(256)).max(8);

/** How ready a provider keeps a workload: bytes stored, container created, or container running but idle. */
export const tierSchema = z.enum(['cold', 'warm', 'hot']);
export type Tier = z.infer<typeof tierSchema>;
/** What lets the provider start the workload. */
export const activationSchema = z.enum(['failure', 'schedule', 'immediately', 'request']);

/** The part of an agreement that the escrow contract reads. Mirrors `struct Terms` of AgreementEscrow. */
export const termsSchema = z.strictObject({
  customer: addressSchema,
  provider: addressSchema,
  token: addressSchema,
  /** The most the customer can pay. */
  customerStake: amountSchema,
  /** Goes to the customer on breach. */
  providerStake: amountSchema,
  /** The signatures can open the agreement until then (Unix seconds); afterwards they are void. */
  openBy: unixSecSchema,
  /** End of the term (Unix seconds). */
  endsAt: unixSecSchema,
  /** How long the other side may answer a claim or a report, and how long after `endsAt` a claim may be filed. */
  responseWindowSec: z
    .int()
    .min(1)
    .max(2 ** 32 - 1),
  /**
   * Which of the provider's lanes holds the agreement on chain: one agreement at a time, and each later one with a
   * later `openBy`. A random number is always right; reusing a lane whose agreement has ended saves 17,000 gas.
   */
  lane: z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
  /** EIP-712 struct hash of the `Arbitration`, zero for none. */
  arbitrationHash: bytes32Schema,
  /** `dutiesHash(duties)`: binds everything the contract does not read. */
  dutiesHash: bytes32Schema,
});
export type Terms = z.infer<typeof termsSchema>;

/** A node named in an agreement: the account that signs for it and where it is reached. */
export const partySchema = z.strictObject({ address: addressSchema, peerId: peerIdSchema, addrs: addrsSchema });
export type Party = z.infer<typeof partySchema>;

/** The part of an agreement that the nodes carry out: bound by `terms.dutiesHash`, never on chain. */
export const dutiesSchema = z.strictObject({
  version: z.literal(1),
  customer: partySchema,
  provider: partySchema,
  /** The customer's cloud: receives readings, acknowledges service; null for a workload with no north side. */
  cloud: z.strictObject({ url: z.url().max(256), address: addressSchema }).nullable(),
  cell: cellSchema,
  /** sha256 of the canonical plaintext manifest, 0x-prefixed. */
  workloadHash: bytes32Schema,
  need: needSchema,
  tier: tierSchema,
  activation: activationSchema,
  heartbeatIntervalMs: z.int().min(50).max(600_000),
  /** Missed heartbeats before the provider suspects the customer. */
  suspectAfterMissed: z.int().min(1).max(100),
  /** Nodes that may be asked whether they can reach the customer; empty for a two-device agreement. */
  witnesses: z.array(partySchema).max(16),
  /** How many `dead` statements make an activation certificate; 0 when there are no witnesses. */
  witnessQuorum: z.int().min(0).max(16),
  /** LoRaWAN device addresses (8 hex digits) whose frames the provider buffers and replays. */
  devices: z.array(z.string().regex(/^[0-9a-f]{8}$/)).max(1024),
  frameBufferSec: z.int().min(0).max(600),
  standbyWeiPerSec: amountSchema,
  activeWeiPerSec: amountSchema,
  /** Makes two agreements with otherwise equal content distinct. */
  salt: bytes32Schema,
});
export type Duties = z.infer<typeof dutiesSchema>;

/** Who rules on disputes of an agreement; hashed into `terms.arbitrationHash`. Mirrors `struct Arbitration`. */
export interface Arbitration {
  arbitrator: string;
  /** Most wei of native currency an arbitration may cost. */
  maxFeeWei: bigint;
  /** How long the arbitrator may take before the fixed rule applies, seconds. */
  rulingWindowSec: number;
  /** Part of the customer's stake, in basis points, that a losing customer owes a provider that advanced the fee. */
  feeShareBps: number;
  extraData: string;
}

/** Customer-signed total earned so far; a newer one replaces an older one. */
export const receiptSchema = z.strictObject({ agreementId: bytes32Schema, earned: amountSchema });
export type Receipt = z.infer<typeof receiptSchema>;

/** How an agreement ends when both sign. `outcome`: 0 neutral, 1 honoured, 2 breached by the provider. */
export const settlementSchema = z.strictObject({
  agreementId: bytes32Schema,
  /** Of the pot (both stakes); the rest goes to the customer. */
  toProvider: amountSchema,
  outcome: z.union([z.literal(0), z.literal(1), z.literal(2)]),
});
export type Settlement = z.infer<typeof settlementSchema>;

/** A later content of an open agreement, by both signatures. Absolute values that only grow: it cannot take effect twice. */
export const amendmentSchema = z.strictObject({
  agreementId: bytes32Schema,
  customerStake: amountSchema,
  endsAt: unixSecSchema,
});
export type Amendment = z.infer<typeof amendmentSchema>;
