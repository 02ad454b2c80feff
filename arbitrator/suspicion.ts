export interface SuspicionTimes {
  /** Confirmations that end the suspicion after `minMs`; 0 when nobody can confirm. */
  needed: number;
  minMs: number;
  /** How long a suspicion lasts that nobody confirms. */
  maxMs: number;
}

/**
 * How long a suspicion with `confirmations` lasts in total, milliseconds. Falls from `maxMs` to `minMs` with the
 * logarithm of the confirmations: the first witness says more than the fifth (memberlist, suspicion.go).
 */
export function suspicionMs(confirmations: number, times: SuspicionTimes): number {
  const { needed, minMs, maxMs } = times;
  if (needed < 1) return maxMs;
  const share = Math.log(Math.max(0, confirmations) + 1) / Math.log(needed + 1);
  return Math.max(minMs, maxMs - share * (maxMs - minMs));
}

/** What is left of it after `elapsedMs`; 0 or less means that it is over. */
export function remainingSuspicionMs(confirmations: number, elapsedMs: number, times: SuspicionTimes): number {
  return suspicionMs(confirmations, times) - elapsedMs;
}
