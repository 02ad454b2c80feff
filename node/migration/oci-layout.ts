import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, link, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { EdgeError, hasCode } from '../../market/errors.ts';

/** OCI image specification, and the Docker form that means the same. */
const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;
/** Registries refuse larger manifests too (OCI distribution specification). */
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

const descriptorSchema = z.object({
  mediaType: z.string().max(128),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  size: z.int().min(0),
});
const imageManifestSchema = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.enum(MANIFEST_TYPES).default(MANIFEST_TYPES[0]),
  config: descriptorSchema,
  layers: z.array(descriptorSchema).max(256),
});

export interface BlobRef {
  digest: string;
  sizeBytes: number;
}

/** An image as far as moving it goes. */
export interface Image {
  manifest: BlobRef & { mediaType: string };
  /** Config and layers. */
  blobs: BlobRef[];
}

export function blobFile(layoutDir: string, digest: string): string {
  return join(layoutDir, 'blobs', 'sha256', digest.slice('sha256:'.length));
}

function invalid(message: string, context: Record<string, unknown>, cause?: unknown): EdgeError {
  return new EdgeError('IMAGE_INVALID', message, { context, remedy: 'Build or export the image again.', cause });
}

/** `sha256:…` of a file; null when there is none. */
export async function fileDigest(file: string, signal?: AbortSignal): Promise<string | null> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash, { signal });
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
  return `sha256:${hash.digest('hex')}`;
}

/** Reads an OCI image manifest. Throws `IMAGE_INVALID`. */
export function parseImage(digest: string, bytes: Uint8Array): Image {
  try {
    const { mediaType, config, layers } = imageManifestSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    const blobs = [config, ...layers].map((blob) => ({ digest: blob.digest, sizeBytes: blob.size }));
    return { manifest: { digest, mediaType, sizeBytes: bytes.byteLength }, blobs };
  } catch (cause) {
    throw invalid('the image has no readable OCI manifest', { digest }, cause);
  }
}

/** Reads the manifest of an image from the blobs of a layout. Throws `IMAGE_INVALID`. */
export async function readImage(layoutDir: string, digest: string): Promise<Image> {
  const file = blobFile(layoutDir, digest);
  try {
    const { size } = await stat(file);
    if (size > MAX_MANIFEST_BYTES) throw invalid(`an image manifest has ${size} bytes`, { digest });
    return parseImage(digest, await readFile(file));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw invalid('the layout has no such image', { digest, layoutDir }, error);
    throw error;
  }
}

/** Throws `IMAGE_INVALID` when the blob in the layout is absent or not what its digest and size say. */
export async function requireBlob(layoutDir: string, blob: BlobRef, signal?: AbortSignal): Promise<void> {
  const file = blobFile(layoutDir, blob.digest);
  const actual = await fileDigest(file, signal);
  if (actual === null) throw invalid('the layout lacks a blob', { digest: blob.digest, layoutDir });
  const { size } = await stat(file);
  if (actual === blob.digest && size === blob.sizeBytes) return;
  throw invalid('a blob is not what its digest and size say', { digest: blob.digest, actual, size });
}

/** Whole or absent, whenever the process dies. */
async function writeAtomically(file: string, text: string): Promise<void> {
  const part = `${file}.part`;
  const handle = await open(part, 'w');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(part, file);
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  await rm(to, { force: true });
  try {
    await link(from, to);
  } catch (error) {
    // FAT and some network file systems have no hard links.
    if (!['EPERM', 'ENOTSUP', 'EXDEV', 'EMLINK'].some((code) => hasCode(error, code))) throw error;
    await copyFile(from, to);
  }
}

/** Writes an OCI layout of one image whose blobs come from `pool`; `index.json` comes last, so that it means complete. */
export async function writeLayout(layoutDir: string, image: Image, pool: string): Promise<void> {
  await mkdir(join(layoutDir, 'blobs', 'sha256'), { recursive: true });
  for (const { digest } of [image.manifest, ...image.blobs]) {
    await linkOrCopy(blobFile(pool, digest), blobFile(layoutDir, digest));
  }
  const { mediaType, digest, sizeBytes } = image.manifest;
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [{ mediaType, digest, size: sizeBytes }],
  };
  await writeAtomically(join(layoutDir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeAtomically(join(layoutDir, 'index.json'), JSON.stringify(index));
}
