import { setMaxListeners } from 'node:events';
import type { Libp2p, PeerId } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import type { CID } from 'multiformats/cid';
import { EdgeError } from '../../market/errors.ts';
import type { Log } from '../log.ts';
import type { Bitswap, ReceivedBlock } from './bitswap.ts';
import { startBitswap } from './bitswap.ts';
import type { BlockStore } from './block-store.ts';

/** Requests for one block before its peer counts as mute: one lost stream does not end a transfer. */
const ATTEMPTS = 3;
/** How many CIDs per peer are remembered as asked for, so that a late answer is not mistaken for a forged one. */
const REMEMBERED = 4096;

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
  blockTimeoutMs: number;
  log: Log;
}

/** What is known of a peer that blocks are fetched from. */
interface Supplier {
  peerId: PeerId;
  downloads: number;
  asked: Set<string>;
  waiting: Map<string, Set<(block: Uint8Array) => void>>;
  /** Aborts all that is in flight from this peer, with the error to report. */
  failed: AbortController;
}

function unavailable(from: string, context: Record<string, unknown>, message: string, cause?: unknown): EdgeError {
  return new EdgeError('BLOCK_UNAVAILABLE', message, {
    context: { from, ...context },
    remedy: 'Try again when the peer is connected and has published the content.',
    cause,
  });
}

function parsePeer(from: string): PeerId {
  try {
    return peerIdFromString(from);
  } catch (cause) {
    throw unavailable(from.slice(0, 128), {}, 'not a peer id', cause);
  }
}

function remember(supplier: Supplier, cid: string): void {
  supplier.asked.add(cid);
  const oldest = supplier.asked.values().next();
  if (supplier.asked.size > REMEMBERED && oldest.done !== true) supplier.asked.delete(oldest.value);
}

function receive(suppliers: Map<string, Supplier>, { from, cid, block }: ReceivedBlock): void {
  const supplier = suppliers.get(from);
  if (supplier === undefined || supplier.downloads === 0) return;
  const text = cid.toString();
  for (const resolve of supplier.waiting.get(text) ?? []) resolve(block);
  if (supplier.asked.has(text)) return;
  const error = new EdgeError('BLOCK_CORRUPT', 'the peer sent bytes that are no block it was asked for', {
    context: { from, received: text },
    remedy: 'Do not use this peer; fetch from another one.',
  });
  supplier.failed.abort(error);
}

/** One request. Blocks are awaited from the moment of asking: bitswap itself listens only after its request was sent. */
async function request(bitswap: Bitswap, supplier: Supplier, cid: CID, signal: AbortSignal): Promise<Uint8Array> {
  const text = cid.toString();
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  const waiting = supplier.waiting.get(text) ?? new Set();
  supplier.waiting.set(text, waiting.add(resolve));
  remember(supplier, text);
  const settled = new AbortController();
  const either = AbortSignal.any([signal, settled.signal]);
  setMaxListeners(0, either);
  try {
    return await Promise.race([promise, bitswap.want(cid, supplier.peerId.toCID(), either)]);
  } finally {
    settled.abort();
    waiting.delete(resolve);
    if (waiting.size === 0) supplier.waiting.delete(text);
  }
}

async function fetchBlock(
  bitswap: Bitswap,
  supplier: Supplier,
  cid: CID,
  signal: AbortSignal,
  blockTimeoutMs: number,
): Promise<Uint8Array> {
  const from = supplier.peerId.toString();
  const stop = AbortSignal.any([signal, supplier.failed.signal]);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const late = AbortSignal.timeout(blockTimeoutMs);
    try {
      stop.throwIfAborted();
      return await request(bitswap, supplier, cid, AbortSignal.any([stop, late]));
    } catch (cause) {
      stop.throwIfAborted();
      if (late.aborted) continue;
      throw unavailable(
        from,
        { cid: cid.toString() },
        'the peer cannot be reached or does not serve this block',
        cause,
      );
    }
  }
  const waitedMs = ATTEMPTS * blockTimeoutMs;
  throw unavailable(from, { cid: cid.toString(), waitedMs }, 'the peer did not send the block in time');
}

/** Starts to serve and fetch blocks over bitswap. `stop` ends both and fails open downloads. */
export async function startExchange(init: ExchangeInit): Promise<Exchange> {
  const { libp2p, store, serves, blockTimeoutMs, log } = init;
  const suppliers = new Map<string, Supplier>();
  const awaits = (peerId: string) => (suppliers.get(peerId)?.downloads ?? 0) > 0;
  const bitswap = await startBitswap(libp2p, store, { serves, awaits }, log);
  bitswap.onBlock((received) => receive(suppliers, received));

  const onDisconnect = (event: CustomEvent<PeerId>) => {
    const from = event.detail.toString();
    const supplier = suppliers.get(from);
    supplier?.failed.abort(unavailable(from, {}, 'the peer disconnected'));
    if (supplier?.downloads === 0) suppliers.delete(from);
  };
  libp2p.addEventListener('peer:disconnect', onDisconnect);

  const open = (from: string): Supplier => {
    const known = suppliers.get(from);
    const failed = known === undefined || known.failed.signal.aborted ? new AbortController() : known.failed;
    setMaxListeners(0, failed.signal);
    const fresh = { peerId: parsePeer(from), downloads: 0, asked: new Set<string>(), waiting: new Map(), failed };
    const supplier: Supplier = known ?? fresh;
    supplier.failed = failed;
    supplier.downloads += 1;
    suppliers.set(from, supplier);
    return supplier;
  };

  return {
    download(from) {
      const supplier = open(from);
      return {
        fetch: (cid, signal) => fetchBlock(bitswap, supplier, cid, signal, blockTimeoutMs),
        close() {
          supplier.downloads -= 1;
          const gone = libp2p.getConnections(supplier.peerId).length === 0;
          if (supplier.downloads === 0 && gone) suppliers.delete(from);
        },
      };
    },
    async stop() {
      libp2p.removeEventListener('peer:disconnect', onDisconnect);
      for (const [from, supplier] of suppliers) supplier.failed.abort(unavailable(from, {}, 'this node is stopping'));
      await bitswap.stop();
    },
  };
}
