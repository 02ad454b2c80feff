import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, createZstdCompress, constants as zlib } from 'node:zlib';
import {
  CONFIG_MEDIA_TYPE,
  type Compression,
  type Descriptor,
  LAYER_MEDIA_TYPES,
  MANIFEST_MEDIA_TYPE,
} from './formats.ts';
import { ociArchitecture } from './layout.ts';
import { writeTar } from './tar.ts';

/** One file of an image: copied from `source`, or made of `content`. */
export interface ImageFile {
  /** Absolute path in the image. */
  path: string;
  source?: string;
  content?: string | Uint8Array;
  /** Permission bits; 0o644 by default. */
  mode?: number;
  /** Layers are numbered from 0, base first. What changes often belongs in the highest. */
  layer?: number;
}

export interface AssembleInit {
  files: ImageFile[];
  entrypoint: string[];
  env?: Record<string, string>;
  workingDir?: string;
  /** Replaced as a whole when it exists. */
  outDir: string;
  compression?: Compression;
  /** Node's name of the architecture. */
  arch?: string;
}

export interface AssembledImage {
  /** Digest of the OCI manifest. */
  digest: string;
  layoutDir: string;
  /** All blobs together. */
  bytes: number;
}

interface WrittenLayer {
  descriptor: Descriptor;
  diffId: string;
}

/**
 * Writes an OCI image layout. The same files give the same bytes, and so the same digest: names are sorted, times and
 * owners are zero. (With `gzip` and `zstd` this holds for one version of Node: another may compress differently.)
 */
export async function assembleImage(init: AssembleInit): Promise<AssembledImage> {
  const { outDir, compression = 'zstd' } = init;
  await mkdir(join(outDir, '..'), { recursive: true });
  const building = await mkdtemp(`${outDir}.`);
  try {
    const blobs = join(building, 'blobs', 'sha256');
    await mkdir(blobs, { recursive: true });
    const layers: WrittenLayer[] = [];
    for (const files of byLayer(init.files)) layers.push(await writeLayer(files, compression, blobs));
    const { digest, bytes } = await writeMetadata(building, blobs, layers, init);
    await rm(outDir, { recursive: true, force: true });
    await rename(building, outDir);
    return { digest, layoutDir: outDir, bytes };
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    throw error;
  }
}

function byLayer(files: ImageFile[]): ImageFile[][] {
  const layers = new Map<number, ImageFile[]>();
  for (const file of files) {
    const layer = file.layer ?? 0;
    layers.set(layer, [...(layers.get(layer) ?? []), file]);
  }
  return [...layers.keys()].sort((a, b) => a - b).map((key) => layers.get(key) ?? []);
}

async function writeLayer(files: ImageFile[], compression: Compression, blobs: string): Promise<WrittenLayer> {
  const file = join(blobs, 'unfinished');
  const plain = createHash('sha256');
  const stored = createHash('sha256');
  const compress = compressor(compression);
  const stages = [tarOf(files), tee(plain), ...(compress ? [compress, tee(stored)] : [])];
  await pipeline([...stages, createWriteStream(file)]);
  const diffId = `sha256:${plain.digest('hex')}`;
  const digest = compress ? `sha256:${stored.digest('hex')}` : diffId;
  await rename(file, join(blobs, digest.slice('sha256:'.length)));
  const { size } = await stat(join(blobs, digest.slice('sha256:'.length)));
  return { descriptor: { mediaType: LAYER_MEDIA_TYPES[compression], digest, size }, diffId };
}

function compressor(compression: Compression): Transform | null {
  if (compression === 'gzip') return createGzip({ level: 1, chunkSize: 256 * 1024 });
  if (compression === 'zstd') {
    return createZstdCompress({ params: { [zlib.ZSTD_c_compressionLevel]: 1 }, chunkSize: 256 * 1024 });
  }
  return null;
}

function tee(hash: Hash): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
}

function tarOf(files: ImageFile[]): Readable {
  const tar = writeTar();
  const sorted = [...files].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  addAll().then(
    () => tar.finish(),
    (error) => tar.output.destroy(error),
  );
  return tar.output;

  async function addAll(): Promise<void> {
    for (const file of sorted) {
      const size = file.source ? (await stat(file.source)).size : Buffer.byteLength(file.content ?? '');
      const header = { name: file.path.replace(/^\/+/, ''), mode: file.mode ?? 0o644, size };
      const body = file.source ? createReadStream(file.source, { highWaterMark: 1024 * 1024 }) : [file.content ?? ''];
      await pipeline(body, tar.entry(header));
    }
  }
}

async function writeMetadata(
  building: string,
  blobs: string,
  layers: WrittenLayer[],
  init: AssembleInit,
): Promise<{ digest: string; bytes: number }> {
  const writeBlob = async (mediaType: string, value: unknown): Promise<Descriptor> => {
    const json = JSON.stringify(value);
    const hex = createHash('sha256').update(json).digest('hex');
    await writeFile(join(blobs, hex), json);
    return { mediaType, digest: `sha256:${hex}`, size: Buffer.byteLength(json) };
  };
  const config = await writeBlob(CONFIG_MEDIA_TYPE, {
    architecture: ociArchitecture(init.arch ?? process.arch),
    os: 'linux',
    config: {
      Entrypoint: init.entrypoint,
      Env: Object.entries(init.env ?? {}).map(([name, value]) => `${name}=${value}`),
      WorkingDir: init.workingDir ?? '/',
    },
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
  });
  const descriptors = layers.map((layer) => layer.descriptor);
  const manifest = await writeBlob(MANIFEST_MEDIA_TYPE, {
    schemaVersion: 2,
    mediaType: MANIFEST_MEDIA_TYPE,
    config,
    layers: descriptors,
  });
  await writeFile(join(building, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  await writeFile(join(building, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [manifest] }));
  const bytes = [config, manifest, ...descriptors].reduce((sum, blob) => sum + blob.size, 0);
  return { digest: manifest.digest, bytes };
}
