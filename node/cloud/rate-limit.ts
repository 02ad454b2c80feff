import type { Clock } from '../../market/ports.ts';

/** Clients remembered; the one that was quiet longest is forgotten first. */
const MAX_CLIENTS = 10_000;

export interface RateLimit {
  /** Requests per second in the long run. */
  perSec: number;
  /** Requests that may come at once. */
  burst: number;
}

/** A token bucket per client. The returned function takes one token, or says no. */
export function rateLimiter(limit: RateLimit, clock: Clock): (client: string) => boolean {
  const buckets = new Map<string, { tokens: number; atMs: number }>();
  return (client) => {
    const nowMs = clock.nowMs();
    const last = buckets.get(client) ?? { tokens: limit.burst, atMs: nowMs };
    const refilled = last.tokens + (Math.max(0, nowMs - last.atMs) / 1000) * limit.perSec;
    const tokens = Math.min(limit.burst, refilled);
    // Deleted and set again, so that the map's order is the order of last use.
    buckets.delete(client);
    buckets.set(client, { tokens: tokens < 1 ? tokens : tokens - 1, atMs: nowMs });
    if (buckets.size > MAX_CLIENTS) buckets.delete(buckets.keys().next().value ?? '');
    return tokens >= 1;
  };
}
