import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { type Compression, LAYER_MEDIA_TYPES } from '../../../node/oci/formats.ts';
import { ociArchitecture } from '../../../node/oci/layout.ts';

/** One tar entry, with whatever a hostile writer puts there. */
export interface Entry {
  name: string;
  type?: 'file' | 'link' | 'symlink' | 'directory' | 'block-device' | 'character-device' | 'fifo';
  linkname?: string;
  content?: string | Uint8Array;
  mode?: number;
}

export async function tarOf(entries: Entry[]): Promise<Buffer> {
  const tar = pack();
  for (const { content, ...header } of entries) {
    if (content === undefined) tar.entry(header);
    else tar.entry({ ...header, size: Buffer.byteLength(content) }, content as string);
  }
  tar.finalize();
  return buffer(tar as unknown as AsyncIterable<Buffer>);
}

export const sha256 = (bytes: Uint8Array | string) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export interface HandmadeInit {
  compression?: Compression;
  /** Changes the parsed files before they are hashed and written. */
  changeConfig?: (config: Record<string, unknown>) => unknown;
  changeManifest?: (manifest: Manifest) => unknown;
  changeIndex?: (index: { manifests: Descriptor[] }) => unknown;
}

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  platform?: { os: string; architecture: string };
}

export interface Manifest {
  config: Descriptor;
  layers: Descriptor[];
}

const COMPRESS: Record<Compression, (bytes: Buffer) => Buffer> = {
  none: (bytes) => bytes,
  gzip: (bytes) => gzipSync(bytes),
  zstd: (bytes) => zstdCompressSync(bytes),
};

/** Writes a layout whose digests are right, around layers that need not be. Resolves to the manifest's digest. */
export async function writeLayout(layoutDir: string, tars: Buffer[], init: HandmadeInit = {}): Promise<string> {
  const blobs = join(layoutDir, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });
  const blob = async (mediaType: string, value: Buffer | unknown): Promise<Descriptor> => {
    const bytes = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value));
    await writeFile(join(blobs, sha256(bytes).slice('sha256:'.length)), bytes);
    return { mediaType, digest: sha256(bytes), size: bytes.length };
  };
  const compression = init.compression ?? 'none';
  const layers: Descriptor[] = [];
  for (const tar of tars) layers.push(await blob(LAYER_MEDIA_TYPES[compression], COMPRESS[compression](tar)));
  const plainConfig = {
    architecture: ociArchitecture(process.arch),
    os: 'linux',
    config: { Entrypoint: ['/bin/node'] },
    rootfs: { type: 'layers', diff_ids: tars.map(sha256) },
  };
  const config = await blob('application/vnd.oci.image.config.v1+json', change(plainConfig, init.changeConfig));
  const plainManifest = { schemaVersion: 2, config, layers };
  const manifest = await blob('application/vnd.oci.image.manifest.v1+json', change(plainManifest, init.changeManifest));
  const index = change({ schemaVersion: 2, manifests: [manifest] }, init.changeIndex);
  await writeFile(join(layoutDir, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  await writeFile(join(layoutDir, 'index.json'), JSON.stringify(index));
  return manifest.digest;
}

function change<T>(value: T, by: ((value: T) => unknown) | undefined): unknown {
  return by ? by(value) : value;
}

export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'eaas-oci-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Resolves to the error that the promise must reject with. */
export async function refusalOf(promise: Promise<unknown>): Promise<{ code?: string; message: string }> {
  try {
    await promise;
  } catch (error) {
    return error as { code?: string; message: string };
  }
  throw new Error('it was not refused');
}
