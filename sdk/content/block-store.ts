import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CID } from 'multiformats/cid';
import { EdgeError, hasCode } from '../../market/errors.ts';
import { matches } from './cid.ts';

/** Encrypted blocks on disk, one file each. */
export interface BlockStore {
  has(cid: CID): Promise<boolean>;
  /** Null when absent; throws `BLOCK_CORRUPT` when the bytes on disk are not what the CID names. */
  read(cid: CID): Promise<Uint8Array | null>;
  /** Leaves a sound block as it is and replaces a damaged one. Throws `STORE_FAILED`. */
  write(cid: CID, block: Uint8Array): Promise<void>;
  remove(cid: CID): Promise<void>;
}

function isMissing(error: unknown): boolean {
  return hasCode(error, 'ENOENT');
}

function storeFailed(cause: unknown, file: string): EdgeError {
  return new EdgeError('STORE_FAILED', 'a content block could not be stored', {
    context: { file },
    remedy: 'Check free space and health of the disk.',
    cause,
  });
}

async function readVerified(file: string, cid: CID): Promise<Uint8Array | null> {
  let block: Buffer;
  try {
    block = await readFile(file);
  } catch (error) {
    if (isMissing(error)) return null;
    throw storeFailed(error, file);
  }
  if (matches(cid, block)) return block;
  throw new EdgeError('BLOCK_CORRUPT', 'a stored block is damaged', {
    context: { cid: cid.toString(), file },
    remedy: 'Check the disk, then publish or fetch the file again.',
  });
}

/** True when the block is there and sound. */
async function isSound(file: string, cid: CID): Promise<boolean> {
  try {
    return (await readVerified(file, cid)) !== null;
  } catch (error) {
    if (hasCode(error, 'BLOCK_CORRUPT')) return false;
    throw error;
  }
}

/**
 * Opens the store in `dir`. Blocks are not synced to disk: each read checks the hash, so one that a power cut tore is
 * found and replaced, and syncing every block of an image would cost more than fetching the few lost ones again.
 */
export async function openBlockStore(dir: string): Promise<BlockStore> {
  const temporary = join(dir, 'tmp');
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  // The last characters of a CID are spread evenly, its first are the same in all.
  const fileOf = (cid: CID) => join(dir, 'blocks', cid.toString().slice(-2), cid.toString());

  return {
    async has(cid) {
      try {
        return (await stat(fileOf(cid))).isFile();
      } catch (error) {
        if (isMissing(error)) return false;
        throw storeFailed(error, fileOf(cid));
      }
    },
    read: (cid) => readVerified(fileOf(cid), cid),
    async write(cid, block) {
      const file = fileOf(cid);
      if (await isSound(file, cid)) return;
      const part = join(temporary, randomUUID());
      try {
        await mkdir(dirname(file), { recursive: true });
        await writeFile(part, block);
        await rename(part, file);
      } catch (error) {
        await rm(part, { force: true });
        throw storeFailed(error, file);
      }
    },
    remove: (cid) => rm(fileOf(cid), { force: true }),
  };
}
