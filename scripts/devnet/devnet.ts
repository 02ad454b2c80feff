import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { EdgeError, hasCode } from '../../market/errors.ts';
import { systemClock } from '../../node/clock.ts';
import type { RuntimeName } from '../../node/ports.ts';
import { deviceKeysEnv, moteKeys } from '../demo/lorawan/keys.ts';
import { builtProgram } from '../root.ts';
import { readIfThere, type Site } from './edge-node.ts';
import { type EdgePlan, type Network, removeContainers, startNetwork } from './network.ts';
import { type Program, startProgram } from './processes.ts';

export interface DevnetInit {
  folder: string;
  nodes: number;
  /** Simulated motes that send to every node; 0 for none. */
  motes: number;
  runtime: RuntimeName | 'auto';
  heartbeatIntervalMs: number;
  signal: AbortSignal;
  say(text: string): void;
}

/** What a person or a program needs to use a running devnet. */
export interface DevnetInfo {
  folder: string;
  runtime: RuntimeName;
  chain: { rpcUrl: string; chainId: number; escrow: string; token: string };
  cloud: { url: string; address: string };
  nodes: { name: string; address: string; peerId: string; dataDir: string; config: string; udpPort: number }[];
  /** Values for `eaas insure --env-file`. */
  envFile: string;
}

const SEED = 'devnet';
/** Node 1 stands here, the others around it: in cells of their own, near enough to hear the same motes. */
const CENTRE = { lat: -22.8716, lng: -43.1387 };
const RADIUS_DEGREES = 0.03;
/** Of the 100 tokens of each node; the rest pays for what it buys. */
const DEPOSIT = 60n * 10n ** 18n;
/** Present when the folder is a devnet's: `--reset` removes nothing else. */
const MARK = 'devnet.json';

export function siteOf(index: number, nodes: number): Site {
  const name = `node-${index + 1}`;
  if (index === 0) return { name, title: name, ...CENTRE };
  const angle = (2 * Math.PI * index) / nodes;
  const lat = CENTRE.lat + RADIUS_DEGREES * Math.sin(angle);
  return { name, title: name, lat, lng: CENTRE.lng + RADIUS_DEGREES * Math.cos(angle) };
}

/** Every node offers and may insure; what does not fit somebody can be changed in its `eaas.yaml`. */
export function planOf(index: number, nodes: number): EdgePlan {
  return {
    site: siteOf(index, nodes),
    offer: { reserve: { cpu: 0, memory: 0.25 }, minResponseWindowSec: 60 },
    insure: { responseWindowSec: 120 },
    interfaces: ['lorawan-eu868'],
  };
}

const markSchema = z.object({
  nodes: z.int(),
  /** What a reset needs to find containers on a shared engine; null until the first start succeeded. */
  containers: z
    .object({
      runtime: z.enum(['docker', 'namespaces', 'process']),
      edges: z.array(z.object({ dataDir: z.string(), peerId: z.string() })),
    })
    .nullable(),
});
type Mark = z.infer<typeof markSchema>;

/** Null for a folder that is new or empty. Throws `DEVNET_FOLDER_FOREIGN` for one that holds something else. */
async function storedIn(folder: string): Promise<Mark | null> {
  const stored = await readIfThere(join(folder, MARK));
  if (stored !== null) return markSchema.parse(JSON.parse(stored));
  const names = await readdir(folder).catch((error) => {
    if (hasCode(error, 'ENOENT')) return [] as string[];
    throw error;
  });
  if (names.length === 0) return null;
  throw new EdgeError('DEVNET_FOLDER_FOREIGN', `${folder} was not made by eaas devnet: nothing in it is touched`, {
    context: { folder },
    remedy: 'name another folder with --dir, or remove it yourself',
  });
}

/** Removes a devnet's folder and containers, and nothing else. Throws `DEVNET_FOLDER_FOREIGN`. */
export async function resetDevnet(folder: string): Promise<void> {
  const stored = await storedIn(folder);
  if (stored === null) return;
  if (stored.containers !== null) await removeContainers(stored.containers.edges, stored.containers.runtime);
  await rm(folder, { recursive: true });
}

async function writeMark(folder: string, mark: Mark): Promise<void> {
  await writeFile(join(folder, MARK), JSON.stringify(mark));
}

/** Starts a devnet, or continues the one in the folder: same accounts, configurations and chain. */
export async function startDevnet(init: DevnetInit): Promise<{ info: DevnetInfo; stop(): Promise<void> }> {
  const { folder, runtime, heartbeatIntervalMs, signal, say } = init;
  const stored = await storedIn(folder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const nodes = stored?.nodes ?? init.nodes;
  if (nodes !== init.nodes) say(`  the folder holds ${nodes} nodes: they continue (--reset makes new ones)`);
  if (stored === null) await writeMark(folder, { nodes, containers: null });
  const edges = Array.from({ length: nodes }, (_, index) => planOf(index, nodes));
  const network = await startNetwork({ folder, resumable: true, runtime, heartbeatIntervalMs, edges, signal, say });
  let motes: Program | null = null;
  const stop = async (): Promise<void> => {
    await motes?.stop();
    await network.stop();
  };
  try {
    const containers = network.edges.map(({ dataDir, peerId }) => ({ dataDir, peerId }));
    await writeMark(folder, { nodes, containers: { runtime: network.runtime, edges: containers } });
    await depositOnce(network);
    if (init.motes > 0) motes = await startMotes(network, init.motes);
    const envFile = join(folder, 'workload.env');
    await writeFile(envFile, environmentOf(network, init.motes), { mode: 0o600 });
    return { info: infoOf(network, envFile), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A vault that holds something was filled by an earlier start. */
async function depositOnce(network: Network): Promise<void> {
  for (const { api } of network.followed.values()) {
    const { vault, agreements } = (await api.get('/v1/status')) as {
      vault: { balance: string } | null;
      agreements: number;
    };
    if (vault !== null && BigInt(vault.balance) === 0n && agreements === 0) {
      await api.post('/v1/deposit', { amountWei: DEPOSIT.toString() });
    }
  }
  for (const { api } of network.followed.values()) await api.post('/v1/offer');
}

async function startMotes({ folder, edges }: Network, count: number): Promise<Program> {
  const gateways = edges.map(
    ({ udpPort }, index) => `aa555a00000002${index.toString(16).padStart(2, '0')}@127.0.0.1:${udpPort}`,
  );
  // A frame counter never goes back, also not over a restart: it counts the seconds since the folder was made.
  const { birthtimeMs } = await stat(join(folder, MARK));
  const firstFCnt = Math.max(0, Math.floor((systemClock().nowMs() - birthtimeMs) / 1000));
  return startProgram({
    name: 'motes',
    command: process.execPath,
    args: [
      ...[builtProgram('motes'), '--seed', SEED, '--count', String(count)],
      ...['--gateways', gateways.join(','), '--first-fcnt', String(firstFCnt)],
    ],
    logFile: join(folder, 'motes.log'),
  });
}

function environmentOf({ cloud }: Network, motes: number): string {
  const keys = Array.from({ length: motes }, (_, index) => moteKeys(SEED, index));
  const values = { CLOUD_URL: cloud.url, CLOUD_ADDRESS: cloud.address, DEVICE_KEYS: deviceKeysEnv(keys) };
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function infoOf(network: Network, envFile: string): DevnetInfo {
  const { chain, cloud, edges, folder, runtime } = network;
  const { escrow, token } = chain.contracts;
  return {
    folder,
    runtime,
    chain: { rpcUrl: chain.rpcUrl, chainId: chain.chainId, escrow, token },
    cloud: { url: cloud.url, address: cloud.address },
    nodes: edges.map(({ site, address, peerId, dataDir, configFile, udpPort }) => ({
      name: site.name,
      address,
      peerId,
      dataDir,
      config: configFile,
      udpPort,
    })),
    envFile,
  };
}
