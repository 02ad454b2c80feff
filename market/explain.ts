import type { Demand, Offer } from './orders.ts';
import { distanceM } from './place.ts';
import {
  formatBitsPerSec,
  formatBytes,
  formatCores,
  formatDistance,
  formatDuration,
  formatMoney,
  formatMoneyPerHour,
} from './units.ts';

/** Why an offer does not serve a demand. */
export type MisfitCode =
  | 'SELF_DEALING'
  | 'EXPIRED'
  | 'TOKEN_DIFFERS'
  | 'TOO_FAR'
  | 'CPU_SHORT'
  | 'MEMORY_SHORT'
  | 'STORAGE_SHORT'
  | 'BANDWIDTH_SHORT'
  | 'INTERFACE_MISSING'
  | 'TIER_MISSING'
  | 'STANDBY_PRICE_HIGH'
  | 'ACTIVE_PRICE_HIGH'
  | 'STAKE_SHORT'
  | 'STAKE_UNFUNDED'
  | 'REPUTATION_LOW';

/** One failed constraint. `need` and `have` are plain values (wei as decimal strings), the message says them in units. */
export interface Misfit {
  code: MisfitCode;
  message: string;
  need: string | number;
  have: string | number;
}

export interface OfferVerdict {
  fits: boolean;
  /** Every failed constraint, not only the first; empty when it fits. */
  reasons: Misfit[];
}

/** What is known of a provider besides its own words; null where nothing is known, which fails no constraint. */
export interface MatchFacts {
  /** Free vault balance in the demand's token, wei. */
  freeStakeWei: bigint | null;
  /** 0 to 1000, see `reputationPermille`. */
  reputationPermille: number | null;
  minReputationPermille: number;
}

export const NO_FACTS: MatchFacts = { freeStakeWei: null, reputationPermille: null, minReputationPermille: 0 };

/** Compares an offer with a demand; lists each constraint that fails, and by how much. Throws `PLACE_INVALID` for a bad cell. */
export function explainOffer(demand: Demand, offer: Offer, facts: MatchFacts, nowSec: number): OfferVerdict {
  const reasons = [
    ...explainParties(demand, offer, nowSec),
    ...explainPlace(demand, offer),
    ...explainCapacity(demand, offer),
    ...explainAbilities(demand, offer),
    ...explainPrice(demand, offer),
    ...explainTrust(demand, offer, facts),
  ];
  return { fits: reasons.length === 0, reasons };
}

function explainParties(demand: Demand, offer: Offer, nowSec: number): Misfit[] {
  const reasons: Misfit[] = [];
  if (same(demand.customer, offer.provider) || demand.peerId === offer.peerId) {
    const message = 'the provider is the customer itself';
    reasons.push({ code: 'SELF_DEALING', message, need: 'another party', have: offer.provider });
  }
  for (const [what, expiresAt] of [['offer', offer.expiresAt] as const, ['demand', demand.expiresAt] as const]) {
    if (expiresAt > nowSec) continue;
    const message = `the ${what} expired ${formatDuration(nowSec - expiresAt)} ago`;
    reasons.push({ code: 'EXPIRED', message, need: nowSec, have: expiresAt });
  }
  if (!same(demand.token, offer.token)) {
    const message = `paid in token ${offer.token}, ${demand.token} wanted`;
    reasons.push({ code: 'TOKEN_DIFFERS', message, need: demand.token, have: offer.token });
  }
  return reasons;
}

function explainPlace(demand: Demand, offer: Offer): Misfit[] {
  const metres = Math.round(distanceM(demand.cell, offer.cell));
  if (metres <= demand.maxDistanceM) return [];
  const message = `${formatDistance(metres)} away, ${formatDistance(demand.maxDistanceM)} allowed`;
  return [{ code: 'TOO_FAR', message, need: demand.maxDistanceM, have: metres }];
}

const CAPACITIES = [
  { code: 'CPU_SHORT', key: 'cpuMillis', noun: 'processor', format: formatCores },
  { code: 'MEMORY_SHORT', key: 'memoryBytes', noun: 'memory', format: formatBytes },
  { code: 'STORAGE_SHORT', key: 'storageBytes', noun: 'storage', format: formatBytes },
  { code: 'BANDWIDTH_SHORT', key: 'bandwidthBps', noun: 'bandwidth', format: formatBitsPerSec },
] as const;

function explainCapacity(demand: Demand, offer: Offer): Misfit[] {
  return CAPACITIES.filter(({ key }) => offer.resources[key] < demand.need[key]).map(({ code, key, noun, format }) => {
    const need = demand.need[key];
    const have = offer.resources[key];
    const message = `${noun}: ${format(have)} to spare, ${format(need)} needed (${format(need - have)} short)`;
    return { code, message, need, have };
  });
}

function explainAbilities(demand: Demand, offer: Offer): Misfit[] {
  const have = offer.resources.interfaces.join(', ') || 'none';
  const missing = demand.need.interfaces.filter((name) => !offer.resources.interfaces.includes(name));
  const reasons = missing.map((need): Misfit => {
    return { code: 'INTERFACE_MISSING', message: `no interface ${need} (has ${have})`, need, have };
  });
  if (!offer.tiers.includes(demand.tier)) {
    const tiers = offer.tiers.join(', ');
    const message = `tier ${demand.tier} is not offered (offers ${tiers})`;
    reasons.push({ code: 'TIER_MISSING', message, need: demand.tier, have: tiers });
  }
  return reasons;
}

function explainPrice(demand: Demand, offer: Offer): Misfit[] {
  const prices = [
    ['STANDBY_PRICE_HIGH', 'on stand-by', offer.standbyWeiPerSec, demand.maxStandbyWeiPerSec],
    ['ACTIVE_PRICE_HIGH', 'while active', offer.activeWeiPerSec, demand.maxActiveWeiPerSec],
  ] as const;
  return prices
    .filter(([, , asked, allowed]) => asked > allowed)
    .map(([code, when, asked, allowed]) => {
      const message = `asks ${formatMoneyPerHour(asked)} ${when}, ${formatMoneyPerHour(allowed)} allowed`;
      return { code, message, need: allowed.toString(), have: asked.toString() };
    });
}

function explainTrust(demand: Demand, offer: Offer, facts: MatchFacts): Misfit[] {
  const reasons: Misfit[] = [];
  const need = demand.minProviderStake;
  if (offer.maxProviderStake < need) {
    const message = `puts at most ${formatMoney(offer.maxProviderStake)} at stake, ${formatMoney(need)} wanted`;
    reasons.push({ code: 'STAKE_SHORT', message, need: `${need}`, have: `${offer.maxProviderStake}` });
  }
  if (facts.freeStakeWei !== null && facts.freeStakeWei < need) {
    const message = `has ${formatMoney(facts.freeStakeWei)} free in the vault, ${formatMoney(need)} wanted as stake`;
    reasons.push({ code: 'STAKE_UNFUNDED', message, need: `${need}`, have: `${facts.freeStakeWei}` });
  }
  const { reputationPermille: have, minReputationPermille: least } = facts;
  if (have !== null && have < least) {
    const message = `reputation ${have} of 1000, at least ${least} wanted`;
    reasons.push({ code: 'REPUTATION_LOW', message, need: least, have });
  }
  return reasons;
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
