import type { Clock } from '../../market/ports.ts';
import type { Followed } from '../devnet/follow.ts';
import type { RunningMotes } from './bridge-site.ts';
import type { TransactionRow } from './report.ts';
import type { World } from './world.ts';

/** What a run of the scenario gathers on its way. */
export interface Run {
  world: World;
  clock: Clock;
  say(text: string): void;
  phasesMs: Record<string, number>;
  transactions: TransactionRow[];
  problems: string[];
  motes: RunningMotes | null;
  agreementId: string;
  migratedBytes: number;
  killedAtMs: number;
}

/** How long anything on screen may take before the run gives up. */
export const PHASE_TIMEOUT_MS = 60_000;

export async function timed<T>(run: Run, phase: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  try {
    return await work();
  } finally {
    run.phasesMs[phase] = Math.round(performance.now() - startedAt);
  }
}

export function seconds(run: Run, phase: string): string {
  return `${((run.phasesMs[phase] ?? 0) / 1000).toFixed(2)} s`;
}

export function nodeOf(run: Run, name: string): Followed {
  const node = run.world.followed.get(name);
  if (node === undefined) throw new RangeError(`no node ${name}`);
  return node;
}

export function noteTx(run: Run, name: string, tx: unknown): void {
  run.transactions.push({ name, gas: BigInt(String((tx as { gasUsed: string }).gasUsed)) });
}

/** A transaction that a node sent by itself, priced by its receipt. */
export async function noteMined(run: Run, name: string, txHash: unknown): Promise<void> {
  const receipt = await run.world.chain.provider.getTransactionReceipt(String(txHash));
  if (receipt === null) run.problems.push(`the transaction "${name}" is not on the chain`);
  else run.transactions.push({ name, gas: receipt.gasUsed });
}

/** The provider that holds the agreement. */
export async function providerName(run: Run): Promise<string> {
  for (const { site } of run.world.providers) {
    const agreements = (await nodeOf(run, site.name).api.get('/v1/agreements')) as { id: string }[];
    if (agreements.some(({ id }) => id === run.agreementId)) return site.name;
  }
  throw new RangeError('no provider holds the agreement');
}
