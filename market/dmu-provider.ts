import type { Offer } from './orders.ts';
import { standbyOvercommit } from './overcommit.ts';
import type { ProviderPolicy } from './policy.ts';
import type { PeerRef } from './ports.ts';
import { priceOf } from './pricing.ts';
import type { Need, Resources } from './resources.ts';
import { minWei } from './units.ts';

/** What a device can sell: what was measured, less what its owner keeps, less what is taken already. Never negative. */
export function spare(measured: Resources, reserved: Need[], policy: ProviderPolicy): Resources {
  const rest = (key: 'cpuMillis' | 'memoryBytes' | 'storageBytes' | 'bandwidthBps', kept: number): number => {
    const taken = reserved.reduce((sum, need) => sum + need[key], 0);
    return Math.max(0, Math.floor(measured[key] * (1 - kept)) - taken);
  };
  return {
    ...measured,
    cpuMillis: rest('cpuMillis', policy.reserve.cpu),
    memoryBytes: rest('memoryBytes', policy.reserve.memory),
    storageBytes: rest('storageBytes', policy.reserve.storage),
    bandwidthBps: rest('bandwidthBps', policy.reserve.bandwidth),
  };
}

/** A typical small workload: the price in an offer is for this one, the exact price comes with the negotiation. */
export const REFERENCE_NEED: Need = {
  cpuMillis: 250,
  memoryBytes: 128 * 1024 ** 2,
  storageBytes: 256 * 1024 ** 2,
  bandwidthBps: 1_000_000,
  interfaces: [],
};

export interface OfferInit extends PeerRef {
  provider: string;
  cell: string;
  token: string;
  spare: Resources;
  /** Free vault balance: an offer never promises a stake that is not there. */
  freeStakeWei: bigint;
  nowSec: number;
  lifetimeSec: number;
  /** 32 random bytes, hex. */
  salt: string;
}

/** An unsigned offer. Its price is that of the reference need (or of the spare resources, when they are less) in the least ready tier. */
export function buildOffer(init: OfferInit, policy: ProviderPolicy): Offer {
  const maxProviderStake = minWei(init.freeStakeWei, policy.maxStake);
  const [tier = 'cold'] = (['cold', 'warm', 'hot'] as const).filter((name) => policy.tiers.includes(name));
  return {
    provider: init.provider,
    peerId: init.peerId,
    addrs: init.addrs,
    cell: init.cell,
    resources: init.spare,
    tiers: policy.tiers,
    token: init.token,
    ...priceOf(smaller(REFERENCE_NEED, init.spare), tier, policy),
    maxProviderStake,
    issuedAt: init.nowSec,
    expiresAt: init.nowSec + init.lifetimeSec,
    salt: init.salt,
  };
}

function smaller(a: Need, b: Need): Need {
  return {
    cpuMillis: Math.min(a.cpuMillis, b.cpuMillis),
    memoryBytes: Math.min(a.memoryBytes, b.memoryBytes),
    storageBytes: Math.min(a.storageBytes, b.storageBytes),
    bandwidthBps: Math.min(a.bandwidthBps, b.bandwidthBps),
    interfaces: a.interfaces,
  };
}

export { answerProposal } from './answer-proposal.ts';
/** The provider side in one place, for those who replace the strategy. */
export { priceOf, standbyOvercommit };
