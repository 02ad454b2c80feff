import { setMaxListeners } from 'node:events';
import type { PeerId } from '@libp2p/interface';
import type { CID } from 'multiformats/cid';
import { EdgeError } from '../../market/errors.ts';
import type { Bitswap, ReceivedBlock } from './bitswap.ts';

/** Requests for one block before its peer counts as mute: one lost stream does not end a transfer. */
const ATTEMPTS = 3;
/** How many CIDs per peer are remembered as asked for, so that a late answer is not mistaken for a forged one. */
const REMEMBERED = 4096;

/** What is known of a peer that blocks are fetched from. */
export interface Supplier {
  peerId: PeerId;
  downloads: number;
  asked: Set<string>;
  waiting: Map<string, Set<(block: Uint8Array) => void>>;
  /** Counts the blocks that came and were awaited, to tell a slow peer from a mute one. */
  received: number;
  /** Aborts all that is in flight from this peer, with the error to report. */
  failed: AbortController;
}

export function newSupplier(peerId: PeerId): Supplier {
  const supplier = { peerId, downloads: 0, asked: new Set<string>(), waiting: new Map(), received: 0 };
  return { ...supplier, failed: newFailure() };
}

export function newFailure(): AbortController {
  const failed = new AbortController();
  setMaxListeners(0, failed.signal);
  return failed;
}

export function unavailable(
  from: string,
  context: Record<string, unknown>,
  message: string,
  cause?: unknown,
): EdgeError {
  return new EdgeError('BLOCK_UNAVAILABLE', message, {
    context: { from, ...context },
    remedy: 'Try again when the peer is connected and has published the content.',
    cause,
  });
}

function remember(supplier: Supplier, cid: string): void {
  supplier.asked.add(cid);
  const oldest = supplier.asked.values().next();
  if (supplier.asked.size > REMEMBERED && oldest.done !== true) supplier.asked.delete(oldest.value);
}

/** Hands a block to those who wait for it; fails the peer's downloads when nobody ever asked for such a block. */
export function receive(supplier: Supplier, { from, cid, block }: ReceivedBlock): void {
  const text = cid.toString();
  const waiting = supplier.waiting.get(text);
  if (waiting !== undefined) {
    supplier.received += 1;
    for (const resolve of waiting) resolve(block);
  } else if (!supplier.asked.has(text)) {
    const error = new EdgeError('BLOCK_CORRUPT', 'the peer sent bytes that are no block it was asked for', {
      context: { from, received: text },
      remedy: 'Do not use this peer; fetch from another one.',
    });
    supplier.failed.abort(error);
  }
}

/**
 * Aborts once a whole `stallTimeoutMs` passed without a block from this peer. On a slow link the last of the blocks in
 * flight waits for all the others, so a time limit per block would end healthy transfers.
 */
function stallSignal(supplier: Supplier, stallTimeoutMs: number, settled: AbortSignal): AbortSignal {
  const stalled = new AbortController();
  const watch = () => {
    const before = supplier.received;
    const onPeriod = () => {
      if (settled.aborted) return;
      if (supplier.received === before) stalled.abort();
      else watch();
    };
    AbortSignal.timeout(stallTimeoutMs).addEventListener('abort', onPeriod, { once: true });
  };
  watch();
  return stalled.signal;
}

/** One request. Blocks are awaited from the moment of asking: bitswap itself listens only after its request was sent. */
async function request(
  bitswap: Bitswap,
  supplier: Supplier,
  cid: CID,
  signal: AbortSignal,
  settled: AbortSignal,
): Promise<Uint8Array> {
  const text = cid.toString();
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  const waiting = supplier.waiting.get(text) ?? new Set();
  supplier.waiting.set(text, waiting.add(resolve));
  remember(supplier, text);
  const either = AbortSignal.any([signal, settled]);
  setMaxListeners(0, either);
  try {
    return await Promise.race([promise, bitswap.want(cid, supplier.peerId.toCID(), either)]);
  } finally {
    waiting.delete(resolve);
    if (waiting.size === 0) supplier.waiting.delete(text);
  }
}

/** Throws `BLOCK_UNAVAILABLE`, the error that failed the supplier, or the signal's reason. */
export async function fetchBlock(
  bitswap: Bitswap,
  supplier: Supplier,
  cid: CID,
  signal: AbortSignal,
  stallTimeoutMs: number,
): Promise<Uint8Array> {
  const from = supplier.peerId.toString();
  const stop = AbortSignal.any([signal, supplier.failed.signal]);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const settled = new AbortController();
    const late = stallSignal(supplier, stallTimeoutMs, settled.signal);
    try {
      stop.throwIfAborted();
      return await request(bitswap, supplier, cid, AbortSignal.any([stop, late]), settled.signal);
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
  const waitedMs = ATTEMPTS * stallTimeoutMs;
  throw unavailable(from, { cid: cid.toString(), waitedMs }, 'the peer did not send the block in time');
}
