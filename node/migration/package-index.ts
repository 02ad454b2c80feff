import { z } from 'zod';
import { canonicalJson } from '../../market/canonical.ts';
import { EdgeError } from '../../market/errors.ts';
import type { Manifest } from '../../market/workload.ts';
import { manifestSchema, workloadHash } from '../../market/workload.ts';
import { blockCount } from '../../sdk/content/sealed-block.ts';

/** Blocks of the index itself: 4 MiB name the blocks of about 60 GiB of image. */
export const MAX_INDEX_BLOCKS = 4;

const digestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const blobSchema = z.strictObject({
  digest: digestSchema,
  /** Plaintext bytes. */
  sizeBytes: z.int().min(0),
  cids: z.array(z.string().min(1).max(100)).min(1),
});
/** What `rootCids` hold: the workload's manifest, its images, and where the blobs of the images are. */
export const packageIndexSchema = z.strictObject({
  version: z.literal(1),
  manifest: manifestSchema,
  /** Digest and media type of the OCI manifest of each image. */
  images: z.array(z.strictObject({ digest: digestSchema, mediaType: z.string().max(128) })).max(8),
  blobs: z.array(blobSchema).max(1024),
});
export type PackageIndex = z.infer<typeof packageIndexSchema>;
export type PackageBlob = z.infer<typeof blobSchema>;

export function encodeIndex(index: PackageIndex): Uint8Array {
  return Buffer.from(canonicalJson(index));
}

function invalid(reason: string, context: Record<string, unknown> = {}, cause?: unknown): EdgeError {
  return new EdgeError('WORKLOAD_INVALID', `the workload package ${reason}`, {
    context,
    remedy: 'The customer must publish the workload again.',
    cause,
  });
}

/** Reads what a peer published. Throws `WORKLOAD_INVALID`. */
export function decodeIndex(bytes: Uint8Array): PackageIndex {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw invalid('is no JSON', {}, cause);
  }
  const parsed = packageIndexSchema.safeParse(value);
  if (!parsed.success) throw invalid('has another form', { issues: z.prettifyError(parsed.error).slice(0, 500) });
  return parsed.data;
}

export function totalBytes(index: PackageIndex): number {
  return index.blobs.reduce((sum, blob) => sum + blob.sizeBytes, 0);
}

function requireImages(manifest: Manifest, index: PackageIndex): void {
  const images = new Set(index.images.map(({ digest }) => digest));
  const blobs = new Set(index.blobs.map(({ digest }) => digest));
  for (const { imageDigest } of manifest.services) {
    if (!images.has(imageDigest)) throw invalid('lacks the image of a service', { imageDigest });
  }
  for (const digest of images) {
    if (!blobs.has(digest)) throw invalid('lacks the manifest of an image', { imageDigest: digest });
  }
}

/**
 * Everything that can be refused before a byte of an image is fetched: another workload than agreed
 * (`WORKLOAD_MISMATCH`), more than `maxBytes` (`WORKLOAD_TOO_LARGE`), or a list of blocks that does not fit its sizes
 * (`WORKLOAD_INVALID`), so that what is fetched stays below `maxBytes` and one block per blob.
 */
export function checkIndex(index: PackageIndex, expected: { workloadHash: string; maxBytes: number }): void {
  const hash = workloadHash(index.manifest);
  if (hash !== expected.workloadHash) {
    throw new EdgeError('WORKLOAD_MISMATCH', 'the published workload is not the one that was agreed', {
      context: { agreed: expected.workloadHash, published: hash },
      remedy: 'The customer must publish the workload whose hash is in the agreement.',
    });
  }
  const bytes = totalBytes(index);
  if (bytes > expected.maxBytes) {
    throw new EdgeError('WORKLOAD_TOO_LARGE', `the workload has ${bytes} bytes, allowed are ${expected.maxBytes}`, {
      context: { bytes, maxBytes: expected.maxBytes },
      remedy: 'Offer more storage, or publish a smaller image.',
    });
  }
  for (const { digest, sizeBytes, cids } of index.blobs) {
    if (cids.length !== blockCount(sizeBytes)) throw invalid('lists blocks that do not fit a size', { digest });
  }
  if (new Set(index.blobs.map(({ digest }) => digest)).size !== index.blobs.length) throw invalid('lists a blob twice');
  requireImages(index.manifest, index);
}
