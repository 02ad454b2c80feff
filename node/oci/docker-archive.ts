import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { tarStages } from './layer-stream.ts';
import type { Layer, Layout } from './layout.ts';
import { type TarWriter, writeTar } from './tar.ts';

/**
 * The image as `docker load` of any engine since 1.10 takes it (those before 25 read no OCI layouts), tagged so that
 * the manifest's digest finds it again: an engine names images by the digest of their config.
 */
export function dockerArchive(layout: Layout, tag: string): Readable {
  const tar = writeTar();
  addAll(tar, layout, tag).then(
    () => tar.finish(),
    (error) => tar.output.destroy(error),
  );
  return tar.output;
}

async function addAll(tar: TarWriter, layout: Layout, tag: string): Promise<void> {
  const configName = `${hex(layout.configDigest)}.json`;
  await addBuffer(tar, configName, await readFile(layout.configFile));
  const names: string[] = [];
  for (const [position, layer] of layout.layers.entries()) {
    // The position keeps two layers of the same bytes apart.
    const name = `${position}-${hex(layer.digest).slice(0, 12)}/layer.tar`;
    names.push(name);
    await addLayer(tar, name, layer);
  }
  const manifest = [{ Config: configName, RepoTags: [tag], Layers: names }];
  await addBuffer(tar, 'manifest.json', Buffer.from(JSON.stringify(manifest)));
}

async function addBuffer(tar: TarWriter, name: string, bytes: Buffer): Promise<void> {
  await pipeline([bytes], tar.entry({ name, size: bytes.length }));
}

/** Engines gunzip by themselves; zstd they know only lately, so that is undone here. */
async function addLayer(tar: TarWriter, name: string, layer: Layer): Promise<void> {
  const stages = layer.compression === 'zstd' ? tarStages(layer) : [createReadStream(layer.file)];
  const size = layer.compression === 'zstd' ? await tarBytes(layer) : layer.storedBytes;
  await pipeline([...stages, tar.entry({ name, size })]);
}

/** A tar header comes before its body, so the size must be known first. */
async function tarBytes(layer: Layer): Promise<number> {
  let bytes = 0;
  const counter = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done();
    },
  });
  await pipeline([...tarStages(layer), counter]);
  return bytes;
}

function hex(digest: string): string {
  return digest.slice('sha256:'.length);
}
