import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { escrowDomain } from '../market/eip712.ts';
import { EdgeError } from '../market/errors.ts';
import type { Clock } from '../market/ports.ts';
import { ordersTopicsAround } from '../market/topics.ts';
import { createBuyer } from '../sdk/buyer.ts';
import { CHAIN_DEFAULTS, type ChainClient, createChain } from '../sdk/chain/client.ts';
import { walletSigner } from '../sdk/chain/signer.ts';
import { startContent } from '../sdk/content/content.ts';
import { startMarketFeed } from '../sdk/market-feed.ts';
import { createGossip } from '../sdk/p2p/gossip.ts';
import { createHost, type Host } from '../sdk/p2p/host.ts';
import { peerIdOf, signWithPeerKey, verifyPeerSignature } from '../sdk/p2p/key.ts';
import { createStreams } from '../sdk/p2p/streams.ts';
import { type ApiServer, startApi } from './api/server.ts';
import { systemClock } from './clock.ts';
import { type Cloud, startCloud } from './cloud/cloud.ts';
import type { NodeConfig } from './config.ts';
import { createEventLog } from './events.ts';
import { type Keys, openKeystore } from './keystore.ts';
import { createLogger, type Logger } from './logger.ts';
import { measureDevice } from './measure.ts';
import { startNorthRelay } from './north/relay.ts';
import { createCloudClient } from './orchestrator/cloud-client.ts';
import type { Context } from './orchestrator/context.ts';
import { createCustomer } from './orchestrator/customer.ts';
import { createProvider } from './orchestrator/provider.ts';
import { type AgreementRecord, openRecords } from './orchestrator/records.ts';
import { createRunner, removeStrays } from './orchestrator/runner.ts';
import { createSeller } from './orchestrator/seller.ts';
import { probe, serveWitness } from './orchestrator/witness.ts';
import type { Runtime } from './ports.ts';
import { selectRuntime } from './runtime/select.ts';
import { createNodeService } from './service.ts';
import { startSouth } from './south/south.ts';
import { openStore } from './store.ts';
import { createDoor } from './workload-door/door.ts';

/** Parts that a caller may put in place of the real ones: tests, the demo's breaching provider, other runtimes. */
export interface Overrides {
  clock?: Clock;
  logger?: Logger;
  runtime?: Runtime;
  /** Puts something around the chosen runtime. */
  wrapRuntime?: (runtime: Runtime) => Runtime;
  /** Lets `runtime: process` run strangers' containers unisolated. For the demo only. */
  allowProcess?: boolean;
  /** How long a customer that comes back waits before it calls a missing takeover a breach, milliseconds. */
  breachAfterMs?: number;
}

export interface RunningNode {
  readonly address: string;
  readonly peerId: string | null;
  readonly apiPort: number | null;
  /** Stops in the reverse order of the start. A second call does nothing. */
  stop(): Promise<void>;
}

/** The frames of a minute of a few thousand sensors. */
const MAX_BUFFERED_FRAMES = 20_000;
const FRAME_BUFFER_MS = 60_000;
/** How long the containers to be insured are watched before their need is estimated. */
const PROFILE_MS = 3_000;
/** How often a chain that did not answer at the start is asked again. */
const CHAIN_RETRY_MS = 1_000;

/** Things to undo, newest first. A start that fails half way undoes what it did. */
class Undo {
  private readonly steps: (() => Promise<void> | void)[] = [];
  add(step: () => Promise<void> | void): void {
    this.steps.push(step);
  }
  async run(log: Logger): Promise<void> {
    for (let step = this.steps.pop(); step !== undefined; step = this.steps.pop()) {
      try {
        await step();
      } catch (error) {
        log.warn({ error: String(error) }, 'a part did not stop cleanly');
      }
    }
  }
}

interface Base {
  config: NodeConfig;
  clock: Clock;
  log: Logger;
  keys: Keys;
  undo: Undo;
  stopping: AbortController;
  overrides: Overrides;
}

/**
 * Builds and starts a node from its configuration: the only place where real parts are put together.
 * Throws `KEYSTORE_PASSWORD_WRONG`, `STORE_LOCKED`, `LISTEN_FAILED`, `RUNTIME_UNAVAILABLE` and other expected errors.
 */
export async function startNode(config: NodeConfig, password: string, overrides: Overrides = {}): Promise<RunningNode> {
  const clock = overrides.clock ?? systemClock();
  const log = overrides.logger ?? createLogger({ level: config.log.level, name: config.name });
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const keys = await openKeystore({ dir: config.dataDir, password });
  const undo = new Undo();
  const stopping = new AbortController();
  undo.add(() => stopping.abort(new EdgeError('NODE_STOPPING', 'the node stops')));
  const base: Base = { config, clock, log, keys, undo, stopping, overrides };
  try {
    const started = config.role === 'cloud' ? await startCloudRole(base) : await startEdgeRole(base);
    let stopped = false;
    return {
      ...started,
      address: keys.wallet.address,
      async stop() {
        if (stopped) return;
        stopped = true;
        stopping.abort(new EdgeError('NODE_STOPPING', 'the node stops'));
        await undo.run(log);
      },
    };
  } catch (error) {
    stopping.abort(error);
    await undo.run(log);
    throw error;
  }
}

async function startCloudRole({ config, clock, log, keys, undo }: Base): Promise<{ peerId: null; apiPort: null }> {
  if (config.cloud === undefined) throw new EdgeError('CONFIG_INVALID', 'the role "cloud" needs the section cloud');
  const store = await openStore(join(config.dataDir, 'store'));
  undo.add(() => store.close());
  const domain = escrowDomain(config.chain.chainId, config.chain.escrow);
  const cloud: Cloud = await startCloud({
    ...config.cloud,
    store,
    signer: walletSigner(keys.wallet, domain),
    domain,
    verifyPeer: verifyPeerSignature,
    onFatal: stopAtOnce(log),
    clock,
    log,
  });
  undo.add(() => cloud.stop());
  log.info({ url: cloud.url }, 'the cloud takes readings');
  return { peerId: null, apiPort: null };
}

/** A disk that failed once cannot be trusted with promises: stop before anything else is promised. */
function stopAtOnce(log: Logger): (error: unknown) => void {
  return (error) => {
    log.error({ error: String(error) }, 'the store failed; the node stops at once');
    process.exit(1);
  };
}

async function startEdgeRole(base: Base): Promise<{ peerId: string; apiPort: number }> {
  const { config, clock, log, keys, undo, stopping } = base;
  const { place } = config;
  if (place === undefined) throw new EdgeError('CONFIG_INVALID', 'the role "edge" needs the section place');
  const events = createEventLog(clock, log);
  const store = await openStore(join(config.dataDir, 'store'));
  undo.add(() => store.close());
  const domain = escrowDomain(config.chain.chainId, config.chain.escrow);
  const chain = createChain(
    { wallet: keys.wallet, store, storePrefix: 'chain', clock, log: log.child({ part: 'chain' }) },
    { ...CHAIN_DEFAULTS, pollIntervalMs: CHAIN_POLL_MS, ...config.chain },
  );
  const host = await startHost(base, ordersTopicsAround(domain.chainId, place.cell));
  const content = await startContent({ libp2p: host.libp2p, dir: join(config.dataDir, 'blocks'), log });
  undo.add(() => content.stop());
  const runtime = base.overrides.runtime ?? (await chooseRuntime(base));
  const records = await openRecords(store);
  const peer = {
    peerId: host.peerId,
    addrs: () => host.addrs(),
    sign: (bytes: Uint8Array) => signWithPeerKey(keys.peerKey, bytes),
    verify: verifyPeerSignature,
  };
  const south =
    config.south.udpPort === null
      ? null
      : await startSouth({
          port: config.south.udpPort,
          host: config.south.host,
          allowedGateways: config.south.allowedGateways.length === 0 ? null : config.south.allowedGateways,
          bufferMs: FRAME_BUFFER_MS,
          maxFrames: MAX_BUFFERED_FRAMES,
          clock,
          log,
        });
  if (south !== null) undo.add(() => south.stop());
  const north = await startNorthRelay({
    store,
    targets: (id) => records.get(id)?.duties.cloud ?? null,
    sign: (bytes) => ({ peerId: peer.peerId, signature: peer.sign(bytes) }),
    fetch,
    random: Math.random,
    onFatal: stopAtOnce(log),
    clock,
    log,
  });
  undo.add(() => north.stop());
  const context: Context = {
    nodeId: peer.peerId,
    clock,
    log,
    dataDir: config.dataDir,
    domain,
    signer: walletSigner(keys.wallet, domain),
    peer,
    streams: createStreams(host.libp2p, log),
    content,
    chain,
    records,
    runtime,
    south,
    north,
    createDoor: (socketsDir) => createDoor({ socketsDir, clock, log }),
    randomBytes: (length) => new Uint8Array(randomBytes(length)),
    emit: events.emit,
    signal: stopping.signal,
  };
  return startServices(base, context, { host, chain, events, cell: place.cell });
}

async function chooseRuntime({ config, clock, log, overrides }: Base): Promise<Runtime> {
  const { runtime, refused } = await selectRuntime(config.runtime, {
    dataDir: config.dataDir,
    allowProcess: overrides.allowProcess ?? false,
    environment: process.env,
    clock,
  });
  log.info({ runtime: runtime.name, refused }, 'containers run with');
  return overrides.wrapRuntime?.(runtime) ?? runtime;
}

/** Receipts are asked for this often: agreements open within a block or two. */
const CHAIN_POLL_MS = 100;

async function startHost({ config, clock, log, keys, undo }: Base, allowedTopics: string[]): Promise<Host> {
  const loopbackOnly = config.p2p.listen.every((address) => address.startsWith('/ip4/127.'));
  const host = await createHost({
    privateKey: keys.peerKey,
    listen: config.p2p.listen,
    bootstrap: config.p2p.bootstrap,
    mdns: config.p2p.mdns,
    network: loopbackOnly || config.p2p.mdns ? 'lan' : 'wan',
    allowedTopics,
    clock,
    logger: log.child({ part: 'p2p' }),
  });
  await host.start();
  undo.add(() => host.stop());
  return host;
}

interface EdgeParts {
  host: Host;
  chain: ChainClient;
  events: ReturnType<typeof createEventLog>;
  cell: string;
}

async function startServices(
  base: Base,
  context: Context,
  parts: EdgeParts,
): Promise<{ peerId: string; apiPort: number }> {
  const { config, clock, log, undo, stopping } = base;
  const { token } = config.chain;
  const cloud = createCloudClient({ clock, log, signal: stopping.signal });
  const feed = await startMarketFeed({
    pubsub: createGossip(parts.host, log),
    chain: context.chain,
    domain: context.domain,
    clock,
    log: log.child({ part: 'market' }),
    cell: parts.cell,
    signal: stopping.signal,
  });
  const makeRunner = (record: AgreementRecord) => {
    if (record.manifest === null) throw new EdgeError('WORKLOAD_UNKNOWN', 'the workload is not here yet');
    const init = { id: record.id, dataDir: config.dataDir, manifest: record.manifest };
    return createRunner(context, init, (epoch, readings) => context.north.enqueue(record.id, epoch, readings));
  };
  const known = new Set(context.records.list().flatMap(({ id, duties }) => [id, duties.workloadHash]));
  const strays = await removeStrays(context.runtime, context.nodeId, known);
  if (strays.length > 0) log.info({ strays }, 'removed containers that no agreement knows');
  const provider = createProvider(context, cloud, makeRunner);
  const customer = createCustomer(context, cloud, { breachAfterMs: base.overrides.breachAfterMs });
  undo.add(() => customer.stop());
  const measure = () =>
    measureDevice(config.dataDir, { bandwidthBps: STATED_BANDWIDTH_BPS, interfaces: config.interfaces });
  const seller = createSeller(context, {
    feed,
    policy: config.offer ?? null,
    token,
    cell: parts.cell,
    measure,
    live: provider.live,
  });
  const buyer = createBuyer({
    feed,
    streams: context.streams,
    chain: context.chain,
    signer: context.signer,
    domain: context.domain,
    clock,
    policy: config.insure,
    log,
    randomBytes32: () => `0x${randomBytes(32).toString('hex')}`,
    roundTripMs: async (peer) => {
      const startedAt = performance.now();
      return (await probe(context, peer, 2_000)) ? performance.now() - startedAt : null;
    },
  });
  let chainReady = false;
  await serveWitness(context);
  await provider.start();
  await customer.start();
  void waitForChain(parts.chain, clock, log, stopping.signal).then(
    async () => {
      chainReady = true;
      context.emit('chain-ready', null, { chainId: parts.chain.chainId });
      await seller.start();
    },
    () => undefined,
  );
  const service = createNodeService({
    context,
    domain: context.domain,
    feed,
    seller,
    customer,
    buyer,
    events: parts.events,
    policy: config.insure,
    token,
    cell: parts.cell,
    name: config.name,
    startedAtMs: clock.nowMs(),
    profileMs: PROFILE_MS,
    chainReady: () => chainReady,
  });
  const api: ApiServer = await startApi(service, {
    dataDir: config.dataDir,
    port: config.api.port,
    health: () => ({ ok: true, role: 'edge', name: config.name, chain: chainReady ? 'reachable' : 'waiting' }),
    log,
  });
  undo.add(() => api.stop());
  log.info({ peerId: peerIdOf(base.keys.peerKey), addrs: parts.host.addrs(), api: api.port }, 'the node is up');
  return { peerId: parts.host.peerId, apiPort: api.port };
}

/** Stated until it is measured between peers: what a home connection gives. */
const STATED_BANDWIDTH_BPS = 10_000_000;

/** The chain may be down when a node starts: it waits, says so, and serves what it owes meanwhile. */
async function waitForChain(chain: ChainClient, clock: Clock, log: Logger, signal: AbortSignal): Promise<void> {
  for (let told = false; ; told = true) {
    try {
      await chain.check();
      await chain.resume({ signal });
      return;
    } catch (error) {
      signal.throwIfAborted();
      const { code, message } = error as EdgeError;
      if (code !== 'CHAIN_UNREACHABLE') log.error({ code }, message);
      else if (!told) log.warn({ code }, `${message}; the node waits for it and serves what it owes`);
    }
    await clock.sleep(CHAIN_RETRY_MS, signal);
  }
}
