import { type Rpc, RpcError } from './rpc.ts';

/** EIP-1559 fees, wei per gas. */
export interface Fees {
  maxFeePerGas: bigint;
  maxPriorityFeePerGas: bigint;
}

/** What the next block asks. */
export interface FeeView {
  blockNumber: number;
  baseFee: bigint;
  tip: bigint;
}

const DEFAULT_TIP_WEI = 1_000_000_000n;
/** A chain refuses a replacement whose fees are not at least 10 % (some: 12.5 %) higher. */
const BUMP_PERCENT = 125n;

export async function readFees(rpc: Rpc, signal?: AbortSignal): Promise<FeeView> {
  const history = (await rpc('eth_feeHistory', ['0x1', 'latest', []], signal)) as {
    oldestBlock: string;
    baseFeePerGas: string[];
  };
  return {
    blockNumber: Number(history.oldestBlock),
    baseFee: BigInt(history.baseFeePerGas.at(-1) ?? 0),
    tip: await readTip(rpc, signal),
  };
}

async function readTip(rpc: Rpc, signal?: AbortSignal): Promise<bigint> {
  try {
    return BigInt((await rpc('eth_maxPriorityFeePerGas', [], signal)) as string);
  } catch (error) {
    if (error instanceof RpcError) return DEFAULT_TIP_WEI;
    throw error;
  }
}

/**
 * Fees that last while the base fee doubles (six full blocks in a row), within the cap; null when the chain asks more
 * than the cap just to take part in the next block.
 */
export function firstFees({ baseFee, tip }: FeeView, capWei: bigint): Fees | null {
  if (baseFee + tip > capWei) return null;
  return { maxFeePerGas: min(baseFee * 2n + tip, capWei), maxPriorityFeePerGas: tip };
}

/** Fees of a replacement: at least a quarter more than before, and what is asked now; null above the cap. */
export function bumpedFees(before: Fees, { baseFee, tip }: FeeView, capWei: bigint): Fees | null {
  const leastFee = raised(before.maxFeePerGas);
  if (leastFee > capWei) return null;
  const maxPriorityFeePerGas = max(raised(before.maxPriorityFeePerGas), tip);
  const maxFeePerGas = max(leastFee, min(baseFee * 2n + maxPriorityFeePerGas, capWei));
  return { maxFeePerGas, maxPriorityFeePerGas: min(maxPriorityFeePerGas, maxFeePerGas) };
}

function raised(fee: bigint): bigint {
  return (fee * BUMP_PERCENT) / 100n + 1n;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
