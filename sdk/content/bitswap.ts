import { AsyncLocalStorage } from 'node:async_hooks';
import { withBitswap } from '@helia/bitswap';
import type { Libp2p, PeerId } from '@libp2p/interface';
import type { CID } from 'multiformats/cid';
import { sha256 } from 'multiformats/hashes/sha2';
import { EdgeError } from '../../market/errors.ts';
import type { Log } from '../log.ts';
import type { BlockStore } from './block-store.ts';
import type { Gate } from './gate.ts';
import { gatedLibp2p, servedBlocks } from './gate.ts';

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

/** Parts of @helia/bitswap that its public types do not show. Its version is pinned, and `internalsOf` checks. */
interface Internals {
  /** Announces each received block. The public API tells of wanted ones only, so other bytes would look like delay. */
  wantList: EventTarget;
  /** First forgets what has expired. */
  getPeerWantlist(peerId: PeerId): { expires?: number; sentDoNotHave?: boolean }[] | undefined;
}

function internalsOf(broker: Broker): Internals {
  const { bitswap } = broker as unknown as { bitswap?: Partial<Internals> };
  if (bitswap?.wantList instanceof EventTarget && bitswap.getPeerWantlist !== undefined) return bitswap as Internals;
  throw new EdgeError('BITSWAP_INCOMPATIBLE', '@helia/bitswap has not the parts that this project relies on', {
    remedy: 'Install the version of @helia/bitswap that package.json names.',
  });
}

/**
 * Lets a peer ask again for what it was sent, or told to be missing: bitswap answers each want once per connection,
 * which leaves a get that is resumed after an abort without answer until it times out.
 */
function forgetAnswered(internals: Internals, peerId: PeerId): void {
  for (const want of internals.getPeerWantlist(peerId) ?? []) {
    if (want.sentDoNotHave === true) want.expires = 0;
  }
  internals.getPeerWantlist(peerId);
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

/** Runs bitswap on a started libp2p node. */
export async function startBitswap(libp2p: Libp2p, store: BlockStore, gate: Gate, log: Log): Promise<Bitswap> {
  const asker = new AsyncLocalStorage<string>();
  let internals: Internals | null = null;
  const onStream = (peerId: PeerId) => {
    if (internals !== null) forgetAnswered(internals, peerId);
  };
  const gated = gatedLibp2p({ libp2p, gate, asker, onStream, sendTimeoutMs: LIMITS.messageSendTimeout });
  const broker = await startBroker(gated, servedBlocks(store, gate, asker, log));
  internals = internalsOf(broker);
  const { wantList } = internals;
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
