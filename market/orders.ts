import { z } from 'zod';
import { needSchema, resourcesSchema } from './resources.ts';
import {
  addressSchema,
  addrsSchema,
  amountSchema,
  bytes32Schema,
  cellSchema,
  peerIdSchema,
  signatureSchema,
  tierSchema,
  unixSecSchema,
} from './terms.ts';

const envelope = {
  peerId: peerIdSchema,
  addrs: addrsSchema,
  cell: cellSchema,
  token: addressSchema,
  issuedAt: unixSecSchema,
  expiresAt: unixSecSchema,
  salt: bytes32Schema,
};

/** A provider's advertised capacity and price. */
export const offerSchema = z.strictObject({
  ...envelope,
  provider: addressSchema,
  resources: resourcesSchema,
  tiers: z.array(tierSchema).min(1).max(3),
  standbyWeiPerSec: amountSchema,
  activeWeiPerSec: amountSchema,
  /** The most the provider will put at stake for one agreement. */
  maxProviderStake: amountSchema,
});
export type Offer = z.infer<typeof offerSchema>;

/** A customer's stated need. */
export const demandSchema = z.strictObject({
  ...envelope,
  customer: addressSchema,
  need: needSchema,
  tier: tierSchema,
  maxDistanceM: z.int().min(0).max(20_000_000),
  maxStandbyWeiPerSec: amountSchema,
  maxActiveWeiPerSec: amountSchema,
  minProviderStake: amountSchema,
  termSec: z
    .int()
    .min(1)
    .max(2 ** 32 - 1),
});
export type Demand = z.infer<typeof demandSchema>;

/** An order as it is gossiped: exactly one of the two kinds, with its EIP-712 signature. */
export const signedOrderSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('offer'), order: offerSchema, signature: signatureSchema }),
  z.strictObject({ kind: z.literal('demand'), order: demandSchema, signature: signatureSchema }),
]);
export type SignedOrder = z.infer<typeof signedOrderSchema>;
export type SignedOffer = Extract<SignedOrder, { kind: 'offer' }>;
export type SignedDemand = Extract<SignedOrder, { kind: 'demand' }>;
