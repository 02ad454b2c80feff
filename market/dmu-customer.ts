import { EdgeError } from './errors.ts';
import type { Demand } from './orders.ts';
import type { CustomerPolicy } from './policy.ts';
import type { PeerRef } from './ports.ts';
import type { Rates } from './pricing.ts';
import type { Need } from './resources.ts';
import type { Tier } from './terms.ts';
import { minWei, perHourToPerSec, scaled } from './units.ts';

/** What the containers used at one moment, as the runtime counted it. */
export interface UsageSample {
  cpuMillis: number;
  memoryBytes: number;
}

/** Share of the samples that must be enough. */
const QUANTILE = 0.95;

/**
 * What running containers need: the 95th percentile of what they used, with headroom, and at least the floor (which
 * also gives what is not measured). Averages would promise too little to a workload that works in bursts.
 */
export function estimateNeed(samples: UsageSample[], floor: Need, headroom = 0.25): Need {
  const enough = (values: number[]): number => Math.ceil(quantile(values, QUANTILE) * (1 + headroom));
  return {
    ...floor,
    cpuMillis: Math.max(floor.cpuMillis, enough(samples.map((sample) => sample.cpuMillis))),
    memoryBytes: Math.max(floor.memoryBytes, enough(samples.map((sample) => sample.memoryBytes))),
  };
}

/** The smallest value that at least this share of the values does not exceed; 0 of none. */
export function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

export interface DemandInit extends PeerRef {
  customer: string;
  cell: string;
  token: string;
  need: Need;
  tier: Tier;
  nowSec: number;
  lifetimeSec: number;
  /** 32 random bytes, hex. */
  salt: string;
  /** What the workload file states; the policy gives the rest, and its ceilings hold in any case. */
  wants?: Partial<
    Pick<Demand, 'maxDistanceM' | 'maxStandbyWeiPerSec' | 'maxActiveWeiPerSec' | 'minProviderStake' | 'termSec'>
  >;
}

/** An unsigned demand. Throws `TERM_TOO_LONG` when the workload wants more than the policy allows. */
export function buildDemand(init: DemandInit, policy: CustomerPolicy): Demand {
  const wants = init.wants ?? {};
  const termSec = wants.termSec ?? policy.termSec;
  if (termSec > policy.maxTermSec) {
    throw new EdgeError('TERM_TOO_LONG', `a term of ${termSec} s is longer than the policy's ${policy.maxTermSec} s`, {
      context: { termSec, maxTermSec: policy.maxTermSec },
      remedy: 'Shorten x-eaas.term, or raise customer.maxTermSec in the policy.',
    });
  }
  const standbyCeiling = perHourToPerSec(policy.maxStandbyPerHour, 'down');
  const activeCeiling = perHourToPerSec(policy.maxActivePerHour, 'down');
  return {
    customer: init.customer,
    peerId: init.peerId,
    addrs: init.addrs,
    cell: init.cell,
    need: init.need,
    tier: init.tier,
    token: init.token,
    maxDistanceM: wants.maxDistanceM ?? policy.maxDistanceM,
    maxStandbyWeiPerSec: minWei(wants.maxStandbyWeiPerSec ?? standbyCeiling, standbyCeiling),
    maxActiveWeiPerSec: minWei(wants.maxActiveWeiPerSec ?? activeCeiling, activeCeiling),
    minProviderStake: wants.minProviderStake ?? policy.minProviderStake,
    termSec,
    issuedAt: init.nowSec,
    expiresAt: init.nowSec + init.lifetimeSec,
    salt: init.salt,
  };
}

/** A negotiation so far, as the customer saw it. */
export interface Bargain {
  /** The rates in the provider's offer. */
  listed: Rates;
  /** The rates in the customer's demand. */
  ceiling: Rates;
  /** Oldest first; the provider's counter to each proposal. */
  rounds: { proposed: Rates; countered: Rates }[];
}

export type CustomerDecision =
  | { type: 'propose'; round: number; rates: Rates }
  | { type: 'stop'; code: 'ROUNDS_OVER' | 'TOO_DEAR'; message: string };

/** A gap of less than this share of the price is not worth another round. */
const CLOSE_ENOUGH = 0.01;

/**
 * The next proposal: it opens below the offered price and then gives up a share of what lies between the two sides in
 * each round, never above the ceiling. In the last round it takes the provider's word if the ceiling allows it.
 */
export function nextProposal(bargain: Bargain, policy: CustomerPolicy): CustomerDecision {
  const round = bargain.rounds.length + 1;
  if (round > policy.maxRounds) {
    return { type: 'stop', code: 'ROUNDS_OVER', message: `no agreement after ${policy.maxRounds} rounds` };
  }
  const { ceiling, listed } = bargain;
  const last = bargain.rounds.at(-1);
  const isFinal = round === policy.maxRounds;
  if (last !== undefined && isFinal && !affordable(last.countered, ceiling)) {
    return { type: 'stop', code: 'TOO_DEAR', message: 'the provider still asks more than the demand allows' };
  }
  const step = (key: keyof Rates): bigint => {
    if (last === undefined) return scaled(minWei(listed[key], ceiling[key]), policy.openingFraction);
    const target = minWei(last.countered[key], ceiling[key]);
    return isFinal ? target : concede(last.proposed[key], target, policy.concessionPerRound);
  };
  const rates = { standbyWeiPerSec: step('standbyWeiPerSec'), activeWeiPerSec: step('activeWeiPerSec') };
  return { type: 'propose', round, rates };
}

function concede(from: bigint, target: bigint, fraction: number): bigint {
  const next = from + scaled(target - from, fraction);
  return target - next <= scaled(target, CLOSE_ENOUGH) ? target : next;
}

function affordable(asked: Rates, ceiling: Rates): boolean {
  return asked.standbyWeiPerSec <= ceiling.standbyWeiPerSec && asked.activeWeiPerSec <= ceiling.activeWeiPerSec;
}

/** The customer side in one place, for those who replace the strategy. */
export { rankOffers } from './rank-offers.ts';
