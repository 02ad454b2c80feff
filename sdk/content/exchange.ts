import type { Libp2p, PeerId } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import type { CID } from 'multiformats/cid';
import type { Log } from '../log.ts';
import { startBitswap } from './bitswap.ts';
import type { BlockStore } from './block-store.ts';
import type { Supplier } from './supplier.ts';
import { fetchBlock, newFailure, newSupplier, receive, unavailable } from './supplier.ts';

/** An open transfer from one peer. */
export interface Download {
  /** Throws `BLOCK_UNAVAILABLE`, `BLOCK_CORRUPT` (the peer sent other bytes), or the signal's reason. */
  fetch(cid: CID, signal: AbortSignal): Promise<Uint8Array>;
  close(): void;
}

export interface Exchange {
  /** Throws `BLOCK_UNAVAILABLE` when `from` is no peer id. */
  download(from: string): Download;
  stop(): Promise<void>;
}

interface ExchangeInit {
  libp2p: Libp2p;
  store: BlockStore;
  serves: (peerId: string) => boolean;
  stallTimeoutMs: number;
  log: Log;
}

function parsePeer(from: string): PeerId {
  try {
    return peerIdFromString(from);
  } catch (cause) {
    throw unavailable(from.slice(0, 128), {}, 'not a peer id', cause);
  }
}

function openSupplier(suppliers: Map<string, Supplier>, from: string): Supplier {
  const supplier = suppliers.get(from) ?? newSupplier(parsePeer(from));
  if (supplier.failed.signal.aborted) supplier.failed = newFailure();
  supplier.downloads += 1;
  suppliers.set(from, supplier);
  return supplier;
}

/** What was asked of a peer is remembered while it is connected, because that is how long late answers may come. */
function closeSupplier(suppliers: Map<string, Supplier>, supplier: Supplier, connected: boolean): void {
  supplier.downloads -= 1;
  const from = supplier.peerId.toString();
  if (supplier.downloads === 0 && !connected && suppliers.get(from) === supplier) suppliers.delete(from);
}

/** Starts to serve and fetch blocks over bitswap. `stop` ends both and fails open downloads. */
export async function startExchange(init: ExchangeInit): Promise<Exchange> {
  const { libp2p, store, serves, stallTimeoutMs, log } = init;
  const suppliers = new Map<string, Supplier>();
  const awaits = (peerId: string) => (suppliers.get(peerId)?.downloads ?? 0) > 0;
  const bitswap = await startBitswap(libp2p, store, { serves, awaits }, log);
  bitswap.onBlock((received) => {
    const supplier = suppliers.get(received.from);
    if (supplier !== undefined && supplier.downloads > 0) receive(supplier, received);
  });
  const onDisconnect = ({ detail: peerId }: CustomEvent<PeerId>) => {
    const from = peerId.toString();
    const supplier = suppliers.get(from);
    supplier?.failed.abort(unavailable(from, {}, 'the peer disconnected'));
    if (supplier?.downloads === 0) suppliers.delete(from);
  };
  libp2p.addEventListener('peer:disconnect', onDisconnect);
  return {
    download(from) {
      const supplier = openSupplier(suppliers, from);
      return {
        fetch: (cid, signal) => fetchBlock(bitswap, supplier, cid, signal, stallTimeoutMs),
        close: () => closeSupplier(suppliers, supplier, libp2p.getConnections(supplier.peerId).length > 0),
      };
    },
    async stop() {
      libp2p.removeEventListener('peer:disconnect', onDisconnect);
      for (const [from, supplier] of suppliers) supplier.failed.abort(unavailable(from, {}, 'this node is stopping'));
      await bitswap.stop();
    },
  };
}
