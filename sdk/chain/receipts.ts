import type { TxResult } from '../ports.ts';
import { decodeRevert, type Revert } from '../revert.ts';
import type { Outcome, PendingTx } from './outbox.ts';
import { type Rpc, RpcError } from './rpc.ts';

interface RawReceipt {
  status: string;
  transactionHash: string;
  gasUsed: string;
  blockNumber: string;
}

/** `nonce-used`: the nonce is gone and no form of the transaction has a receipt. */
export type Sighting = 'waiting' | 'nonce-used' | Outcome;

/** Looks where a transaction is. `confirmations` counts the block that holds it. */
export async function sight(
  rpc: Rpc,
  sender: string,
  tx: PendingTx,
  confirmations: number,
  signal?: AbortSignal,
): Promise<Sighting> {
  const used = Number(await rpc('eth_getTransactionCount', [sender, 'latest'], signal));
  if (used <= tx.nonce) return 'waiting';
  for (const { hash } of tx.versions) {
    const receipt = (await rpc('eth_getTransactionReceipt', [hash], signal)) as RawReceipt | null;
    if (!receipt) continue;
    const head = Number(await rpc('eth_blockNumber', [], signal));
    if (head < Number(receipt.blockNumber) + confirmations - 1) return 'waiting';
    return outcomeOf(rpc, sender, tx, receipt, signal);
  }
  return 'nonce-used';
}

async function outcomeOf(
  rpc: Rpc,
  sender: string,
  tx: PendingTx,
  receipt: RawReceipt,
  signal?: AbortSignal,
): Promise<Outcome> {
  const block = (await rpc('eth_getBlockByNumber', [receipt.blockNumber, false], signal)) as { timestamp: string };
  const result: TxResult = {
    hash: receipt.transactionHash,
    gasUsed: BigInt(receipt.gasUsed),
    blockNumber: Number(receipt.blockNumber),
    blockTimestampSec: Number(block.timestamp),
  };
  if (BigInt(receipt.status) === 1n) return { kind: 'mined', result };
  return { kind: 'reverted', result, revert: await revertOf(rpc, sender, tx, result, signal) };
}

/** A receipt does not say why: asks again on the state after its block, then on the state before it. */
async function revertOf(
  rpc: Rpc,
  sender: string,
  tx: PendingTx,
  { blockNumber, gasUsed }: TxResult,
  signal?: AbortSignal,
): Promise<Revert> {
  const { to, data, value } = tx.request;
  const call = { from: sender, to, data, value: quantity(value), gas: quantity(tx.gasLimit) };
  for (const block of [blockNumber, blockNumber - 1]) {
    try {
      await rpc('eth_call', [call, quantity(block)], signal);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (error.data !== null) return revertWithPlainValues(decodeRevert(error.data));
    }
  }
  const ranOut = gasUsed * 64n >= tx.gasLimit * 63n;
  return {
    error: ranOut ? 'OutOfGas' : 'Unknown',
    values: { gasUsed: gasUsed.toString(), gasLimit: tx.gasLimit.toString() },
    message: ranOut ? 'The transaction ran out of gas.' : 'The transaction failed; the same call works now.',
    remedy: 'Do it again: the chain changed between the estimate and the block.',
  };
}

/** Stored as JSON, so without the array-like objects of the decoder. */
function revertWithPlainValues(revert: Revert): Revert {
  const values = Object.entries(revert.values).map(([name, value]) => [name, String(value)]);
  return { ...revert, values: Object.fromEntries(values) };
}

/** JSON-RPC spells numbers as hex without leading zeros. */
export function quantity(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}
