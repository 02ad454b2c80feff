import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../../../market/workload.ts';

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

async function addBlob(layoutDir: string, mediaType: string, bytes: Uint8Array) {
  const digest = digestOf(bytes);
  await writeFile(join(layoutDir, 'blobs', 'sha256', digest.slice(7)), bytes);
  return { mediaType, digest, size: bytes.byteLength };
}

/** Writes an OCI layout with these layers; resolves to the digest of the image's manifest. */
export async function writeImage(layoutDir: string, layers: Uint8Array[]): Promise<string> {
  await mkdir(join(layoutDir, 'blobs', 'sha256'), { recursive: true });
  const configBytes = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers' } }));
  const config = await addBlob(layoutDir, 'application/vnd.oci.image.config.v1+json', configBytes);
  const added = [];
  for (const layer of layers) added.push(await addBlob(layoutDir, 'application/vnd.oci.image.layer.v1.tar', layer));
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: added }));
  const descriptor = await addBlob(layoutDir, mediaType, manifest);
  await writeFile(join(layoutDir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(layoutDir, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [descriptor] }));
  return descriptor.digest;
}

/** A manifest with one service per image. */
export function workloadOf(...imageDigests: string[]): Manifest {
  const services = imageDigests.map((imageDigest, index) => ({
    name: `service-${index}`,
    imageDigest,
    command: null,
    environment: {},
    cpuMillis: 100,
    memoryBytes: 64 * 1024 * 1024,
    pids: 64,
  }));
  const need = { cpuMillis: 100, memoryBytes: 1, storageBytes: 1, bandwidthBps: 0, interfaces: [] };
  return { version: 1, name: 'gateway', services, need, devices: [] };
}
