import { systemClock } from '../../node/clock.ts';
import { until } from '../devnet/processes.ts';
import { breach, failure, takeoverAndBack } from './failure.ts';
import {
  acceptedReadings,
  balanceRows,
  balances,
  cloudOverview,
  countFrames,
  describeLost,
  type MotesReport,
  stopMotes,
} from './observe.ts';
import { deposits, estimation, insure } from './phases.ts';
import { type BridgeReport, type FrameCounts, isConserved } from './report.ts';
import { nodeOf, noteTx, providerName, type Run, timed } from './run.ts';
import { startWorld, type World, type WorldInit } from './world.ts';

export type BridgeInit = WorldInit;

/** Readings that are still on their way get this long; in a breach some never come. */
const DRAIN_MS = 15_000;
const DRAIN_BREACH_MS = 3_000;

/** Plays the bridge scenario with real parts and measures it. Everything it started is stopped when it returns. */
export async function runBridge(init: BridgeInit): Promise<BridgeReport> {
  const { say } = init;
  say('The bridge: an edge device fails, a stranger takes over its container and its sensors, and the money follows.');
  say(
    '\nSetting up: a local chain, the bridge, three neighbours, one far device, the owner’s cloud; each its own process',
  );
  const startedAt = performance.now();
  const world = await startWorld(init);
  const onAbort = (): void => void world.stop();
  init.signal.addEventListener('abort', onAbort, { once: true });
  const run = newRun(world, say, performance.now() - startedAt);
  try {
    // Before anything is deposited: what an account has at the end is then what the scenario cost or brought it.
    const before = await balances(world);
    await deposits(run);
    await estimation(run);
    await insure(run, init.heartbeatIntervalMs);
    await failure(run);
    if (init.breach) await breach(run);
    else await takeoverAndBack(run);
    return await finish(run, init, before);
  } finally {
    init.signal.removeEventListener('abort', onAbort);
    await run.motes?.program.kill();
    await world.stop();
  }
}

function newRun(world: World, say: (text: string) => void, setUpMs: number): Run {
  return {
    world,
    clock: systemClock(),
    say,
    phasesMs: { 'set-up': Math.round(setUpMs) },
    transactions: [],
    problems: [],
    motes: null,
    agreementId: '',
    migratedBytes: 0,
    killedAtMs: 0,
  };
}

/** Stops the sensors, counts, settles, pays out. */
async function finish(run: Run, init: BridgeInit, before: Map<string, bigint>): Promise<BridgeReport> {
  const { world, problems } = run;
  if (run.motes === null) throw new RangeError('the motes were not started');
  const motes = await stopMotes(run.motes.program, run.motes.lines);
  const frames = await timed(run, 'drain', () => drained(run, motes, init.breach ? DRAIN_BREACH_MS : DRAIN_MS));
  await payOut(run, init.breach);
  const rows = balanceRows(before, await balances(world));
  const readings = await acceptedReadings(world, run.agreementId);
  const first = readings.find(({ epoch, acceptedAtMs }) => epoch === 2 && acceptedAtMs >= run.killedAtMs);
  const conserved = isConserved(rows);
  if (frames.lost > 0 && !init.breach) problems.push(describeLost(motes, readings, run.killedAtMs));
  if (!conserved) problems.push('the balances do not add up');
  if (first === undefined && !init.breach) problems.push('no reading arrived after the failure');
  return {
    scenario: init.breach ? 'bridge-breach' : 'bridge',
    runtime: world.runtime,
    phasesMs: run.phasesMs,
    takeoverMs: first === undefined ? null : first.acceptedAtMs - run.killedAtMs,
    frames,
    migratedBytes: run.migratedBytes,
    transactions: run.transactions,
    balances: rows,
    conserved,
    problems,
  };
}

async function payOut(run: Run, wasBreached: boolean): Promise<void> {
  const { world, say } = run;
  if (!wasBreached) {
    await timed(run, 'settlement', async () => {
      noteTx(run, 'settle', await nodeOf(run, 'bridge').api.post(`/v1/agreements/${run.agreementId}/settle`));
    });
    say('\nSettlement: both signed, one transaction');
  }
  const provider = nodeOf(run, await providerName(run));
  const reputation = (await provider.api.get('/v1/reputation')) as Record<string, unknown>;
  say(`  the provider’s record: ${reputation.honoured} honoured, ${reputation.breached} breached`);
  if (reputation[wasBreached ? 'breached' : 'honoured'] !== 1) run.problems.push('the reputation did not move');
  await timed(run, 'withdrawals', async () => {
    for (const [name, { api }] of world.followed) noteTx(run, `withdraw (${name})`, await api.post('/v1/withdraw'));
  });
}

/** Waits until nothing is on its way any more, then counts. */
async function drained(run: Run, motes: MotesReport, timeoutMs: number): Promise<FrameCounts> {
  const count = async (): Promise<FrameCounts> =>
    countFrames(
      motes,
      await acceptedReadings(run.world, run.agreementId),
      await cloudOverview(run.world, run.agreementId),
    );
  try {
    return await until('the last reading', timeoutMs, async () => {
      const frames = await count();
      return frames.lost === 0 ? frames : null;
    });
  } catch {
    // What is missing now is lost: the report says so.
    return count();
  }
}
