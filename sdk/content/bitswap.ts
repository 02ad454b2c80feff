import { AsyncLocalStorage } from 'node:async_hooks';
import { withBitswap } from '@helia/bitswap';
import type { Libp2p, StreamHandler } from '@libp2p/interface';
import type { CID } from 'multiformats/cid';
import { sha256 } from 'multiformats/hashes/sha2';
import { EdgeError } from '../../market/errors.ts';
import type { Log } from '../log.ts';
import type { BlockStore } from './block-store.ts';

/** What raising them trades: memory a peer can make this node hold, for speed on fast links. */
const LIMITS = {
  // Blocks are sent by up to 4 streams at a time; the others are still closing when the next ones arrive.
  messageSendConcurrency: 4,
  maxInboundStreams: 8,
  maxOutboundStreams: 8,
  maxWantlistSize: 256,
  // The name that @helia/bitswap 4.0 reads; `maxWantlistSize` is the one it documents.
  maxWantListSize: 256,
  maxOutgoingMessageSize: 2 * 1024 * 1024,
  maxIncomingMessageSize: 2 * 1024 * 1024,
  sendBlocksMaxQueueLength: 4,
  // One message holds one block: at 1 Mbit/s it takes 9 s, and several may share the link.
  messageReceiveTimeout: 60_000,
  messageSendTimeout: 60_000,
  // A block that was sent into an aborted get must be sent again when the get is resumed.
  doNotResendBlockWindow: 0,
};

/** Which peers bitswap may talk with, by peer id. */
export interface Gate {
  /** May have this node's blocks. */
  serves(peerId: string): boolean;
  /** Is being asked for blocks, so that its messages are awaited. */
  awaits(peerId: string): boolean;
}

export interface ReceivedBlock {
  from: string;
  /** Computed from the bytes, so it names them whatever was asked for. */
  cid: CID;
  block: Uint8Array;
}

/** The part of Helia's bitswap that this project uses. */
export interface Bitswap {
  /** Asks one peer for one block. Rejects when that peer says it has none, cannot be reached, or the signal aborts. */
  want(cid: CID, peer: CID, signal: AbortSignal): Promise<Uint8Array>;
  onBlock(listener: (received: ReceivedBlock) => void): void;
  stop(): Promise<void>;
}

interface Broker {
  createSession(options: { providers: CID[]; minProviders: number; maxProviders: number }): {
    retrieve(cid: CID, options: { signal: AbortSignal }): Promise<Uint8Array>;
  };
  stop(): Promise<void>;
}

interface Mixin {
  start(host: unknown): Promise<void>;
}

/** Refuses bitswap streams of strangers before bitswap reads them, and remembers whose messages it is working on. */
function gatedLibp2p(libp2p: Libp2p, gate: Gate, asker: AsyncLocalStorage<string>): Partial<Libp2p> {
  const gated =
    (handler: StreamHandler): StreamHandler =>
    (stream, connection) => {
      const from = connection.remotePeer.toString();
      if (!gate.serves(from) && !gate.awaits(from)) {
        stream.abort(new Error('bitswap is for the parties of a running agreement'));
        return;
      }
      return asker.run(from, () => handler(stream, connection));
    };
  return {
    logger: libp2p.logger,
    handle: (protocols, handler, options) => libp2p.handle(protocols, gated(handler), options),
    unhandle: (protocols, options) => libp2p.unhandle(protocols, options),
    register: (protocol, topology, options) => libp2p.register(protocol, topology, options),
    unregister: (id) => libp2p.unregister(id),
    getConnections: (peerId) => libp2p.getConnections(peerId),
    isDialable: (addresses, options) => libp2p.isDialable(addresses, options),
    dial: (peer, options) => libp2p.dial(peer, options),
    dialProtocol: (peer, protocols, options) => libp2p.dialProtocol(peer, protocols, options),
  };
}

function notFound(cid: CID): Error {
  return Object.assign(new Error(`no block ${cid}`), { name: 'NotFoundError' });
}

/** The view of the store that bitswap serves from: empty for a peer that may not have blocks, or when unsure who asks. */
function servedBlocks(store: BlockStore, gate: Gate, asker: AsyncLocalStorage<string>, log: Log) {
  const served = () => gate.serves(asker.getStore() ?? '');
  const read = async (cid: CID): Promise<Uint8Array | null> => {
    try {
      return served() ? await store.read(cid) : null;
    } catch (error) {
      // To the asker a damaged block is a missing one; any other answer would leave its want unanswered.
      log.error({ cid: cid.toString(), error }, 'cannot serve a block');
      return null;
    }
  };
  return {
    has: async (cid: CID) => served() && (await store.has(cid)),
    async *get(cid: CID): AsyncGenerator<Uint8Array> {
      const block = await read(cid);
      if (block === null) throw notFound(cid);
      yield block;
    },
  };
}

/** Starts @helia/bitswap on a host object with just the members it needs (the `helia` package costs 60 MiB of memory). */
async function startBroker(libp2p: Partial<Libp2p>, blockstore: object): Promise<Broker> {
  let mixin: Mixin | null = null;
  let broker: Broker | null = null;
  const host = {
    status: 'starting',
    libp2p,
    blockstore,
    logger: libp2p.logger,
    // Blocks are asked of the party that has them and of nobody else: there is nothing to route.
    routing: { async *findProviders() {} },
    getHasher: () => sha256,
    hasBlockBroker: () => false,
    addMixin: (added: Mixin) => {
      mixin = added;
    },
    addBlockBroker: (added: Broker) => {
      broker = added;
    },
  };
  withBitswap(host, LIMITS);
  await (mixin as Mixin | null)?.start(host);
  const started = broker as Broker | null;
  if (started === null) throw new EdgeError('BITSWAP_INCOMPATIBLE', '@helia/bitswap did not start on this host object');
  return started;
}

/**
 * Where bitswap announces received blocks. Its public API tells of wanted blocks only, so a peer that answers with other
 * bytes would look like one that is slow. Internal to @helia/bitswap, whose version is pinned.
 */
function wantListOf(broker: Broker): EventTarget {
  const { bitswap } = broker as unknown as { bitswap?: { wantList?: unknown } };
  if (bitswap?.wantList instanceof EventTarget) return bitswap.wantList;
  throw new EdgeError('BITSWAP_INCOMPATIBLE', '@helia/bitswap has no wantList that tells of blocks', {
    remedy: 'Install the version of @helia/bitswap that package.json names.',
  });
}

/** Runs bitswap on a started libp2p node. */
export async function startBitswap(libp2p: Libp2p, store: BlockStore, gate: Gate, log: Log): Promise<Bitswap> {
  const asker = new AsyncLocalStorage<string>();
  const broker = await startBroker(gatedLibp2p(libp2p, gate, asker), servedBlocks(store, gate, asker, log));
  const wantList = wantListOf(broker);
  return {
    want: (cid, peer, signal) =>
      broker.createSession({ providers: [peer], minProviders: 1, maxProviders: 1 }).retrieve(cid, { signal }),
    onBlock: (listener) =>
      wantList.addEventListener('block', (event) => {
        const { detail } = event as CustomEvent<{ sender: { toString(): string }; cid: CID; block: Uint8Array }>;
        listener({ from: detail.sender.toString(), cid: detail.cid, block: detail.block });
      }),
    stop: () => broker.stop(),
  };
}
