import { createHash, hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { EdgeError } from '../../market/errors.ts';
import type { BlockStore } from './block-store.ts';
import { cidOf } from './cid.ts';
import { BLOCK_PLAIN_BYTES, blobIdOf, blobSecrets, blockCount, requireKey, sealBlock } from './sealed-block.ts';

/** Plaintext that can be read twice. The bytes of one read are valid until the next. */
interface Source {
  sizeBytes: number;
  read(index: number): Promise<Uint8Array>;
}

function changed(): EdgeError {
  return new EdgeError('FILE_CHANGED', 'the file changed while it was being published', {
    remedy: 'Publish it again when nothing writes to it.',
  });
}

async function readFully(handle: FileHandle, target: Uint8Array, position: number): Promise<void> {
  let filled = 0;
  while (filled < target.byteLength) {
    const { bytesRead } = await handle.read(target, filled, target.byteLength - filled, position + filled);
    if (bytesRead === 0) throw changed();
    filled += bytesRead;
  }
}

function bytesSource(bytes: Uint8Array): Source {
  return {
    sizeBytes: bytes.byteLength,
    read: async (index) => bytes.subarray(index * BLOCK_PLAIN_BYTES, (index + 1) * BLOCK_PLAIN_BYTES),
  };
}

/** First pass. The digest of each block is kept (32 bytes per MiB) for the second pass to compare with. */
async function digestsOf(source: Source, signal?: AbortSignal): Promise<{ whole: Buffer; blocks: Buffer[] }> {
  const whole = createHash('sha256');
  const blocks: Buffer[] = [];
  for (let index = 0; index < blockCount(source.sizeBytes); index += 1) {
    signal?.throwIfAborted();
    const plain = await source.read(index);
    whole.update(plain);
    blocks.push(hash('sha256', plain, 'buffer'));
  }
  return { whole: whole.digest(), blocks };
}

async function putSource(
  source: Source,
  key: Uint8Array,
  store: BlockStore,
  options: { signal?: AbortSignal } = {},
): Promise<string[]> {
  requireKey(key);
  const digests = await digestsOf(source, options.signal);
  const secrets = blobSecrets(key, blobIdOf(key, digests.whole));
  const cids: string[] = [];
  for (const [index, digest] of digests.blocks.entries()) {
    options.signal?.throwIfAborted();
    const plain = await source.read(index);
    // Other bytes under the key that the first pass gave would use a nonce twice: they are never encrypted.
    if (!hash('sha256', plain, 'buffer').equals(digest)) throw changed();
    const sealed = sealBlock(secrets, { index, last: index === digests.blocks.length - 1 }, plain);
    const cid = cidOf(sealed);
    await store.write(cid, sealed);
    cids.push(cid.toString());
  }
  return cids;
}

/** As `Content.putBytes`. */
export function putBytes(bytes: Uint8Array, key: Uint8Array, store: BlockStore): Promise<string[]> {
  return putSource(bytesSource(bytes), key, store);
}

/** As `Content.put`. Throws `FILE_CHANGED` when something writes to the file meanwhile. */
export async function putFile(
  file: string,
  key: Uint8Array,
  store: BlockStore,
  options: { signal?: AbortSignal } = {},
): Promise<string[]> {
  const handle = await open(file, 'r');
  try {
    const { size: sizeBytes } = await handle.stat();
    const buffer = Buffer.alloc(Math.min(sizeBytes, BLOCK_PLAIN_BYTES));
    const read = async (index: number) => {
      const start = index * BLOCK_PLAIN_BYTES;
      const plain = buffer.subarray(0, Math.min(BLOCK_PLAIN_BYTES, sizeBytes - start));
      await readFully(handle, plain, start);
      return plain;
    };
    return await putSource({ sizeBytes, read }, key, store, options);
  } finally {
    await handle.close();
  }
}
