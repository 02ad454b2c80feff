import { ownerOf } from './order-codec.ts';
import type { SignedOrder } from './orders.ts';
import { BoundedMap, type Bucket, refill, take } from './rate.ts';

/** How much one owner may publish. */
export interface QuotaLimits {
  ordersPerMinute: number;
  burst: number;
  /** A newer order of the same kind from the same peer replaces the older and counts once. */
  maxLivePerOwner: number;
  /** Owners remembered; the one heard of longest ago is forgotten first. */
  maxOwners: number;
}

/** Remembers proven orders only, so that filling it costs funded accounts. */
export interface OwnerQuota {
  check(signed: SignedOrder, nowMs: number): 'OK' | 'OVER_QUOTA' | 'SUPERSEDED';
  charge(signed: SignedOrder, nowMs: number): void;
}

interface Live {
  issuedAt: number;
  expiresAt: number;
}

interface Account {
  bucket: Bucket;
  /** By kind and peer. */
  live: Map<string, Live>;
}

export function createOwnerQuota(limits: QuotaLimits): OwnerQuota {
  const accounts = new BoundedMap<string, Account>(limits.maxOwners);

  return {
    check(signed, nowMs) {
      const account = accounts.get(ownerOf(signed));
      if (account === undefined) return 'OK';
      const before = account.live.get(slotOf(signed));
      if (before !== undefined && before.issuedAt > signed.order.issuedAt) return 'SUPERSEDED';
      settle(account, nowMs, limits);
      const full = !account.live.has(slotOf(signed)) && account.live.size >= limits.maxLivePerOwner;
      return full || account.bucket.tokens < 1 ? 'OVER_QUOTA' : 'OK';
    },
    charge(signed, nowMs) {
      const owner = ownerOf(signed);
      const account = accounts.get(owner) ?? newAccount(limits, nowMs);
      take(account.bucket);
      account.live.set(slotOf(signed), { issuedAt: signed.order.issuedAt, expiresAt: signed.order.expiresAt });
      accounts.set(owner, account);
    },
  };
}

function newAccount(limits: QuotaLimits, nowMs: number): Account {
  return { bucket: { tokens: limits.burst, refilledAtMs: nowMs }, live: new Map() };
}

function settle(account: Account, nowMs: number, limits: QuotaLimits): void {
  refill(account.bucket, nowMs, limits.ordersPerMinute / 60_000, limits.burst);
  for (const [slot, live] of account.live) {
    if (live.expiresAt <= nowMs / 1000) account.live.delete(slot);
  }
}

function slotOf(signed: SignedOrder): string {
  return `${signed.kind}:${signed.order.peerId}`;
}
