import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeError, hasCode } from '../../market/errors.ts';
import type { Manifest } from '../../market/workload.ts';
import type { Content } from '../../sdk/ports.ts';
import type { Image } from './oci-layout.ts';
import { blobFile, fileDigest, readImage, writeLayout } from './oci-layout.ts';
import type { PackageBlob, PackageIndex } from './package-index.ts';
import { checkIndex, decodeIndex, MAX_INDEX_BLOCKS } from './package-index.ts';

export interface FetchInit {
  content: Content;
  /** Peer id of the publisher. */
  from: string;
  rootCids: string[];
  /** The agreement's content key, 32 bytes. */
  key: Uint8Array;
  /** `duties.workloadHash` of the agreement. */
  workloadHash: string;
  /** Blobs that are in `<targetDir>/blobs` already are not fetched again, whichever workload brought them. */
  targetDir: string;
  /** Most plaintext bytes of all blobs together. */
  maxBytes: number;
  /** Encrypted bytes of blobs that came over the network so far, and plaintext bytes of the whole workload. */
  onProgress?: (fetchedBytes: number, totalBytes: number) => void;
  signal?: AbortSignal;
}

export interface Fetched {
  manifest: Manifest;
  /** An OCI layout folder per image, by the digest of its OCI manifest. */
  layoutDirs: Map<string, string>;
  fetchedBytes: number;
  /** Every block of every blob; all of them are in `content` now. */
  cids: string[];
}

async function fetchIndex(init: FetchInit): Promise<PackageIndex> {
  const { content, from, rootCids, key, signal } = init;
  if (rootCids.length > MAX_INDEX_BLOCKS) {
    throw new EdgeError('WORKLOAD_INVALID', `a package index has at most ${MAX_INDEX_BLOCKS} blocks`, {
      context: { blocks: rootCids.length },
    });
  }
  const index = decodeIndex(await content.getBytes(rootCids, key, { from, signal }));
  checkIndex(index, init);
  return index;
}

/** True when every block is in the store; a damaged one counts as absent. */
async function holdsAll(content: Content, cids: string[]): Promise<boolean> {
  for (const cid of cids) {
    try {
      if ((await content.block(cid)) === null) return false;
    } catch (error) {
      if (hasCode(error, 'BLOCK_CORRUPT')) return false;
      throw error;
    }
  }
  return true;
}

/**
 * True when the blob is on disk, sound, and its encrypted blocks are in the store. Encryption is deterministic, so the
 * blocks of a blob that another workload brought are made here: a challenge can be answered though nothing was fetched.
 */
async function isPresent(init: FetchInit, blob: PackageBlob): Promise<boolean> {
  const { content, key, targetDir, signal } = init;
  const file = blobFile(targetDir, blob.digest);
  if ((await fileDigest(file, signal)) !== blob.digest) return false;
  if (await holdsAll(content, blob.cids)) return true;
  const made = await content.put(file, key, { signal });
  return made.every((cid, index) => cid === blob.cids[index]);
}

async function fetchBlob(init: FetchInit, blob: PackageBlob, onProgress: (bytes: number) => void): Promise<void> {
  const { content, from, key, targetDir, signal } = init;
  const incoming = join(targetDir, 'incoming', blob.digest.slice('sha256:'.length));
  await content.get(blob.cids, key, incoming, { from, signal, onProgress });
  const actual = await fileDigest(incoming, signal);
  if (actual !== blob.digest) {
    await rm(incoming, { force: true });
    throw new EdgeError('WORKLOAD_INVALID', 'a blob of the workload is not what its digest says', {
      context: { digest: blob.digest, actual },
      remedy: 'The customer must publish the workload again.',
    });
  }
  await rename(incoming, blobFile(targetDir, blob.digest));
}

async function fetchBlobs(init: FetchInit, index: PackageIndex): Promise<number> {
  const totalBytes = index.blobs.reduce((sum, blob) => sum + blob.sizeBytes, 0);
  let fetchedBytes = 0;
  for (const blob of index.blobs) {
    init.signal?.throwIfAborted();
    if (await isPresent(init, blob)) continue;
    const before = fetchedBytes;
    await fetchBlob(init, blob, (bytes) => {
      fetchedBytes = before + bytes;
      init.onProgress?.(fetchedBytes, totalBytes);
    });
  }
  return fetchedBytes;
}

/** Throws `WORKLOAD_INVALID` when an image needs a blob that the package does not list, or lists with another size. */
function requireBlobs(image: Image, index: PackageIndex): void {
  const sizes = new Map(index.blobs.map((blob) => [blob.digest, blob.sizeBytes]));
  for (const { digest, sizeBytes } of [image.manifest, ...image.blobs]) {
    if (sizes.get(digest) === sizeBytes) continue;
    throw new EdgeError('WORKLOAD_INVALID', 'the package does not have a blob that an image needs', {
      context: { digest, needed: sizeBytes, listed: sizes.get(digest) ?? null },
      remedy: 'The customer must publish the workload again.',
    });
  }
}

/**
 * Fetches a published workload, checks it against the agreement, and writes an OCI layout per image. May be called
 * again after a crash at any point: what was fetched is kept. One call per `targetDir` at a time.
 *
 * Throws `WORKLOAD_MISMATCH`, `WORKLOAD_TOO_LARGE`, `WORKLOAD_INVALID`, `IMAGE_INVALID`, or as `Content.get`.
 */
export async function fetchWorkload(init: FetchInit): Promise<Fetched> {
  const index = await fetchIndex(init);
  const { targetDir } = init;
  await mkdir(join(targetDir, 'blobs', 'sha256'), { recursive: true });
  const fetchedBytes = await fetchBlobs(init, index);
  const layoutDirs = new Map<string, string>();
  for (const { digest } of index.images) {
    const image = await readImage(targetDir, digest);
    requireBlobs(image, index);
    const layoutDir = join(targetDir, 'images', digest.slice('sha256:'.length));
    await writeLayout(layoutDir, image, targetDir);
    layoutDirs.set(digest, layoutDir);
  }
  const cids = index.blobs.flatMap((blob) => blob.cids);
  return { manifest: index.manifest, layoutDirs, fetchedBytes, cids };
}
