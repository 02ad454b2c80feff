import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RuntimeName } from '../../node/ports.ts';
import type { EdgeNode } from '../devnet/edge-node.ts';
import type { Followed } from '../devnet/follow.ts';
import { type EdgePlan, type Network, removeContainers, startNetwork } from '../devnet/network.ts';
import { deviceImage } from '../image/device-image.ts';
import { builtProgram, projectRoot } from '../root.ts';
import { BRIDGE, FAR, NEIGHBOURS } from './world-map.ts';

export interface WorldInit {
  runtime: RuntimeName | 'auto';
  heartbeatIntervalMs: number;
  breach: boolean;
  keep: boolean;
  signal: AbortSignal;
  say(text: string): void;
}

/** Every process of the scenario, and what is needed to look at them. */
export interface World extends Omit<Network, 'edges' | 'startEdge'> {
  bridge: EdgeNode;
  /** The neighbours and the far one. */
  providers: EdgeNode[];
  imageDir: string;
  startBridge(): Promise<Followed>;
}

/** Demo prices, in tokens an hour: dear enough to be seen in a run of a minute. */
const PRICES = { corePerHour: '4', memoryGiBPerHour: '2', interfacePerHour: '0.5' };
const MARGINS: Record<string, number> = { university: 0.3, harbour: 0.15, 'pump-station': 0.25, far: 0 };
const INTERFACES = ['lorawan-eu868'];
/** In a demo nobody waits a day for an answer. */
const RESPONSE_WINDOW_SEC = 6;
const INSURE = { responseWindowSec: RESPONSE_WINDOW_SEC, maxStandbyPerHour: '2', maxActivePerHour: '20' };

function plans(breach: boolean): EdgePlan[] {
  const entry = builtProgram(breach ? 'breaching-provider' : 'local-node');
  const providers = [...NEIGHBOURS, FAR].map((site) => ({
    site,
    insure: INSURE,
    offer: {
      prices: { ...PRICES, margin: MARGINS[site.name] ?? 0 },
      minResponseWindowSec: 5,
      reserve: { cpu: 0, memory: 0.25 },
    },
    interfaces: site === FAR ? [] : INTERFACES,
    entry,
  }));
  const bridge = {
    site: BRIDGE,
    insure: INSURE,
    offer: null,
    interfaces: INTERFACES,
  };
  return [bridge, ...providers];
}

/** Lays out and starts everything in a temporary folder. */
export async function startWorld(init: WorldInit): Promise<World> {
  const { runtime, heartbeatIntervalMs, signal, say } = init;
  const image = await deviceImage({
    servicePath: builtProgram('device-service'),
    cacheDir: join(projectRoot(), '.eaas', 'images'),
  });
  const edges = plans(init.breach);
  const folder = await mkdtemp(join(tmpdir(), 'eaas-'));
  const start = { folder, resumable: false, runtime, heartbeatIntervalMs, edges, signal, say };
  const network = await startNetwork(start).catch(async (error: unknown) => {
    // After a failure the logs stay, and it was said where; whoever stops it wants nothing of it.
    if (signal.aborted) await rm(folder, { recursive: true, force: true });
    throw error;
  });
  const [bridge, ...providers] = network.edges;
  if (bridge === undefined) throw new RangeError('a world has a bridge');
  return {
    ...network,
    bridge,
    providers,
    imageDir: image.layoutDir,
    startBridge: () => network.startEdge(BRIDGE.name),
    async stop() {
      await network.stop();
      await removeContainers(network.edges, network.runtime);
      if (init.keep) say(`kept: ${folder}`);
      else await rm(folder, { recursive: true, force: true });
    },
  };
}
