import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { z } from 'zod';
import { DEFAULT_CAPS, type ImageCaps } from './caps.ts';
import {
  type Compression,
  compressionOf,
  type Descriptor,
  type ImageConfig,
  type ImageManifest,
  imageConfigSchema,
  imageManifestSchema,
  indexSchema,
  layoutSchema,
  MANIFEST_MEDIA_TYPES,
} from './formats.ts';
import { imageInvalid } from './image-error.ts';

export interface Layer {
  file: string;
  digest: string;
  storedBytes: number;
  compression: Compression;
  /** Digest of the layer's tar without compression. Compared when the layer is unpacked. */
  diffId: string;
}

/** An image whose every stored byte has been compared with its digest. */
export interface Layout {
  manifestDigest: string;
  configDigest: string;
  config: ImageConfig;
  configFile: string;
  /** Base layer first. */
  layers: Layer[];
}

export interface ReadOptions {
  /** Node's name of an architecture; picks one manifest where the index has several. */
  arch?: string;
  caps?: ImageCaps;
}

/** Node's names of architectures in the words of OCI (which are Go's). */
export function ociArchitecture(nodeArch: string): string {
  return { x64: 'amd64', ia32: '386' }[nodeArch] ?? nodeArch;
}

/** Path of a blob in a layout folder. The digest must have been checked for its form. */
export function blobPath(layoutDir: string, digest: string): string {
  return join(layoutDir, 'blobs', 'sha256', digest.slice('sha256:'.length));
}

/**
 * Reads an OCI image layout folder and checks every blob of its image: type of file, size, then digest, before anything
 * of it is parsed or unpacked. Throws `IMAGE_INVALID`.
 */
export async function readLayout(layoutDir: string, options: ReadOptions = {}): Promise<Layout> {
  const caps = options.caps ?? DEFAULT_CAPS;
  const readJson = <S extends z.ZodType>(file: string, schema: S) => readJsonFile(file, caps.maxJsonBytes, schema);
  await readJson(join(layoutDir, 'oci-layout'), layoutSchema);
  const index = await readJson(join(layoutDir, 'index.json'), indexSchema);
  const chosen = chooseManifest(index.manifests, ociArchitecture(options.arch ?? process.arch));
  const manifest = await readJson(await verifiedBlob(layoutDir, chosen), imageManifestSchema);
  checkSizes(manifest, caps);
  const configFile = await verifiedBlob(layoutDir, manifest.config);
  const config = await readJson(configFile, imageConfigSchema);
  const layers = await verifyLayers(layoutDir, manifest, config);
  return { manifestDigest: chosen.digest, configDigest: manifest.config.digest, config, configFile, layers };
}

function chooseManifest(manifests: Descriptor[], architecture: string): Descriptor {
  const images = manifests.filter((entry) => MANIFEST_MEDIA_TYPES.has(entry.mediaType));
  const fitting = images.filter(
    ({ platform }) => !platform || (platform.os === 'linux' && platform.architecture === architecture),
  );
  const [only, ...others] = fitting;
  if (only && others.length === 0) return only;
  const reason = only ? 'the index names several images' : 'the index names no image for this machine';
  throw imageInvalid(reason, { architecture, digests: manifests.map((entry) => entry.digest) });
}

/** Before a byte of a layer is read: what the manifest announces must be within bounds. */
function checkSizes(manifest: ImageManifest, caps: ImageCaps): void {
  const storedBytes = manifest.layers.reduce((sum, layer) => sum + layer.size, 0);
  if (manifest.layers.length > caps.maxLayers) {
    throw imageInvalid('it has too many layers', { layers: manifest.layers.length, maxLayers: caps.maxLayers });
  }
  if (storedBytes > caps.maxStoredBytes) {
    throw imageInvalid('its layers are too large', { storedBytes, maxStoredBytes: caps.maxStoredBytes });
  }
  if (manifest.config.size > caps.maxJsonBytes) {
    throw imageInvalid('its config is too large', { size: manifest.config.size, maxJsonBytes: caps.maxJsonBytes });
  }
}

async function verifyLayers(layoutDir: string, manifest: ImageManifest, config: ImageConfig): Promise<Layer[]> {
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== manifest.layers.length) {
    throw imageInvalid('manifest and config disagree on the number of layers', {
      layers: manifest.layers.length,
      diffIds: diffIds.length,
    });
  }
  const layers: Layer[] = [];
  for (const [position, descriptor] of manifest.layers.entries()) {
    const compression = compressionOf(descriptor.mediaType);
    if (!compression) throw imageInvalid('a layer has a type that is not read', { mediaType: descriptor.mediaType });
    const file = await verifiedBlob(layoutDir, descriptor);
    const diffId = diffIds[position] ?? '';
    layers.push({ file, digest: descriptor.digest, storedBytes: descriptor.size, compression, diffId });
  }
  return layers;
}

async function verifiedBlob(layoutDir: string, descriptor: Descriptor): Promise<string> {
  const { digest, size } = descriptor;
  const file = blobPath(layoutDir, digest);
  const found = await lstat(file).catch((cause) => {
    throw imageInvalid('a blob is missing', { digest }, cause);
  });
  if (!found.isFile()) throw imageInvalid('a blob is not a plain file', { digest });
  if (found.size !== size) throw imageInvalid('a blob has another size', { digest, size, found: found.size });
  const actual = await sha256File(file);
  if (actual !== digest) throw imageInvalid('a blob does not match its digest', { digest, actual });
  return file;
}

/** `sha256:…` of a file's bytes. */
export async function sha256File(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash);
  return `sha256:${hash.digest('hex')}`;
}

async function readJsonFile<S extends z.ZodType>(file: string, maxBytes: number, schema: S): Promise<z.output<S>> {
  try {
    const { size } = await lstat(file);
    if (size > maxBytes) throw new RangeError(`${size} bytes, at most ${maxBytes}`);
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    throw imageInvalid('one of its JSON files cannot be read', { file }, cause);
  }
}
