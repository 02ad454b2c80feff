import { createHash } from 'node:crypto';
import { type Domain, signerOf } from './eip712.ts';
import { decodeOrder, MAX_ORDER_BYTES, ownerOf } from './order-codec.ts';
import { createOwnerQuota, type OwnerQuota, type QuotaLimits } from './order-quota.ts';
import type { SignedOrder } from './orders.ts';
import { isPlaceCell, topicCell } from './place.ts';
import type { Verdict } from './ports.ts';
import { BoundedMap, type Bucket, refill, take } from './rate.ts';
import { parseOrdersTopic } from './topics.ts';

/** Why an order was let through or not. Only the first group is the forwarder's fault. */
export type GateCode =
  | 'TOO_LARGE'
  | 'MALFORMED'
  | 'WRONG_TOPIC'
  | 'LIFETIME'
  | 'BAD_SIGNATURE'
  | 'EXPIRED'
  | 'FROM_THE_FUTURE'
  | 'SEEN'
  | 'STAKE_UNKNOWN'
  | 'UNFUNDED'
  | 'OVER_QUOTA'
  | 'SUPERSEDED'
  | 'BUSY'
  | 'OK';

export interface GateResult {
  verdict: Verdict;
  code: GateCode;
  /** What was decoded, also when it was not accepted; null when it could not be read. */
  order: SignedOrder | null;
}

export interface GateLimits extends QuotaLimits {
  /** How far ahead of ours a publisher's clock may be, seconds. */
  maxSkewSec: number;
  /** Longest and shortest time from issue to expiry, seconds. */
  maxLifetimeSec: number;
  minLifetimeSec: number;
  /** Vault balance below which an owner is not heard, in the order's token. */
  minStakeWei: bigint;
  /**
   * Signature checks per second. One takes 2.3 ms of a desktop-class core (secp256k1 in JavaScript), several times that
   * on a Raspberry Pi: raising this trades processor time under a flood for orders heard.
   */
  signatureChecksPerSec: number;
  /** Orders remembered as seen; each takes about 200 bytes. */
  maxSeen: number;
}

export const DEFAULT_GATE_LIMITS: GateLimits = {
  maxSkewSec: 30,
  maxLifetimeSec: 3600,
  minLifetimeSec: 10,
  minStakeWei: 1n,
  signatureChecksPerSec: 50,
  maxSeen: 8192,
  ordersPerMinute: 6,
  burst: 10,
  maxLivePerOwner: 30,
  maxOwners: 4096,
};

export interface GateInit {
  domain: Domain;
  /**
   * Free vault balance of an owner from a cache, in wei of `token`; null when it is not known yet. The gate then
   * ignores the order with `STAKE_UNKNOWN` and does not remember it: look the balance up (at a bounded rate) and
   * check the same bytes again.
   */
  stakeOf: (owner: string, token: string) => bigint | null;
  limits?: Partial<GateLimits>;
}

/** Validates gossiped orders, cheapest check first. Keeps bounded memory of what it has seen and of who sent how much. */
export interface OrderGate {
  check(topic: string, bytes: Uint8Array, nowMs: number): GateResult;
}

interface Context {
  domain: Domain;
  limits: GateLimits;
  stakeOf: GateInit['stakeOf'];
  seen: BoundedMap<string, 'good' | 'forged'>;
  quota: OwnerQuota;
  signatureChecks: Bucket;
}

const PENALISED: ReadonlySet<GateCode> = new Set<GateCode>([
  'TOO_LARGE',
  'MALFORMED',
  'WRONG_TOPIC',
  'LIFETIME',
  'BAD_SIGNATURE',
]);

export function createOrderGate(init: GateInit): OrderGate {
  const limits = { ...DEFAULT_GATE_LIMITS, ...init.limits };
  const context: Context = {
    domain: init.domain,
    limits,
    stakeOf: init.stakeOf,
    seen: new BoundedMap(limits.maxSeen),
    quota: createOwnerQuota(limits),
    signatureChecks: { tokens: limits.signatureChecksPerSec, refilledAtMs: 0 },
  };
  return { check: (topic, bytes, nowMs) => check(context, topic, bytes, nowMs) };
}

function check(context: Context, topic: string, bytes: Uint8Array, nowMs: number): GateResult {
  if (bytes.length > MAX_ORDER_BYTES) return result('TOO_LARGE', null);
  const order = decodeOrder(bytes);
  if (order === null) return result('MALFORMED', null);
  return result(checkOrder(context, topic, order, bytes, nowMs), order);
}

function checkOrder(context: Context, topic: string, order: SignedOrder, bytes: Uint8Array, nowMs: number): GateCode {
  if (!fitsTopic(topic, order, context.domain)) return 'WRONG_TOPIC';
  const late = checkTimes(order, nowMs, context.limits);
  if (late !== 'OK') return late;

  const id = createHash('sha256').update(bytes).digest('base64');
  const before = context.seen.get(id);
  if (before !== undefined) return before === 'good' ? 'SEEN' : 'BAD_SIGNATURE';

  const unfunded = checkStake(context, order);
  if (unfunded !== 'OK') return unfunded;
  const over = context.quota.check(order, nowMs);
  if (over !== 'OK') return over;
  return checkSignature(context, order, id, nowMs);
}

/** An order belongs into exactly one topic: that of its own cell, on the chain of this market. */
function fitsTopic(topic: string, signed: SignedOrder, domain: Domain): boolean {
  const parsed = parseOrdersTopic(topic);
  if (parsed === null || parsed.chainId !== domain.chainId || !isPlaceCell(signed.order.cell)) return false;
  return topicCell(signed.order.cell) === parsed.cell;
}

/** A lifetime is in the order itself, so a forwarder could check it; whether it is over depends on whose clock is right. */
function checkTimes({ order }: SignedOrder, nowMs: number, limits: GateLimits): GateCode {
  const lifetimeSec = order.expiresAt - order.issuedAt;
  if (lifetimeSec > limits.maxLifetimeSec || lifetimeSec < limits.minLifetimeSec) return 'LIFETIME';
  const nowSec = nowMs / 1000;
  if (order.expiresAt <= nowSec) return 'EXPIRED';
  return order.issuedAt > nowSec + limits.maxSkewSec ? 'FROM_THE_FUTURE' : 'OK';
}

function checkStake(context: Context, signed: SignedOrder): GateCode {
  const stake = context.stakeOf(ownerOf(signed), signed.order.token);
  if (stake === null) return 'STAKE_UNKNOWN';
  if (stake < context.limits.minStakeWei) return 'UNFUNDED';
  return signed.kind === 'offer' && signed.order.maxProviderStake > stake ? 'UNFUNDED' : 'OK';
}

/** Charges the owner's quota only once the owner's signature is proven: forgeries must not use up anybody's share. */
function checkSignature(context: Context, signed: SignedOrder, id: string, nowMs: number): GateCode {
  const perSec = context.limits.signatureChecksPerSec;
  refill(context.signatureChecks, nowMs, perSec / 1000, perSec);
  if (!take(context.signatureChecks)) return 'BUSY';
  const primary = signed.kind === 'offer' ? 'Offer' : 'Demand';
  const genuine = signerOf(context.domain, primary, signed.order, signed.signature) === ownerOf(signed);
  context.seen.set(id, genuine ? 'good' : 'forged');
  if (!genuine) return 'BAD_SIGNATURE';
  context.quota.charge(signed, nowMs);
  return 'OK';
}

function result(code: GateCode, order: SignedOrder | null): GateResult {
  if (code === 'OK') return { verdict: 'accept', code, order };
  return { verdict: PENALISED.has(code) ? 'reject' : 'ignore', code, order };
}
