import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { escrowDomain } from '../../market/eip712.ts';
import { ordersTopicsAround } from '../../market/topics.ts';
import { CHAIN_DEFAULTS, type ChainClient, createChain } from '../../sdk/chain/client.ts';
import { walletSigner } from '../../sdk/chain/signer.ts';
import { startContent } from '../../sdk/content/content.ts';
import { createHost, type Host } from '../../sdk/p2p/host.ts';
import { signWithPeerKey, verifyPeerSignature } from '../../sdk/p2p/key.ts';
import { createStreams } from '../../sdk/p2p/streams.ts';
import type { KeyValue } from '../../sdk/ports.ts';
import { createEventLog, type EventLog } from '../events.ts';
import { type NorthRelayService, startNorthRelay } from '../north/relay.ts';
import type { Context, PeerIdentity } from '../orchestrator/context.ts';
import { openRecords, type Records } from '../orchestrator/records.ts';
import type { Runtime, South } from '../ports.ts';
import { selectRuntime } from '../runtime/select.ts';
import { startSouth } from '../south/south.ts';
import { openStore } from '../store.ts';
import { createDoor } from '../workload-door/door.ts';
import { type Base, section, stopAtOnce } from './base.ts';

export interface EdgeParts {
  context: Context;
  host: Host;
  chain: ChainClient;
  events: EventLog;
  cell: string;
}

/** The frames of a minute of a few thousand sensors. */
const MAX_BUFFERED_FRAMES = 20_000;
const FRAME_BUFFER_MS = 60_000;
/** Receipts are asked for this often: agreements open within a block or two. */
const CHAIN_POLL_MS = 100;

/** Everything an edge node works with, started and ready; what must be undone is noted in `base.undo`. */
export async function startEdgeParts(base: Base): Promise<EdgeParts> {
  const { config, clock, log, keys, undo } = base;
  const { cell } = section(config.place, 'place');
  const events = createEventLog(clock, log);
  const store = await openStore(join(config.dataDir, 'store'));
  undo.add(() => store.close());
  const domain = escrowDomain(config.chain.chainId, config.chain.escrow);
  const chain = createChain(
    { wallet: keys.wallet, store, storePrefix: 'chain', clock, log: log.child({ part: 'chain' }) },
    { ...CHAIN_DEFAULTS, pollIntervalMs: CHAIN_POLL_MS, ...config.chain },
  );
  const host = await startHost(base, ordersTopicsAround(domain.chainId, cell));
  const content = await startContent({ libp2p: host.libp2p, dir: join(config.dataDir, 'blocks'), log });
  undo.add(() => content.stop());
  const records = await openRecords(store, stopAtOnce(log));
  const peer = identityOf(base, host);
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
    runtime: base.overrides.runtime ?? (await chooseRuntime(base)),
    south: await startRadio(base),
    north: await startNorth(base, store, records, peer),
    createDoor: (socketsDir) => createDoor({ socketsDir, clock, log }),
    randomBytes: (length) => new Uint8Array(randomBytes(length)),
    emit: events.emit,
    signal: base.signal,
  };
  return { context, host, chain, events, cell };
}

function identityOf({ keys }: Base, host: Host): PeerIdentity {
  return {
    peerId: host.peerId,
    addrs: () => host.addrs(),
    sign: (bytes) => signWithPeerKey(keys.peerKey, bytes),
    verify: verifyPeerSignature,
  };
}

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

async function chooseRuntime({ config, clock, log, overrides }: Base): Promise<Runtime> {
  const { runtime, refused } = await selectRuntime(config.runtime, {
    dataDir: config.dataDir,
    allowProcess: overrides.allowProcess ?? false,
    environment: process.env,
    clock,
  });
  log.info({ runtime: runtime.name, refused, warnings: runtime.warnings }, 'containers run with');
  return overrides.wrapRuntime?.(runtime) ?? runtime;
}

/** The south side; null for a device without a radio. */
async function startRadio({ config, clock, log, undo }: Base): Promise<South | null> {
  const { udpPort, host, allowedGateways } = config.south;
  if (udpPort === null) return null;
  const south = await startSouth({
    port: udpPort,
    host,
    allowedGateways: allowedGateways.length === 0 ? null : allowedGateways,
    bufferMs: FRAME_BUFFER_MS,
    maxFrames: MAX_BUFFERED_FRAMES,
    clock,
    log,
  });
  undo.add(() => south.stop());
  return south;
}

async function startNorth(
  { clock, log, undo }: Base,
  store: KeyValue,
  records: Records,
  peer: PeerIdentity,
): Promise<NorthRelayService> {
  const north = await startNorthRelay({
    store,
    targets: (id) => records.get(id)?.duties.cloud ?? null,
    isLive: (id) => records.get(id)?.endedTx === null,
    sign: (bytes) => ({ peerId: peer.peerId, signature: peer.sign(bytes) }),
    fetch,
    random: Math.random,
    onFatal: stopAtOnce(log),
    clock,
    log,
  });
  undo.add(() => north.stop());
  return north;
}
