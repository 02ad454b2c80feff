import { EdgeError } from '../../market/errors.ts';
import type { Manifest } from '../../market/workload.ts';
import type { Content } from '../../sdk/ports.ts';
import type { BlobRef } from './oci-layout.ts';
import { blobFile, readImage, requireBlob } from './oci-layout.ts';
import type { PackageIndex } from './package-index.ts';
import { encodeIndex, MAX_INDEX_BLOCKS, totalBytes } from './package-index.ts';

export interface PublishInit {
  content: Content;
  /** OCI layout folder of each image, by the digest of its OCI manifest. */
  layoutDirs: Map<string, string>;
  manifest: Manifest;
  /** The agreement's content key, 32 bytes. */
  key: Uint8Array;
  signal?: AbortSignal;
}

export interface Published {
  /** What the provider is told: the blocks of the package index. */
  rootCids: string[];
  /** Plaintext of all blobs. */
  totalBytes: number;
  /** Every block of every blob: what possession challenges draw from, and what is dropped when the agreement ends. */
  cids: string[];
}

function layoutOf(layoutDirs: Map<string, string>, imageDigest: string): string {
  const layoutDir = layoutDirs.get(imageDigest);
  if (layoutDir !== undefined) return layoutDir;
  throw new EdgeError('IMAGE_MISSING', 'a service of the workload names an image that is not at hand', {
    context: { imageDigest },
    remedy: 'Pull or build the image first.',
  });
}

/**
 * Encrypts and stores a workload for one provider: every blob of its images, and an index of them. Doing it again
 * gives the same CIDs. Throws `IMAGE_MISSING`, `IMAGE_INVALID` or `WORKLOAD_TOO_LARGE`.
 */
export async function publishWorkload(init: PublishInit): Promise<Published> {
  const { content, layoutDirs, manifest, key, signal } = init;
  const images: PackageIndex['images'] = [];
  const blobs = new Map<string, PackageIndex['blobs'][number]>();
  const add = async (layoutDir: string, blob: BlobRef) => {
    if (blobs.has(blob.digest)) return;
    await requireBlob(layoutDir, blob, signal);
    const cids = await content.put(blobFile(layoutDir, blob.digest), key, { signal });
    blobs.set(blob.digest, { digest: blob.digest, sizeBytes: blob.sizeBytes, cids });
  };
  for (const imageDigest of new Set(manifest.services.map((service) => service.imageDigest))) {
    const layoutDir = layoutOf(layoutDirs, imageDigest);
    const image = await readImage(layoutDir, imageDigest);
    for (const blob of [image.manifest, ...image.blobs]) await add(layoutDir, blob);
    images.push({ digest: imageDigest, mediaType: image.manifest.mediaType });
  }
  const index: PackageIndex = { version: 1, manifest, images, blobs: [...blobs.values()] };
  const rootCids = await content.putBytes(encodeIndex(index), key);
  if (rootCids.length > MAX_INDEX_BLOCKS) {
    throw new EdgeError('WORKLOAD_TOO_LARGE', 'the workload has more blocks than a package index can list', {
      context: { bytes: totalBytes(index) },
      remedy: 'Publish smaller images.',
    });
  }
  return { rootCids, totalBytes: totalBytes(index), cids: index.blobs.flatMap((blob) => blob.cids) };
}
