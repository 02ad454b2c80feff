import type { AsyncLocalStorage } from 'node:async_hooks';
import type { Libp2p, PeerId, Stream, StreamHandler } from '@libp2p/interface';
import type { CID } from 'multiformats/cid';
import type { Log } from '../log.ts';
import type { BlockStore } from './block-store.ts';
import { pacedStream } from './paced-stream.ts';

/** Which peers bitswap may talk with, by peer id. */
export interface Gate {
  /** May have this node's blocks. */
  serves(peerId: string): boolean;
  /** Is being asked for blocks, so that its messages are awaited. */
  awaits(peerId: string): boolean;
}

interface GatedInit {
  libp2p: Libp2p;
  gate: Gate;
  /** Set to the peer whose message is being worked on. */
  asker: AsyncLocalStorage<string>;
  /** Called before bitswap reads a stream of this peer. */
  onStream: (peerId: PeerId) => void;
  /** For one message to a peer. */
  sendTimeoutMs: number;
}

/**
 * The libp2p node as bitswap sees it: streams of strangers are refused before bitswap reads them, and outgoing ones are
 * paced.
 */
export function gatedLibp2p({ libp2p, gate, asker, onStream, sendTimeoutMs }: GatedInit): Partial<Libp2p> {
  const gated =
    (handler: StreamHandler): StreamHandler =>
    (stream, connection) => {
      const from = connection.remotePeer.toString();
      if (!gate.serves(from) && !gate.awaits(from)) {
        stream.abort(new Error('bitswap is for the parties of a running agreement'));
        return;
      }
      onStream(connection.remotePeer);
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
    dialProtocol: async (peer, protocols, options) => {
      const stream = await libp2p.dialProtocol(peer, protocols, options);
      return pacedStream(stream, sendTimeoutMs) as Stream;
    },
  };
}

function notFound(cid: CID): Error {
  return Object.assign(new Error(`no block ${cid}`), { name: 'NotFoundError' });
}

/** The view of the store that bitswap serves from: empty for a peer that may not have blocks, or when unsure who asks. */
export function servedBlocks(store: BlockStore, gate: Gate, asker: AsyncLocalStorage<string>, log: Log) {
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
