/** What one failure and its repair took. Milliseconds, from the failure unless said otherwise. */
export interface Round {
  /** Epoch that the provider took. */
  epoch: number;
  failedAtMs: number;
  /** The provider began to suspect. */
  suspectMs: number;
  /** It had its own probe's and the witnesses' word, and took the epoch. */
  decidedMs: number;
  /** Its container ran. */
  activeMs: number;
  /** The cloud accepted the first reading of the new epoch. */
  takeoverMs: number;
  /** From the start of the bridge's comeback to its running again. */
  handbackMs: number;
}

/** Nearest rank: a value that was measured, never one in between. Null without values. */
export function percentile(values: number[], percent: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? null;
}

export function quantiles(values: number[]): { p50: number | null; p99: number | null } {
  return { p50: percentile(values, 50), p99: percentile(values, 99) };
}

/** How many frames were lost in each round: sent after its failure and before the next one. The first entry: before. */
export function lostByRound(lostSentAtMs: number[], failedAtMs: number[]): number[] {
  const bounds = [-Infinity, ...failedAtMs, Infinity];
  return bounds
    .slice(0, -1)
    .map((from, index) => lostSentAtMs.filter((at) => at >= from && at < (bounds[index + 1] ?? Infinity)).length);
}
