import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../node/clock.ts';
import type { RuntimeName } from '../../node/ports.ts';
import { selectRuntime } from '../../node/runtime/select.ts';
import { deviceKeysEnv, moteKeys } from '../../scripts/demo/lorawan/keys.ts';
import { BRIDGE, NEIGHBOURS } from '../../scripts/demo/world-map.ts';
import type { Followed } from '../../scripts/devnet/follow.ts';
import { type EdgePlan, type Network, startNetwork } from '../../scripts/devnet/network.ts';
import { type Program, startProgram, until } from '../../scripts/devnet/processes.ts';
import { deviceImage } from '../../scripts/image/device-image.ts';
import { builtProgram, projectRoot } from '../../scripts/root.ts';

const MOTES = 12;
const SEED = 'bridge';
const STAKE = 60n * 10n ** 18n;
const HEARTBEAT_MS = 300;
const INSURE = { responseWindowSec: 60, maxStandbyPerHour: '2', maxActivePerHour: '20' };
const OFFER = {
  prices: { corePerHour: '4', memoryGiBPerHour: '2', interfacePerHour: '0.5' },
  minResponseWindowSec: 5,
  reserve: { cpu: 0, memory: 0.25 },
};

export interface Overview {
  epoch: number;
  epochs: { epoch: number; accepted: number; refused: number }[];
}

/** Real processes: a chain, a cloud, the bridge and one provider, without witnesses. */
export interface SmallNetwork extends Network {
  bridge(): Followed;
  provider(): Followed;
  /** Asks the bridge to insure its workload; resolves with its answer. */
  insure(): Promise<{ id: string; migratedBytes: number }>;
  /** SIGKILL to the node alone: its containers live on, as they do when a program crashes. */
  kill(name: string): Promise<void>;
  /** Starts a node again; with `die`, one that kills itself there. */
  restart(name: string, die?: 'before-start' | 'after-start'): Promise<Followed>;
  overview(id: string): Promise<Overview>;
  /** Pids of the running containers that the named node made. */
  containers(name: string): Promise<number[][]>;
}

const source = (...path: string[]): string => join(projectRoot(), ...path);

function plans(): EdgePlan[] {
  const [neighbour = BRIDGE] = NEIGHBOURS;
  const shared = { insure: INSURE, interfaces: ['lorawan-eu868'], entry: source('scripts', 'devnet', 'local-node.ts') };
  return [
    { ...shared, site: BRIDGE, offer: null },
    { ...shared, site: { ...neighbour, name: 'provider' }, offer: OFFER },
  ];
}

async function runtimeHere(folder: string): Promise<RuntimeName> {
  const options = { dataDir: folder, allowProcess: true, environment: process.env, clock: systemClock() };
  const usable = await selectRuntime('namespaces', options).catch(() => null);
  return usable?.runtime.name ?? 'process';
}

export async function startSmallNetwork(): Promise<SmallNetwork> {
  const folder = await mkdtemp(join(tmpdir(), 'eaas-faults-'));
  const runtime = await runtimeHere(folder);
  const edges = plans();
  const say = (): void => undefined;
  const network = await startNetwork({
    folder,
    resumable: false,
    runtime,
    heartbeatIntervalMs: HEARTBEAT_MS,
    edges,
    say,
  });
  const motes = startMotes(network);
  const followed = (name: string): Followed => {
    const seen = network.followed.get(name);
    if (seen === undefined) throw new RangeError(`${name} does not run`);
    return seen;
  };
  for (const name of ['bridge', 'provider']) {
    await followed(name).api.post('/v1/deposit', { amountWei: String(STAKE) });
  }
  return {
    ...network,
    bridge: () => followed('bridge'),
    provider: () => followed('provider'),
    insure: () => insure(network, followed('bridge')),
    async kill(name) {
      followed(name).stop();
      await network.programs.get(name)?.kill();
    },
    async restart(name, die) {
      const plan = edges.find(({ site }) => site.name === name);
      if (plan === undefined) throw new RangeError(name);
      plan.entry =
        die === undefined ? source('scripts', 'devnet', 'local-node.ts') : source('test', 'faults', 'dying-node.ts');
      if (die !== undefined) process.env.EAAS_TEST_DIE = die;
      try {
        return await network.startEdge(name);
      } finally {
        delete process.env.EAAS_TEST_DIE;
      }
    },
    async overview(id) {
      return (await (await fetch(`${network.cloud.url}/v1/agreements/${id}`)).json()) as Overview;
    },
    containers: (name) => containersOf(network, name),
    async stop() {
      await motes.kill();
      for (const name of ['bridge', 'provider']) await killContainers(network, name);
      await network.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

function startMotes({ edges, folder }: Network): Program {
  const gateways = edges.map(({ udpPort }, index) => `aa555a000000010${index}@127.0.0.1:${udpPort}`).join(',');
  return startProgram({
    name: 'motes',
    command: process.execPath,
    args: [source('scripts', 'demo', 'motes.ts'), '--seed', SEED, '--count', String(MOTES), '--gateways', gateways],
    logFile: join(folder, 'motes.log'),
  });
}

async function insure(network: Network, bridge: Followed): Promise<{ id: string; migratedBytes: number }> {
  const servicePath = builtProgram('device-service');
  const { layoutDir } = await deviceImage({ servicePath, cacheDir: source('.eaas', 'images') });
  const compose = await readFile(source('scripts', 'demo', 'bridge.compose.yaml'), 'utf8');
  await network.followed.get('provider')?.api.post('/v1/offer');
  await until('an offer', 20_000, async () => ((await bridge.api.get('/v1/offers')) as unknown[]).length > 0 || null);
  const keys = Array.from({ length: MOTES }, (_, index) => moteKeys(SEED, index));
  return (await bridge.api.post('/v1/insure', {
    // A busy test machine has little to spare, and two edges are each other's only choice.
    compose: compose.replace(/^ *witnesses: .*\n/m, '').replace('cpus: "0.5"', 'cpus: "0.2"'),
    baseDir: projectRoot(),
    environment: {
      DEVICE_KEYS: deviceKeysEnv(keys),
      HEARTBEAT: `${HEARTBEAT_MS}ms`,
      CLOUD_URL: network.cloud.url,
      CLOUD_ADDRESS: network.cloud.address,
    },
    images: { 'device-service:1': layoutDir },
  })) as { id: string; migratedBytes: number };
}

async function containersOf({ edges, runtime: name }: Network, edge: string): Promise<number[][]> {
  const node = edges.find(({ site }) => site.name === edge);
  if (node === undefined) throw new RangeError(edge);
  const options = { dataDir: node.dataDir, allowProcess: true, environment: process.env, clock: systemClock() };
  const { runtime } = await selectRuntime(name, options);
  const containers = await runtime.list('eaas.node', node.peerId);
  const running = containers.filter(({ status }) => status === 'running');
  return Promise.all(running.map(({ id }) => runtime.pids(id)));
}

/** What a test leaves running, also when it failed. */
async function killContainers(network: Network, edge: string): Promise<void> {
  for (const pid of (await containersOf(network, edge)).flat()) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended between the look and the signal.
    }
  }
}
