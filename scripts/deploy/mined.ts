import type { TransactionReceipt, TransactionResponse } from 'ethers';
import { EdgeError } from '../../market/errors.ts';
import type { Clock } from '../../market/ports.ts';
import { systemClock } from '../../node/clock.ts';

const POLL_MS = 25;
const TIMEOUT_MS = 30_000;

/** The part of a sent transaction that is needed. */
export interface Sent {
  hash: string;
  provider: { getTransactionReceipt(hash: string): Promise<Pick<TransactionReceipt, 'status'> | null> };
}

/**
 * Waits for a transaction by asking for its receipt again and again. ethers' own `wait` asks again only when another
 * block comes, which on a local chain with a block per transaction may be never. Throws `TX_REVERTED`, or
 * `TX_TIMEOUT` when there is no receipt after half a minute.
 */
export async function mined(tx: Sent | TransactionResponse | null, clock: Clock = systemClock()): Promise<void> {
  if (tx === null) throw new EdgeError('TX_MISSING', 'the contract was made without a transaction');
  const untilMs = clock.nowMs() + TIMEOUT_MS;
  while (clock.nowMs() < untilMs) {
    const receipt = await tx.provider.getTransactionReceipt(tx.hash);
    if (receipt?.status === 1) return;
    if (receipt !== null) throw new EdgeError('TX_REVERTED', 'the transaction failed', { context: { hash: tx.hash } });
    await clock.sleep(POLL_MS);
  }
  throw new EdgeError('TX_TIMEOUT', 'the transaction is in no block yet', {
    context: { hash: tx.hash },
    remedy: 'look whether the chain makes blocks',
  });
}
