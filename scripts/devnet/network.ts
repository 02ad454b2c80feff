import { join } from 'node:path';
import { systemClock } from '../../node/clock.ts';
import type { RuntimeName } from '../../node/ports.ts';
import { selectRuntime } from '../../node/runtime/select.ts';
import { builtProgram } from '../root.ts';
import { type LocalChain, startChain } from './chain.ts';
import { type CloudSite, startCloud } from './cloud-node.ts';
import { type EdgeInit, type EdgeNode, layOutEdge, startNode } from './edge-node.ts';
import { type Followed, follow } from './follow.ts';
import type { Program } from './processes.ts';

/** One edge of a network to be: its place and policies, and with what it is started. */
export interface EdgePlan extends Pick<EdgeInit, 'site' | 'offer' | 'insure' | 'interfaces'> {
  /** The built program to run; `local-node` by default. */
  entry?: string;
  flags?: string[];
}

export interface NetworkInit {
  folder: string;
  /** Keeps the chain in the folder too, so that a later start continues. */
  resumable: boolean;
  runtime: RuntimeName | 'auto';
  heartbeatIntervalMs: number;
  /** The first one is the others' bootstrap peer. */
  edges: EdgePlan[];
  /** Ends a start that is under way; from then on `stop` does. */
  signal?: AbortSignal;
  say(text: string): void;
}

/** A local chain, edges and a cloud, each its own OS process with its own folder, wallet, identity and log. */
export interface Network {
  folder: string;
  runtime: RuntimeName;
  chain: LocalChain;
  cloud: CloudSite;
  edges: EdgeNode[];
  programs: Map<string, Program>;
  /** The running edges by name. */
  followed: Map<string, Followed>;
  /** Starts an edge again that was killed or stopped. */
  startEdge(name: string): Promise<Followed>;
  stop(): Promise<void>;
}

const TOKENS = 10n ** 18n;
/** What each new account is given. */
export const FUNDS = 100n * TOKENS;

/** The container runtime that will be used, with the loud word where nothing is isolated. */
async function chooseRuntime({ runtime: choice, folder, say }: NetworkInit): Promise<RuntimeName> {
  const { runtime, refused } = await selectRuntime(choice, {
    dataDir: join(folder, 'probe'),
    allowProcess: true,
    environment: process.env,
    clock: systemClock(),
  });
  for (const { name, reason } of refused) say(`  not ${name}: ${reason}`);
  if (runtime.name === 'process') {
    say('  WARNING: runtime "process": the container runs as a plain process of yours. Nothing is isolated: no file');
    say('  system, no network, no limits. Only a local play network does that, and only with its own workload.');
  }
  return runtime.name;
}

/** Lays out what is not there yet, funds new accounts, and starts everything. Undoes its start when it fails. */
export async function startNetwork(init: NetworkInit): Promise<Network> {
  const programs = new Map<string, Program>();
  const followed = new Map<string, Followed>();
  const runtime = await chooseRuntime(init);
  const chain = await startChain({ folder: init.folder, resumable: init.resumable });
  const killAll = (): void => {
    for (const { child } of [...programs.values(), chain.program]) child.kill('SIGKILL');
  };
  // Whatever ends this process must not leave the others behind.
  process.once('exit', killAll);
  init.signal?.addEventListener('abort', killAll, { once: true });
  const stop = async (): Promise<void> => {
    for (const seen of followed.values()) seen.stop();
    await Promise.all([...programs.values()].map((program) => program.stop()));
    await chain.stop();
    process.off('exit', killAll);
  };
  try {
    const edges = await layOutEdges(init, chain, runtime);
    for (const { address } of edges) await fundOnce(chain, address);
    const customers = edges.map(({ address }) => address);
    const cloud = await startCloud({ folder: init.folder, chain, customers });
    programs.set('cloud', cloud.program);
    const startEdge = edgeStarter(init.edges, edges, { programs, followed });
    // The bootstrap peer first: the others find it at once.
    const [first, ...others] = edges;
    if (first !== undefined) await startEdge(first.site.name);
    await Promise.all(others.map(({ site }) => startEdge(site.name)));
    init.signal?.throwIfAborted();
    return { folder: init.folder, runtime, chain, cloud, edges, programs, followed, startEdge, stop };
  } catch (error) {
    await stop();
    init.signal?.throwIfAborted();
    init.say(`the logs are in ${init.folder}`);
    throw error;
  } finally {
    init.signal?.removeEventListener('abort', killAll);
  }
}

/** Starts (or starts again) one edge by its site's name. */
function edgeStarter(
  plans: EdgePlan[],
  edges: EdgeNode[],
  { programs, followed }: Pick<Network, 'programs' | 'followed'>,
): Network['startEdge'] {
  return async (name) => {
    const index = edges.findIndex(({ site }) => site.name === name);
    const node = edges[index];
    if (node === undefined) throw new RangeError(`there is no edge ${name}`);
    const { entry, flags = [] } = plans[index] ?? {};
    const program = startNode({ ...node, name }, { entry: entry ?? builtProgram('local-node'), flags });
    programs.set(name, program);
    const seen = await follow(node.dataDir, program);
    followed.set(name, seen);
    return seen;
  };
}

async function layOutEdges(init: NetworkInit, chain: LocalChain, runtime: RuntimeName): Promise<EdgeNode[]> {
  const { folder, heartbeatIntervalMs } = init;
  const edges: EdgeNode[] = [];
  for (const { site, offer, insure, interfaces } of init.edges) {
    const [first] = edges;
    const bootstrap = first === undefined ? [] : [`${first.listen}/p2p/${first.peerId}`];
    const shared = { folder, chain, runtime, heartbeatIntervalMs };
    edges.push(await layOutEdge({ ...shared, site, bootstrap, offer, insure, interfaces }));
  }
  return edges;
}

/** An account that already has gas was funded by an earlier start. */
async function fundOnce(chain: LocalChain, address: string): Promise<void> {
  if ((await chain.provider.getBalance(address)) === 0n) await chain.fund(address, FUNDS);
}

/** On a shared engine containers outlive their nodes on purpose; a play network that is over leaves none behind. */
export async function removeContainers(
  edges: Pick<EdgeNode, 'dataDir' | 'peerId'>[],
  name: RuntimeName,
): Promise<void> {
  for (const { dataDir, peerId } of edges) {
    const init = { dataDir, allowProcess: true, environment: process.env, clock: systemClock() };
    const { runtime } = await selectRuntime(name, init);
    for (const { id } of await runtime.list('eaas.node', peerId)) {
      await runtime.stop(id, 0);
      await runtime.remove(id);
    }
  }
}
