import type { KeyValue, TxResult } from '../ports.ts';
import type { Revert } from '../revert.ts';

/** One signed form of a transaction. A replacement has the same nonce and higher fees. */
export interface TxVersion {
  raw: string;
  hash: string;
  maxFeePerGas: bigint;
  maxPriorityFeePerGas: bigint;
  signedAtMs: number;
  signedAtBlock: number;
}

/** What a transaction does, whoever pays what for it. */
export interface TxRequest {
  to: string;
  data: string;
  value: bigint;
}

/** A transaction that may be on its way: it owns its nonce until it is mined. */
export interface PendingTx {
  key: string;
  nonce: number;
  request: TxRequest;
  gasLimit: bigint;
  /** Oldest first, at least one. */
  versions: TxVersion[];
}

/** How a transaction ended: final. `displaced`: another transaction used its nonce, so it can never be mined. */
export type Outcome =
  | { kind: 'mined'; result: TxResult }
  | { kind: 'reverted'; result: TxResult; revert: Revert }
  | { kind: 'displaced'; nonce: number; hashes: string[] };

/**
 * The transactions of one account on one chain, as they are on the disk. A transaction is written here before it is
 * sent, so whatever happens after that, the same bytes are sent again, and never others for the same key.
 */
export class Outbox {
  private readonly store: KeyValue;
  private readonly prefix: string;

  constructor(store: KeyValue, prefix: string) {
    this.store = store;
    this.prefix = prefix;
  }

  async outcome(key: string): Promise<Outcome | null> {
    return parse<Outcome>(await this.store.get(this.doneKey(key)));
  }

  async pending(key: string): Promise<PendingTx | null> {
    return parse<PendingTx>(await this.store.get(this.pendingKey(key)));
  }

  /** All that may be on their way, lowest nonce first. */
  async allPending(): Promise<PendingTx[]> {
    const entries = await this.store.list(this.pendingKey(''));
    return entries.map(([, value]) => JSON.parse(value, reviveBigint) as PendingTx).sort((a, b) => a.nonce - b.nonce);
  }

  /** The nonce after the highest that this account has ever signed for. */
  async nextNonce(): Promise<number> {
    return Number((await this.store.get(this.nonceKey)) ?? 0);
  }

  async put(tx: PendingTx): Promise<void> {
    const next = Math.max(await this.nextNonce(), tx.nonce + 1);
    await this.store.write({ [this.pendingKey(tx.key)]: format(tx), [this.nonceKey]: String(next) });
  }

  async finish(key: string, outcome: Outcome): Promise<void> {
    await this.store.write({ [this.doneKey(key)]: format(outcome) }, [this.pendingKey(key)]);
  }

  /** Forgets a transaction that no chain has ever taken, and frees its nonce. */
  async discard(tx: PendingTx): Promise<void> {
    await this.store.write({ [this.nonceKey]: String(tx.nonce) }, [this.pendingKey(tx.key)]);
  }

  private get nonceKey(): string {
    return `${this.prefix}/nonce`;
  }

  private pendingKey(key: string): string {
    return `${this.prefix}/pending/${key}`;
  }

  private doneKey(key: string): string {
    return `${this.prefix}/done/${key}`;
  }
}

function format(value: object): string {
  return JSON.stringify(value, (_key, member) => (typeof member === 'bigint' ? `${member}n` : member));
}

function parse<T>(text: string | null): T | null {
  return text === null ? null : (JSON.parse(text, reviveBigint) as T);
}

function reviveBigint(_key: string, value: unknown): unknown {
  return typeof value === 'string' && /^-?\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value;
}
