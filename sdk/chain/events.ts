import type { LogDescription, ParamType, Result } from 'ethers';
import { ESCROW_ABI } from './abi.ts';
import { quantity } from './receipts.ts';
import { type Rpc, RpcError } from './rpc.ts';

/** One event of the escrow about an agreement. */
export interface StoryEvent {
  name: string;
  /** The event's arguments by name: bigints for numbers, nested objects for structs. */
  values: Record<string, unknown>;
  blockNumber: number;
  blockTimestampSec: number;
  logIndex: number;
  transactionHash: string;
}

interface RawLog {
  topics: string[];
  data: string;
  blockNumber: string;
  logIndex: string;
  transactionHash: string;
}

/** Everything the escrow has said about one agreement, oldest first. */
export async function agreementStory(
  rpc: Rpc,
  escrow: string,
  agreementId: string,
  fromBlock: number,
): Promise<StoryEvent[]> {
  const head = Number(await rpc('eth_blockNumber', []));
  return await readEvents(rpc, { address: escrow, topics: [null, agreementId] }, fromBlock, head);
}

/** The escrow's events that a filter of `eth_getLogs` finds, oldest first. */
export async function readEvents(rpc: Rpc, filter: object, fromBlock: number, toBlock: number): Promise<StoryEvent[]> {
  const logs = await readLogs(rpc, filter, fromBlock, toBlock);
  const times = new Map<string, number>();
  const events: StoryEvent[] = [];
  for (const log of logs) {
    const event = ESCROW_ABI.parseLog(log);
    if (!event) continue;
    if (!times.has(log.blockNumber)) times.set(log.blockNumber, await blockTimeSec(rpc, log.blockNumber));
    events.push({
      name: event.name,
      values: valuesOf(event),
      blockNumber: Number(log.blockNumber),
      blockTimestampSec: times.get(log.blockNumber) ?? 0,
      logIndex: Number(log.logIndex),
      transactionHash: log.transactionHash,
    });
  }
  return events.sort((a, b) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex);
}

/** Servers refuse ranges above limits of their own: a refused range is asked for in halves. */
async function readLogs(rpc: Rpc, filter: object, from: number, to: number): Promise<RawLog[]> {
  try {
    const range = { fromBlock: quantity(from), toBlock: quantity(to) };
    return (await rpc('eth_getLogs', [{ ...filter, ...range }])) as RawLog[];
  } catch (error) {
    if (!(error instanceof RpcError) || from >= to) throw error;
    const middle = Math.floor((from + to) / 2);
    return [...(await readLogs(rpc, filter, from, middle)), ...(await readLogs(rpc, filter, middle + 1, to))];
  }
}

/** When a block was made, Unix seconds. */
export async function blockTimeSec(rpc: Rpc, blockNumber: string): Promise<number> {
  const block = (await rpc('eth_getBlockByNumber', [blockNumber, false])) as { timestamp: string };
  return Number(block.timestamp);
}

function valuesOf({ fragment, args }: LogDescription): Record<string, unknown> {
  return plainStruct(fragment.inputs, args);
}

function plainStruct(inputs: readonly ParamType[], args: Result): Record<string, unknown> {
  return Object.fromEntries(
    inputs.map(({ name, components }, index) => [
      name,
      components ? plainStruct(components, args[index]) : args[index],
    ]),
  );
}
