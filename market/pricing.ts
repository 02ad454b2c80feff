import type { ProviderPolicy } from './policy.ts';
import type { Need } from './resources.ts';
import type { Tier } from './terms.ts';
import { perHourToPerSec, scaled } from './units.ts';

/** The two rates of an agreement, in wei per second. */
export interface Rates {
  standbyWeiPerSec: bigint;
  activeWeiPerSec: bigint;
}

const GIB = 1024n ** 3n;
const SEC_PER_YEAR = 31_536_000n;

/**
 * What a provider asks for a need: cost of the resources, the yield of the stake it locks, and a margin. Rounded up,
 * so it never asks nothing for something; more of anything never costs less.
 */
export function priceOf(need: Need, tier: Tier, policy: ProviderPolicy, providerStakeWei = 0n): Rates {
  const { prices } = policy;
  const usePerHour =
    share(prices.corePerHour, need.cpuMillis, 1000n) +
    share(prices.memoryGiBPerHour, need.memoryBytes, GIB) +
    share(prices.storageGiBPerHour, need.storageBytes, GIB) +
    share(prices.bandwidthMbpsPerHour, need.bandwidthBps, 1_000_000n) +
    prices.interfacePerHour * BigInt(need.interfaces.length);
  const stakePerHour = (scaled(providerStakeWei, prices.stakeYieldPerYear) * 3600n) / SEC_PER_YEAR;
  const withMargin = (perHour: bigint): bigint => perHourToPerSec(perHour + scaled(perHour, prices.margin), 'up');
  return {
    standbyWeiPerSec: withMargin(scaled(usePerHour, prices.standby[tier]) + stakePerHour),
    activeWeiPerSec: withMargin(usePerHour + stakePerHour),
  };
}

/** Rates times a fraction, rounded down. */
export function scaleRates(rates: Rates, fraction: number): Rates {
  return {
    standbyWeiPerSec: scaled(rates.standbyWeiPerSec, fraction),
    activeWeiPerSec: scaled(rates.activeWeiPerSec, fraction),
  };
}

/** True when neither rate is below the other's. */
export function coversRates(paid: Rates, asked: Rates): boolean {
  return paid.standbyWeiPerSec >= asked.standbyWeiPerSec && paid.activeWeiPerSec >= asked.activeWeiPerSec;
}

function share(pricePerUnit: bigint, amount: number, unit: bigint): bigint {
  return (pricePerUnit * BigInt(amount) + unit - 1n) / unit;
}
