import type { Clock } from '../market/ports.ts';
import type { Log } from './log.ts';
import type { Chain } from './ports.ts';

/** Free vault balances as gossip validators need them: at once from memory, refreshed behind. */
export interface StakeCache {
  /** Null while it is not known. */
  get(owner: string, token: string): bigint | null;
  /** Reads the chain unless the figure is fresh. Null when the chain cannot be read. */
  lookUp(owner: string, token: string): Promise<bigint | null>;
}

/** Raising it saves RPC calls and believes longer in a stake that was withdrawn. */
const FRESH_MS = 10_000;
/** Strangers choose the owners asked about: bounds memory and RPC calls. */
const MAX_OWNERS = 4_096;
const MAX_LOOKUPS_AT_ONCE = 8;

export function createStakeCache(parts: { chain: Pick<Chain, 'account'>; clock: Clock; log: Log }): StakeCache {
  const known = new Map<string, { stake: bigint; atMs: number }>();
  const running = new Map<string, Promise<bigint | null>>();

  const read = async (key: string, owner: string, token: string): Promise<bigint | null> => {
    try {
      const { balance } = await parts.chain.account(token, owner);
      if (known.size >= MAX_OWNERS) known.delete(known.keys().next().value ?? key);
      known.set(key, { stake: balance, atMs: parts.clock.nowMs() });
      return balance;
    } catch (error) {
      parts.log.debug({ owner, error: String(error) }, 'stake not readable');
      return null;
    } finally {
      running.delete(key);
    }
  };

  return {
    get: (owner, token) => known.get(`${token}/${owner}`)?.stake ?? null,
    async lookUp(owner, token) {
      const key = `${token}/${owner}`;
      const cached = known.get(key);
      if (cached !== undefined && parts.clock.nowMs() - cached.atMs < FRESH_MS) return cached.stake;
      const pending = running.get(key);
      if (pending !== undefined) return pending;
      if (running.size >= MAX_LOOKUPS_AT_ONCE) return cached?.stake ?? null;
      const started = read(key, owner, token);
      running.set(key, started);
      return started;
    },
  };
}
