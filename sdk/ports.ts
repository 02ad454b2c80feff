import type { Arbitration, Receipt, Settlement, Terms } from '../market/terms.ts';

/** An account's word in the escrow's vault, for one token. */
export interface VaultAccount {
  /** Free to be locked or withdrawn. */
  balance: bigint;
  honoured: number;
  breached: number;
  disputesLost: number;
  /** Total paid through ended agreements, saturating. */
  value: bigint;
}

/** Derived by the contract from stored facts and the clock; the order mirrors `enum Status`. */
export const AGREEMENT_STATUSES = ['none', 'open', 'claimed', 'reported', 'answered', 'disputed', 'ended'] as const;
export type AgreementStatus = (typeof AGREEMENT_STATUSES)[number];

export interface AgreementState {
  status: AgreementStatus;
  /** What the provider has claimed so far. */
  claimed: bigint;
  /** When the current status can be ended by time (Unix seconds), 0 when it cannot. */
  exitsAt: number;
}

/** A state-changing call of the escrow, or of the token on the way into it. An empty signature means the sender's own. */
export type EscrowCall =
  | { name: 'depositWithPermit'; token: string; amount: bigint }
  | { name: 'withdraw'; token: string; amount: bigint; to: string }
  | { name: 'open'; terms: Terms; customerSignature: string; providerSignature: string }
  | { name: 'settle'; terms: Terms; settlement: Settlement; customerSignature: string; providerSignature: string }
  | { name: 'claim'; terms: Terms; receipt: Receipt; customerSignature: string }
  | { name: 'report'; terms: Terms; evidence: string }
  | { name: 'answer'; terms: Terms; evidence: string }
  | { name: 'concede'; terms: Terms }
  | { name: 'dispute'; terms: Terms; arbitration: Arbitration; feeWei: bigint }
  | { name: 'expire'; terms: Terms }
  | { name: 'revoke'; token: string; until: number }
  | { name: 'setAgent'; agent: string; token: string; expiresAt: number; cap: bigint }
  | { name: 'revokeAgent'; agent: string };

export interface TxResult {
  hash: string;
  gasUsed: bigint;
  blockNumber: number;
  blockTimestampSec: number;
}

/** The escrow on one chain, as one account uses it. Reads may be stale by one block. */
export interface Chain {
  readonly chainId: number;
  readonly escrow: string;
  readonly sender: string;
  /** Throws `CHAIN_UNREACHABLE`, `CHAIN_WRONG_ID` or `CONTRACT_MISSING`. */
  check(): Promise<void>;
  nowSec(): Promise<number>;
  account(token: string, owner: string): Promise<VaultAccount>;
  tokenBalance(token: string, owner: string): Promise<bigint>;
  agreement(terms: Terms): Promise<AgreementState>;
  isAgent(owner: string, agent: string): Promise<boolean>;
  /**
   * Sends exactly once per `key`: the signed transaction is stored before it is sent, and a repeated call with the
   * same key waits for the stored one. Throws `TX_REVERTED` (with the contract's error, its values and a remedy),
   * `CHAIN_UNREACHABLE` when the signal aborts first.
   */
  submit(key: string, call: EscrowCall, options?: { signal?: AbortSignal }): Promise<TxResult>;
  /** Simulates the call: resolves to null, or to the decoded revert. */
  dryRun(call: EscrowCall): Promise<{ error: string; message: string; remedy: string } | null>;
}

/** A small ordered key-value store: LevelDB in nodes, a map in tests. Keys sort by their UTF-8 bytes. */
export interface KeyValue {
  get(key: string): Promise<string | null>;
  /** Atomic and synced to disk before it resolves. Throws `STORE_FAILED` once the disk failed: the node must stop. */
  write(puts: Record<string, string>, deletes?: string[]): Promise<void>;
  list(prefix: string): Promise<[key: string, value: string][]>;
  close(): Promise<void>;
}

/** Encrypted, content-addressed blocks of one node, and the peers that have more of them. */
export interface Content {
  /** Splits, encrypts and stores a file; resolves to the CIDs of its blocks in order. */
  put(file: string, key: Uint8Array, options?: { signal?: AbortSignal }): Promise<string[]>;
  putBytes(bytes: Uint8Array, key: Uint8Array): Promise<string[]>;
  /**
   * Fetches what is missing from `from`, verifies each block's CID, decrypts and writes the file. Blocks that are
   * already there are not fetched again. Throws `BLOCK_CORRUPT`, `BLOCK_UNAVAILABLE` or `KEY_WRONG`.
   */
  get(
    cids: string[],
    key: Uint8Array,
    file: string,
    options: { from: string; signal?: AbortSignal; onProgress?: (fetchedBytes: number) => void },
  ): Promise<void>;
  getBytes(cids: string[], key: Uint8Array, options: { from: string; signal?: AbortSignal }): Promise<Uint8Array>;
  /** The raw (encrypted) block if this node has it: for possession challenges. */
  block(cid: string): Promise<Uint8Array | null>;
  /** Only these peers are served. */
  allow(peerIds: Set<string>): void;
  drop(cids: string[]): Promise<void>;
}
