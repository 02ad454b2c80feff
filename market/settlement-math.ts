import { EdgeError } from './errors.ts';
import type { Duties, Terms } from './terms.ts';
import { maxWei, minWei } from './units.ts';

/** Whole seconds that a provider has served in each way; a fraction of a second is not paid. */
export interface Served {
  standbySec: number;
  activeSec: number;
}

type Rates = Pick<Duties, 'standbyWeiPerSec' | 'activeWeiPerSec'>;

/** What the provider has earned so far, in wei: never more than the customer's stake. Throws `SERVED_INVALID` for negative times. */
export function earnedWei(served: Served, duties: Rates, terms: Pick<Terms, 'customerStake'>): bigint {
  const { standbySec, activeSec } = served;
  if (!(standbySec >= 0 && activeSec >= 0 && Number.isFinite(standbySec + activeSec))) {
    throw new EdgeError('SERVED_INVALID', `cannot pay for ${standbySec} s on stand-by and ${activeSec} s active`, {
      context: { standbySec, activeSec },
      remedy: 'Count the seconds from recorded times, not from a clock that may step back.',
    });
  }
  const standby = duties.standbyWeiPerSec * BigInt(Math.floor(standbySec));
  const total = standby + duties.activeWeiPerSec * BigInt(Math.floor(activeSec));
  return minWei(total, terms.customerStake);
}

/** The most that a term of `termSec` can cost: every second at the dearer rate. A customer's stake covers it. */
export function worstCaseWei(duties: Rates, termSec: number): bigint {
  return maxWei(duties.standbyWeiPerSec, duties.activeWeiPerSec) * BigInt(Math.max(0, Math.ceil(termSec)));
}
