import { createHash } from 'node:crypto';
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { CID } from 'multiformats/cid';
import { EdgeError, hasCode } from '../../market/errors.ts';
import type { BlockStore } from './block-store.ts';
import { parseCid } from './cid.ts';
import type { BlobSecrets } from './sealed-block.ts';
import { blobIdIn, blobSecrets, openBlock, requireKey, requireWhole } from './sealed-block.ts';

/** Blocks in flight, and so the MiB that a get holds in memory: half of it costs a third of the speed on a fast link. */
const WINDOW = 16;

/** Asks one peer for a block that this node lacks. Throws `BLOCK_CORRUPT`, `BLOCK_UNAVAILABLE` or the signal's reason. */
export type FetchBlock = (cid: CID, signal: AbortSignal) => Promise<Uint8Array>;

export interface GetOptions {
  signal?: AbortSignal;
  onProgress?: (fetchedBytes: number) => void;
}

/** Loads blocks in order, up to `WINDOW` at a time. Ending the loop early cancels what is in flight. */
async function* inOrder(
  cids: CID[],
  load: (cid: CID, signal: AbortSignal) => Promise<Uint8Array>,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const ended = new AbortController();
  const either = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]);
  const flying: Promise<Uint8Array>[] = [];
  const launch = (cid: CID) => {
    const loading = load(cid, either);
    // A failure is reported when its turn comes; until then it must not count as unhandled.
    loading.catch(() => {});
    flying.push(loading);
  };
  try {
    for (const cid of cids.slice(0, WINDOW)) launch(cid);
    for (const [index] of cids.entries()) {
      const loading = flying.shift();
      if (loading === undefined) return;
      const block = await loading;
      const next = cids[index + WINDOW];
      if (next !== undefined) launch(next);
      yield block;
    }
  } finally {
    ended.abort();
    await Promise.allSettled(flying);
  }
}

/** Reads a block from the store, or fetches and stores it. A damaged stored block is fetched again. */
async function loadBlock(
  cid: CID,
  store: BlockStore,
  fetched: () => Promise<Uint8Array>,
  onStored: (block: Uint8Array) => void,
): Promise<Uint8Array> {
  let damaged: unknown = null;
  try {
    const stored = await store.read(cid);
    if (stored !== null) return stored;
  } catch (error) {
    if (!hasCode(error, 'BLOCK_CORRUPT')) throw error;
    damaged = error;
  }
  try {
    const block = await fetched();
    await store.write(cid, block);
    onStored(block);
    return block;
  } catch (error) {
    // The damage here is the news, not that the peer cannot help.
    if (damaged !== null && hasCode(error, 'BLOCK_UNAVAILABLE')) throw damaged;
    throw error;
  }
}

/** The verified plaintext of a blob, block by block. The last check (the whole) is made before the generator ends. */
export async function* plainBlocks(
  cidTexts: string[],
  key: Uint8Array,
  store: BlockStore,
  fetchBlock: FetchBlock,
  options: GetOptions,
): AsyncGenerator<Uint8Array> {
  requireKey(key);
  const cids = cidTexts.map(parseCid);
  if (cids.length === 0) throw new EdgeError('BLOCK_CORRUPT', 'a file has at least one block');
  let fetchedBytes = 0;
  // What is counted is on disk: a later run does not fetch it again, whenever this process dies.
  const onStored = ({ byteLength }: Uint8Array): void => {
    fetchedBytes += byteLength;
    options.onProgress?.(fetchedBytes);
  };
  const load = (cid: CID, signal: AbortSignal) => loadBlock(cid, store, () => fetchBlock(cid, signal), onStored);
  const whole = createHash('sha256');
  let secrets: BlobSecrets | null = null;
  let index = 0;
  for await (const sealed of inOrder(cids, load, options.signal)) {
    options.signal?.throwIfAborted();
    const place = { index, last: index === cids.length - 1 };
    secrets ??= blobSecrets(key, blobIdIn(sealed, place));
    const plain = openBlock(secrets, place, sealed);
    whole.update(plain);
    if (place.last) requireWhole(key, secrets, whole.digest());
    yield plain;
    index += 1;
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes the blocks to `<file>.part` and renames it once everything was verified and synced: `file` is whole or absent,
 * whenever the process dies.
 */
export async function writeVerified(file: string, blocks: AsyncIterable<Uint8Array>): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const part = `${file}.part`;
  const handle = await open(part, 'w');
  try {
    for await (const plain of blocks) await handle.writeFile(plain);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(part, file);
  await syncDirectory(dirname(file));
}
