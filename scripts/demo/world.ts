import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { systemClock } from '../../node/clock.ts';
import { createKeystore } from '../../node/keystore.ts';
import type { RuntimeName } from '../../node/ports.ts';
import { selectRuntime } from '../../node/runtime/select.ts';
import { type LocalChain, startChain } from '../devnet/chain.ts';
import { freePort, type Program, startProgram, until } from '../devnet/processes.ts';
import { deviceImage } from '../image/device-image.ts';
import { builtProgram, projectRoot } from '../root.ts';
import { type Followed, follow } from './follow.ts';
import { DEMO_SCRYPT_N, layOutNode, type SiteNode, startNode } from './site-node.ts';
import { BRIDGE, FAR, NEIGHBOURS } from './world-map.ts';

export interface WorldInit {
  runtime: RuntimeName | 'auto';
  heartbeatIntervalMs: number;
  breach: boolean;
  keep: boolean;
  say(text: string): void;
}

export interface CloudSite {
  address: string;
  url: string;
  program: Program;
}

/** Every process of the scenario, and what is needed to look at them. */
export interface World {
  folder: string;
  runtime: RuntimeName;
  chain: LocalChain;
  cloud: CloudSite;
  bridge: SiteNode;
  /** The neighbours and the far one. */
  providers: SiteNode[];
  programs: Map<string, Program>;
  followed: Map<string, Followed>;
  imageDir: string;
  startBridge(): Promise<Followed>;
  stop(): Promise<void>;
}

const TOKENS = 10n ** 18n;
const FUNDS = 100n * TOKENS;
/** Demo prices, in tokens an hour: dear enough to be seen in a run of a minute. */
const PRICES = { corePerHour: '4', memoryGiBPerHour: '2', interfacePerHour: '0.5' };
const MARGINS: Record<string, number> = { university: 0.3, harbour: 0.15, 'pump-station': 0.25, far: 0 };
const INTERFACES = ['lorawan-eu868'];
/** In a demo nobody waits a day for an answer. */
const RESPONSE_WINDOW_SEC = 6;

/** The container runtime that will be used, with the loud word where nothing is isolated. */
async function chooseRuntime(choice: RuntimeName | 'auto', folder: string, say: (text: string) => void) {
  const { runtime, refused } = await selectRuntime(choice, {
    dataDir: join(folder, 'probe'),
    allowProcess: true,
    environment: process.env,
    clock: systemClock(),
  });
  for (const { name, reason } of refused) say(`  not ${name}: ${reason}`);
  if (runtime.name === 'process') {
    say('  WARNING: runtime "process": the container runs as a plain process of yours. Nothing is isolated: no file');
    say('  system, no network, no limits. Only this demo does that, and only with its own workload.');
  }
  return runtime.name;
}

async function layOutCloud(folder: string, chain: LocalChain, customer: string): Promise<CloudSite> {
  const dataDir = join(folder, 'cloud');
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const passwordFile = join(dataDir, 'password');
  await writeFile(passwordFile, 'demo-cloud\n', { mode: 0o600 });
  const keys = await createKeystore({ dir: dataDir, password: 'demo-cloud', scryptN: DEMO_SCRYPT_N });
  const port = await freePort();
  const configFile = join(dataDir, 'eaas.yaml');
  const { escrow, token } = chain.contracts;
  await writeFile(
    configFile,
    stringify({
      role: 'cloud',
      name: 'cloud',
      dataDir,
      chain: { rpcUrl: chain.rpcUrl, chainId: chain.chainId, escrow, token },
      keystore: { passwordFile, scryptN: DEMO_SCRYPT_N },
      cloud: { port, host: '127.0.0.1', customers: [customer] },
    }),
  );
  const program = startProgram({
    name: 'cloud',
    command: process.execPath,
    args: [builtProgram('eaas'), 'up', '--config', configFile],
    logFile: join(folder, 'cloud.log'),
  });
  return { address: keys.wallet.address, url: `http://127.0.0.1:${port}`, program };
}

/** Lays out and starts everything; each part is its own OS process with its own folder, wallet, identity and log. */
export async function startWorld(init: WorldInit): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'eaas-'));
  const programs = new Map<string, Program>();
  const followed = new Map<string, Followed>();
  const runtime = await chooseRuntime(init.runtime, folder, init.say);
  const [image, chain] = await Promise.all([
    deviceImage({ servicePath: builtProgram('device-service'), cacheDir: join(projectRoot(), '.eaas', 'images') }),
    startChain(join(folder, 'chain.log')),
  ]);
  const stop = async (): Promise<void> => {
    for (const { stop: unfollow } of followed.values()) unfollow();
    await Promise.all([...programs.values()].map((program) => program.stop()));
    await chain.stop();
    if (init.keep) init.say(`kept: ${folder}`);
    else await rm(folder, { recursive: true, force: true });
  };
  try {
    const shared = { folder, chain, runtime, heartbeatIntervalMs: init.heartbeatIntervalMs };
    const insure = { responseWindowSec: RESPONSE_WINDOW_SEC, maxStandbyPerHour: '2', maxActivePerHour: '20' };
    const first = await layOutNode({
      ...shared,
      site: BRIDGE,
      bootstrap: [],
      offer: null,
      insure,
      interfaces: INTERFACES,
    });
    const bootstrap = [`${first.listen}/p2p/${first.peerId}`];
    const providers: SiteNode[] = [];
    for (const site of [...NEIGHBOURS, FAR]) {
      const offer = {
        prices: { ...PRICES, margin: MARGINS[site.name] ?? 0 },
        minResponseWindowSec: 5,
        reserve: { cpu: 0, memory: 0.25 },
      };
      const interfaces = site === FAR ? [] : INTERFACES;
      providers.push(await layOutNode({ ...shared, site, bootstrap, offer, insure, interfaces }));
    }
    for (const { address } of [first, ...providers]) await chain.fund(address, FUNDS);
    const cloud = await layOutCloud(folder, chain, first.address);
    programs.set('cloud', cloud.program);
    const startBridge = async (): Promise<Followed> => {
      const extra = ['--unsafe-process', '--breach-after', '5000'];
      programs.set('bridge', startNode(first, builtProgram('eaas'), extra));
      const seen = await follow(first.dataDir);
      followed.set('bridge', seen);
      return seen;
    };
    await startBridge();
    for (const node of providers) {
      const entry = builtProgram(init.breach ? 'breaching-provider' : 'eaas');
      programs.set(node.site.name, startNode(node, entry, ['--unsafe-process']));
    }
    for (const node of providers) followed.set(node.site.name, await follow(node.dataDir));
    await until('the cloud', 20_000, async () => ((await fetch(`${cloud.url}/health`)).ok ? true : null));
    return {
      folder,
      runtime,
      chain,
      cloud,
      bridge: first,
      providers,
      programs,
      followed,
      imageDir: image.layoutDir,
      startBridge,
      stop,
    };
  } catch (error) {
    await Promise.all([...programs.values()].map((program) => program.kill()));
    await chain.stop();
    init.say(`the logs are in ${folder}`);
    throw error;
  }
}
