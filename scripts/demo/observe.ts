import { z } from 'zod';
import { EdgeError } from '../../market/errors.ts';
import type { Program } from '../devnet/processes.ts';
import type { BalanceRow, FrameCounts } from './report.ts';
import type { World } from './world.ts';

const motesReportSchema = z.looseObject({
  type: z.enum(['report', 'stopped']),
  motes: z.array(
    z.looseObject({ devAddr: z.string(), count: z.number(), frames: z.array(z.tuple([z.number(), z.number()])) }),
  ),
});
export type MotesReport = z.infer<typeof motesReportSchema>;

/** The last counters that the motes printed. */
export function lastMotesReport(lines: string[]): MotesReport | null {
  for (const line of lines.toReversed()) {
    if (!line.startsWith('{')) continue;
    const parsed = motesReportSchema.safeParse(JSON.parse(line));
    if (parsed.success) return parsed.data;
  }
  return null;
}

/** Tells the motes to stop and waits for their counters. */
export async function stopMotes(program: Program, lines: string[]): Promise<MotesReport> {
  program.child.stdin?.write('stop\n');
  await program.exited;
  const report = lastMotesReport(lines);
  if (report === null) throw new EdgeError('MOTES_SILENT', 'the motes ended without their counters');
  return report;
}

const epochSchema = z.looseObject({
  epoch: z.number(),
  accepted: z.number(),
  duplicates: z.number(),
  refused: z.number(),
  firstAcceptedAtMs: z.number().nullable(),
});
const overviewSchema = z.looseObject({ epoch: z.number(), epochs: z.array(epochSchema) });
export type CloudOverview = z.infer<typeof overviewSchema>;

/** What the cloud counted for an agreement. */
export async function cloudOverview(world: World, agreementId: string): Promise<CloudOverview> {
  const response = await fetch(`${world.cloud.url}/v1/agreements/${agreementId}`);
  if (!response.ok) throw new EdgeError('CLOUD_REFUSED', `the cloud answered ${response.status}`);
  return overviewSchema.parse(await response.json());
}

const readingsPageSchema = z.looseObject({
  readings: z.array(
    z.looseObject({
      devAddr: z.string(),
      fCnt: z.number(),
      epoch: z.number(),
      receivedAtMs: z.number(),
      acceptedAtMs: z.number(),
    }),
  ),
  next: z.number(),
  done: z.boolean(),
});
export type AcceptedReading = z.infer<typeof readingsPageSchema>['readings'][number];

/** Every reading the cloud accepted, in order. */
export async function acceptedReadings(world: World, agreementId: string): Promise<AcceptedReading[]> {
  const readings: AcceptedReading[] = [];
  for (let since = 0; ; ) {
    const response = await fetch(`${world.cloud.url}/v1/agreements/${agreementId}/readings?since=${since}`);
    const page = readingsPageSchema.parse(await response.json());
    readings.push(...page.readings);
    if (page.done) return readings;
    since = page.next;
  }
}

/** Frames that were sent, against what the cloud accepted. A frame is lost when no reading of it ever arrived. */
export function countFrames(motes: MotesReport, readings: AcceptedReading[], overview: CloudOverview): FrameCounts {
  const arrived = new Set(readings.map(({ devAddr, fCnt }) => `${devAddr}/${fCnt}`));
  const sum = (key: 'duplicates' | 'refused'): number =>
    overview.epochs.reduce((total, epoch) => total + epoch[key], 0);
  return {
    sent: motes.motes.reduce((total, { frames }) => total + frames.length, 0),
    accepted: arrived.size,
    duplicates: sum('duplicates'),
    refused: sum('refused'),
    lost: lostFrames(motes, readings).length,
  };
}

export interface LostFrame {
  devAddr: string;
  fCnt: number;
  sentAtMs: number;
}

/** Frames that were sent and of which no reading ever arrived, in the order of sending. */
export function lostFrames(motes: MotesReport, readings: AcceptedReading[]): LostFrame[] {
  const arrived = new Set(readings.map(({ devAddr, fCnt }) => `${devAddr}/${fCnt}`));
  return motes.motes
    .flatMap(({ devAddr, frames }) => frames.map(([fCnt, sentAtMs]) => ({ devAddr, fCnt, sentAtMs })))
    .filter(({ devAddr, fCnt }) => !arrived.has(`${devAddr}/${fCnt}`))
    .sort((a, b) => a.sentAtMs - b.sentAtMs);
}

/** When the lost frames were sent, in words: where to look first. */
export function describeLost(motes: MotesReport, readings: AcceptedReading[], killedAtMs: number): string {
  const times = lostFrames(motes, readings).map(({ sentAtMs }) => ((sentAtMs - killedAtMs) / 1000).toFixed(1));
  return `${times.length} frames were lost, sent ${times.join(', ')} s after the failure`;
}

/** Token balances of every account of the scenario, the escrow's holdings included. */
export async function balances(world: World): Promise<Map<string, bigint>> {
  const { token, escrow } = world.chain.contracts;
  const ask = async (owner: string): Promise<bigint> => {
    const data = `0x70a08231${owner.slice(2).toLowerCase().padStart(64, '0')}`;
    return BigInt(await world.chain.provider.call({ to: token, data }));
  };
  const accounts: [string, string][] = [
    ['bridge (customer)', world.bridge.address],
    ...world.providers.map((node): [string, string] => [node.site.name, node.address]),
    ['escrow', escrow],
  ];
  return new Map(await Promise.all(accounts.map(async ([name, owner]) => [name, await ask(owner)] as const)));
}

export function balanceRows(before: Map<string, bigint>, after: Map<string, bigint>): BalanceRow[] {
  return [...before].map(([account, amount]) => ({ account, before: amount, after: after.get(account) ?? 0n }));
}
