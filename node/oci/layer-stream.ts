import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type Readable, Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { ImageCaps } from './caps.ts';
import type { Compression } from './formats.ts';
import { imageInvalid } from './image-error.ts';
import type { Layer } from './layout.ts';

const READ_BYTES = 1024 * 1024;

/** A layer's stages from disk to tar bytes, for `pipeline`. */
export function tarStages(layer: Layer): [Readable, ...Transform[]] {
  const stored = createReadStream(layer.file, { highWaterMark: READ_BYTES });
  const decompress = decompressor(layer.compression);
  return decompress ? [stored, decompress] : [stored];
}

function decompressor(compression: Compression): Transform | null {
  const options = { chunkSize: 256 * 1024 };
  if (compression === 'gzip') return createGunzip(options);
  if (compression === 'zstd') return createZstdDecompress(options);
  return null;
}

export interface Guard {
  stage: Transform;
  /** Call when the stream has ended: throws `IMAGE_INVALID` when the tar is not the one that the config names. */
  finish(): void;
}

/** Passes tar bytes on while it counts and hashes them; fails as soon as they are more than `caps` and budget allow. */
export function guardTar(layer: Layer, caps: ImageCaps, spend: (bytes: number) => void): Guard {
  let bytes = 0;
  const hash = createHash('sha256');
  const stage = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      hash.update(chunk);
      done(judge(chunk.length), chunk);
    },
  });
  function judge(more: number): Error | null {
    try {
      spend(more);
    } catch (error) {
      return error as Error;
    }
    const tooDense = bytes > caps.ratioFreeBytes && bytes > layer.storedBytes * caps.maxRatio;
    return tooDense
      ? imageInvalid('a layer expands too much', { digest: layer.digest, maxRatio: caps.maxRatio })
      : null;
  }
  const finish = () => {
    const actual = `sha256:${hash.digest('hex')}`;
    if (actual !== layer.diffId) {
      throw imageInvalid('a layer does not match its diff id', { digest: layer.digest, diffId: layer.diffId, actual });
    }
  };
  return { stage, finish };
}
