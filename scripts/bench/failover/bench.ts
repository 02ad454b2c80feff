import type { RuntimeName } from '../../../node/ports.ts';
import { type FailureKind, insureRequest, type RunningMotes, startMotes } from '../../demo/bridge-site.ts';
import { acceptedReadings, cloudOverview, countFrames, lostFrames, stopMotes } from '../../demo/observe.ts';
import type { FrameCounts } from '../../demo/report.ts';
import { startWorld, type World } from '../../demo/world.ts';
import type { Followed } from '../../devnet/follow.ts';
import { orAborted, until } from '../../devnet/processes.ts';
import { lostByRound, quantiles, type Round } from './figures.ts';
import { playRound } from './rounds.ts';

export interface BenchInit {
  runs: number;
  runtime: RuntimeName | 'auto';
  heartbeatIntervalMs: number;
  failure: FailureKind;
  serveMs: number;
  keep: boolean;
  signal: AbortSignal;
  say(text: string): void;
}

export interface BenchReport {
  runtime: RuntimeName;
  runs: number;
  takeoverMs: { p50: number | null; p99: number | null };
  frames: Pick<FrameCounts, 'sent' | 'accepted' | 'lost'>;
  heartbeatIntervalMs: number;
  failure: FailureKind;
  /** Medians of the steps, each from the failure on. */
  stepsMs: { suspect: number | null; decided: number | null; active: number | null };
  handbackMs: { p50: number | null; p99: number | null };
  duplicates: number;
  refused: number;
  /** Frames lost before the first failure, then after each one. */
  lostByRun: number[];
  takeoversMs: number[];
}

const DEPOSIT = 60n * 10n ** 18n;
const DRAIN_TIMEOUT_MS = 15_000;

/** One world and one agreement; the bridge fails, comes back and gets its workload back `runs` times. */
export async function benchFailover(init: BenchInit): Promise<BenchReport> {
  const world = await startWorld({ ...init, breach: false });
  const motes = startMotes(world);
  try {
    return await orAborted(init.signal, measure(init, world, motes));
  } finally {
    await motes.program.kill();
    await world.stop();
  }
}

async function measure(init: BenchInit, world: World, motes: RunningMotes): Promise<BenchReport> {
  const { say } = init;
  const agreementId = await protect(world, init);
  const provider = await providerOf(world, agreementId);
  say(`protected with ${world.runtime}, heartbeat ${init.heartbeatIntervalMs} ms`);
  const rounds: Round[] = [];
  for (let run = 1; run <= init.runs; run += 1) {
    const round = await playRound({ ...init, world, agreementId, provider });
    rounds.push(round);
    say(`run ${run}/${init.runs}: ${describe(round)}`);
  }
  const report = await stopMotes(motes.program, motes.lines);
  const count = async () => {
    const readings = await acceptedReadings(world, agreementId);
    const lost = lostFrames(report, readings);
    return { frames: countFrames(report, readings, await cloudOverview(world, agreementId)), lost };
  };
  const drained = async () => ((await count()).lost.length === 0 ? true : null);
  await until('the last reading', DRAIN_TIMEOUT_MS, drained).catch(() => say('some frames did not arrive'));
  return reportOf(init, world, rounds, await count());
}

async function protect(world: World, init: BenchInit): Promise<string> {
  for (const { api } of world.followed.values()) await api.post('/v1/deposit', { amountWei: DEPOSIT.toString() });
  for (const { site } of world.providers) await world.followed.get(site.name)?.api.post('/v1/offer');
  const request = await insureRequest(world, init.heartbeatIntervalMs);
  const agreement = (await world.followed.get('bridge')?.api.post('/v1/insure', request)) as { id: string };
  return agreement.id;
}

async function providerOf(world: World, agreementId: string): Promise<Followed> {
  for (const { site } of world.providers) {
    const node = world.followed.get(site.name);
    const agreements = (await node?.api.get('/v1/agreements')) as { id: string }[];
    if (node !== undefined && agreements.some(({ id }) => id === agreementId)) return node;
  }
  throw new RangeError('no provider holds the agreement');
}

function reportOf(
  init: BenchInit,
  world: World,
  rounds: Round[],
  { frames, lost }: { frames: FrameCounts; lost: { sentAtMs: number }[] },
): BenchReport {
  const all = (key: keyof Round): number[] => rounds.map((round) => round[key]);
  const median = (key: keyof Round): number | null => quantiles(all(key)).p50;
  return {
    runtime: world.runtime,
    runs: rounds.length,
    takeoverMs: quantiles(all('takeoverMs')),
    frames: { sent: frames.sent, accepted: frames.accepted, lost: frames.lost },
    heartbeatIntervalMs: init.heartbeatIntervalMs,
    failure: init.failure,
    stepsMs: { suspect: median('suspectMs'), decided: median('decidedMs'), active: median('activeMs') },
    handbackMs: quantiles(all('handbackMs')),
    duplicates: frames.duplicates,
    refused: frames.refused,
    lostByRun: lostByRound(
      lost.map(({ sentAtMs }) => sentAtMs),
      all('failedAtMs'),
    ),
    takeoversMs: all('takeoverMs'),
  };
}

function describe(round: Round): string {
  const { suspectMs, decidedMs, activeMs, takeoverMs, handbackMs } = round;
  return (
    `takeover ${takeoverMs} ms (suspected ${suspectMs}, decided ${decidedMs}, running ${activeMs}), ` +
    `handback ${handbackMs} ms`
  );
}
