import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { explanationLines } from '../../node/cli/commands/node-views.ts';
import { systemClock } from '../../node/clock.ts';
import type { RuntimeName } from '../../node/ports.ts';
import { selectRuntime } from '../../node/runtime/select.ts';
import type { Followed } from '../devnet/follow.ts';
import { type Program, startProgram, until } from '../devnet/processes.ts';
import { builtProgram, projectRoot } from '../root.ts';
import { deviceKeysEnv, moteKeys } from './lorawan/keys.ts';
import { acceptedReadings, balanceRows, balances, cloudOverview, countFrames, stopMotes } from './observe.ts';
import { type BridgeReport, isConserved, type TransactionRow, tokens } from './report.ts';
import { startWorld, type World, type WorldInit } from './world.ts';
import { distanceFromBridgeM } from './world-map.ts';

export interface BridgeInit extends WorldInit {
  runtime: RuntimeName | 'auto';
  signal: AbortSignal;
}

const MOTES = 12;
const SEED = 'bridge';
const DEPOSIT = 60n * 10n ** 18n;
const PHASE_TIMEOUT_MS = 60_000;
/** How long the provider serves before the bridge comes back, and how long the bridge serves before both settle. */
const SERVE_MS = 5_000;
const AFTERWARDS_MS = 3_000;

/** What a run gathers on its way. */
interface Run {
  world: World;
  say(text: string): void;
  phasesMs: Record<string, number>;
  transactions: TransactionRow[];
  problems: string[];
  motes: { program: Program; lines: string[] } | null;
  agreementId: string;
  migratedBytes: number;
  killedAtMs: number;
}

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
  const run: Run = {
    world,
    say,
    phasesMs: { 'set-up': performance.now() - startedAt },
    transactions: [],
    problems: [],
    motes: null,
    agreementId: '',
    migratedBytes: 0,
    killedAtMs: 0,
  };
  try {
    await deposits(run);
    const before = await balances(world);
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

async function timed<T>(run: Run, phase: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  try {
    return await work();
  } finally {
    run.phasesMs[phase] = Math.round(performance.now() - startedAt);
  }
}

const seconds = (run: Run, phase: string): string => `${((run.phasesMs[phase] ?? 0) / 1000).toFixed(2)} s`;

function nodeOf(run: Run, name: string): Followed {
  const node = run.world.followed.get(name);
  if (node === undefined) throw new Error(`no node ${name}`);
  return node;
}

function noteTx(run: Run, name: string, tx: unknown): void {
  run.transactions.push({ name, gas: BigInt(String((tx as { gasUsed: string }).gasUsed)) });
}

async function deposits(run: Run): Promise<void> {
  await timed(run, 'deposits', async () => {
    for (const [name, { api }] of run.world.followed) {
      noteTx(run, `deposit (${name})`, await api.post('/v1/deposit', { amountWei: DEPOSIT.toString() }));
    }
  });
  run.say(`  ${run.world.followed.size} stakes of ${tokens(DEPOSIT)} deposited into the vault`);
}

async function estimation(run: Run): Promise<void> {
  run.say('\n1. Estimation: each provider’s DMU measures its device');
  await timed(run, '1 estimation', async () => {
    for (const node of run.world.providers) {
      const { api } = nodeOf(run, node.site.name);
      const { resources } = (await api.get('/v1/status')) as { resources: Record<string, number> };
      const { cpuMillis = 0, memoryBytes = 0 } = resources;
      const km = (distanceFromBridgeM(node.site) / 1000).toFixed(1);
      run.say(
        `  ${node.site.title}: ${cpuMillis / 1000} cores, ${Math.round(memoryBytes / 2 ** 20)} MiB, ${km} km away`,
      );
      await api.post('/v1/offer');
    }
  });
}

async function startMotes(run: Run): Promise<void> {
  const inRange = [run.world.bridge, ...run.world.providers.filter((node) => distanceFromBridgeM(node.site) < 10_000)];
  const gateways = inRange.map(
    (node, index) => `aa555a00000001${index.toString(16).padStart(2, '0')}@127.0.0.1:${node.udpPort}`,
  );
  const lines: string[] = [];
  const program = startProgram({
    name: 'motes',
    command: process.execPath,
    args: [builtProgram('motes'), '--seed', SEED, '--count', String(MOTES), '--gateways', gateways.join(',')],
    logFile: join(run.world.folder, 'motes.log'),
    onLine: (line) => lines.push(line),
  });
  run.motes = { program, lines };
  run.say(
    `  ${MOTES} LoRaWAN motes send to every gateway in range (${inRange.map((node) => node.site.name).join(', ')})`,
  );
}

/** Phases 1 (customer’s half) to 6: one call to the bridge, followed event by event. */
async function insure(run: Run, heartbeatIntervalMs: number): Promise<void> {
  const bridge = nodeOf(run, 'bridge');
  await startMotes(run);
  const compose = await readFile(join(projectRoot(), 'scripts', 'demo', 'bridge.compose.yaml'), 'utf8');
  const keys = Array.from({ length: MOTES }, (_, index) => moteKeys(SEED, index));
  const environment = {
    DEVICE_KEYS: deviceKeysEnv(keys),
    HEARTBEAT: `${heartbeatIntervalMs}ms`,
    CLOUD_URL: run.world.cloud.url,
    CLOUD_ADDRESS: run.world.cloud.address,
  };
  const images = { 'device-service:1': run.world.imageDir };
  const request = { compose, baseDir: projectRoot(), environment, images };
  const agreement = (await bridge.api.post('/v1/insure', request).catch(async (error) => {
    await tellWhy(run, bridge);
    throw error;
  })) as { id: string; migratedBytes: number };
  run.agreementId = agreement.id;
  run.migratedBytes = agreement.migratedBytes;
  await tellPhases(run, bridge);
}

/** Each offer and what was said about it, with the sites' names. */
async function tellWhy(run: Run, bridge: Followed): Promise<void> {
  const names = new Map(run.world.providers.map(({ address, site }) => [address.slice(0, 8), site.title]));
  const explanation = (await bridge.api.get('/v1/explain')) as Record<string, unknown>;
  for (const line of explanationLines(explanation)) {
    run.say(`  ${line.replace(/^0x\w{6}…\w{4}/, (short) => names.get(short.slice(0, 8)) ?? short)}`);
  }
}

/** The times of the phases as the bridge’s own events give them. */
async function tellPhases(run: Run, bridge: Followed): Promise<void> {
  const at = async (kind: string): Promise<number> => (await bridge.wait(kind, PHASE_TIMEOUT_MS)).atMs;
  const span = async (phase: string, from: string, to: string): Promise<void> => {
    run.phasesMs[phase] = (await at(to)) - (await at(from));
  };
  await span('1 estimation (customer)', 'running-locally', 'estimated');
  await span('2 auction', 'estimated', 'offers-ranked');
  await span('3 negotiation', 'offers-ranked', 'signed');
  await span('4+5 signature and validation', 'signed', 'opened');
  await span('6 migration', 'opened', 'protected');
  const { need } = (await bridge.wait('estimated', 1)).data as { need: { cpuMillis: number; memoryBytes: number } };
  run.say(
    `  the bridge’s container needs ${need.cpuMillis / 1000} cores and ${Math.round(need.memoryBytes / 2 ** 20)} MiB`,
  );
  run.say(`\n2. Auction: a signed demand and signed offers in the topic of the place (${seconds(run, '2 auction')})`);
  run.say(`\n3. Negotiation on direct streams (${seconds(run, '3 negotiation')})`);
  await tellWhy(run, bridge);
  const opened = await bridge.wait('opened', 1);
  run.transactions.push({ name: 'open', gas: BigInt(String(opened.data.gas)) });
  run.say(`\n4. Signature and 5. validation: both signed, one transaction locked both stakes (${opened.data.gas} gas)`);
  run.say(
    `\n6. Migration: ${(run.migratedBytes / 1e6).toFixed(1)} MB encrypted over bitswap, verified, tier warm, ` +
      `possession proven (${seconds(run, '6 migration')})`,
  );
}

/** SIGKILL to the bridge’s node and to every process of its containers: what a power cut leaves. */
async function failure(run: Run): Promise<void> {
  const { world } = run;
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  run.say('\n7. Activation: the bridge’s node and its container are killed (SIGKILL)');
  const environment = process.env;
  const { runtime } = await selectRuntime(world.runtime, {
    dataDir: world.bridge.dataDir,
    allowProcess: true,
    environment,
    clock: systemClock(),
  });
  const containers = await runtime.list('eaas.node', world.bridge.peerId);
  const pids = (await Promise.all(containers.map(({ id }) => runtime.pids(id)))).flat();
  run.killedAtMs = Date.now();
  world.programs.get('bridge')?.child.kill('SIGKILL');
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  world.followed.get('bridge')?.stop();
  await world.programs.get('bridge')?.exited;
}

/** The provider that holds the agreement. */
async function providerName(run: Run): Promise<string> {
  for (const { site } of run.world.providers) {
    const agreements = (await nodeOf(run, site.name).api.get('/v1/agreements')) as { id: string }[];
    if (agreements.some(({ id }) => id === run.agreementId)) return site.name;
  }
  throw new Error('no provider holds the agreement');
}

async function takeoverAndBack(run: Run): Promise<void> {
  const { world, say } = run;
  const name = await providerName(run);
  const provider = nodeOf(run, name);
  await timed(run, '7 activation', async () => {
    const active = await provider.wait('active', PHASE_TIMEOUT_MS, run.killedAtMs);
    say(`  the ${name} took epoch ${active.data.epoch} with the word of the witnesses`);
    await until('readings of the new epoch', PHASE_TIMEOUT_MS, async () => {
      const { epochs } = await cloudOverview(world, run.agreementId);
      return epochs.some(({ epoch, accepted }) => epoch === 2 && accepted > 0) ? true : null;
    });
  });
  await new Promise((resolve) => setTimeout(resolve, SERVE_MS));
  say('\nHandback: the bridge comes back');
  await timed(run, 'handback', async () => {
    const bridge = await world.startBridge();
    const checked = await bridge.wait('cross-checked', PHASE_TIMEOUT_MS);
    const back = await bridge.wait('handed-back', PHASE_TIMEOUT_MS);
    say(`  both count the same readings: ${checked.data.agrees ? `yes, ${checked.data.count}` : 'NO'}`);
    if (checked.data.agrees !== true) run.problems.push('provider and cloud disagree about the readings');
    say(`  the bridge runs under epoch ${back.data.epoch}`);
  });
  await new Promise((resolve) => setTimeout(resolve, AFTERWARDS_MS));
}

async function breach(run: Run): Promise<void> {
  const { world, say } = run;
  const provider = nodeOf(run, await providerName(run));
  const failed = await provider.wait('activation-failed', PHASE_TIMEOUT_MS, run.killedAtMs);
  say(`  the provider fails its duty: ${failed.data.message}`);
  await new Promise((resolve) => setTimeout(resolve, SERVE_MS));
  say('\nThe bridge comes back, finds that nobody served, and reports it on chain');
  await timed(run, 'report and loss', async () => {
    const bridge = await world.startBridge();
    await bridge.wait('reported', PHASE_TIMEOUT_MS);
    say('  the provider does not answer within the window');
    const ended = await bridge.wait('ended', PHASE_TIMEOUT_MS);
    say(`  the agreement ended as ${ended.data.endedAs}: the provider’s stake goes to the bridge`);
    if (ended.data.endedAs !== 'breached') run.problems.push('the breach did not end as a breach');
  });
}

async function finish(run: Run, init: BridgeInit, before: Map<string, bigint>): Promise<BridgeReport> {
  const { world, say, problems } = run;
  const motes = run.motes === null ? null : await stopMotes(run.motes.program, run.motes.lines);
  if (motes === null) throw new Error('the motes were not started');
  const frames = await timed(run, 'drain', () => settled(run, motes, init.breach));
  const bridge = nodeOf(run, 'bridge');
  if (!init.breach) {
    await timed(run, 'settlement', async () => {
      noteTx(run, 'settle', await bridge.api.post(`/v1/agreements/${run.agreementId}/settle`));
    });
    say('\nSettlement: both signed, one transaction');
  }
  const reputation = (await nodeOf(run, await providerName(run)).api.get('/v1/reputation')) as Record<string, unknown>;
  say(`  the provider’s record: ${reputation.honoured} honoured, ${reputation.breached} breached`);
  await timed(run, 'withdrawals', async () => {
    for (const [name, { api }] of world.followed) noteTx(run, `withdraw (${name})`, await api.post('/v1/withdraw'));
  });
  const rows = balanceRows(before, await balances(world));
  const readings = await acceptedReadings(world, run.agreementId);
  const first = readings.find(({ epoch, acceptedAtMs }) => epoch === 2 && acceptedAtMs >= run.killedAtMs);
  const conserved = isConserved(rows);
  if (frames.lost > 0 && !init.breach) problems.push(`${frames.lost} frames were lost`);
  if (!conserved) problems.push('the balances do not add up');
  if (first === undefined && !init.breach) problems.push('no reading arrived after the failure');
  return {
    scenario: init.breach ? 'bridge-breach' : 'bridge',
    runtime: world.runtime,
    phasesMs: Object.fromEntries(Object.entries(run.phasesMs).map(([name, ms]) => [name, Math.round(ms)])),
    takeoverMs: first === undefined ? null : first.acceptedAtMs - run.killedAtMs,
    frames,
    migratedBytes: run.migratedBytes,
    transactions: run.transactions,
    balances: rows,
    conserved,
    problems,
  };
}

/** Waits until nothing is on its way any more, then counts. */
async function settled(run: Run, motes: Awaited<ReturnType<typeof stopMotes>>, mayLose: boolean) {
  const count = async () =>
    countFrames(
      motes,
      await acceptedReadings(run.world, run.agreementId),
      await cloudOverview(run.world, run.agreementId),
    );
  try {
    return await until('the last reading', mayLose ? 3_000 : 15_000, async () => {
      const frames = await count();
      return frames.lost === 0 ? frames : null;
    });
  } catch {
    return count();
  }
}
