import type { Readable, Writable } from 'node:stream';
import { type ExtractEvents, extract, type Header, pack } from 'tar-stream';

// tar-stream's streams are streamx ones. Node's pipelines take them, only the types do not know it.

export type { Header };
export type TarEntry = ExtractEvents['entry'][1];

export interface TarReader {
  /** Where the bytes of the tar go in. */
  input: Writable;
  entries: AsyncIterable<TarEntry>;
}

export function readTar(): TarReader {
  const tar = extract();
  return { input: tar as unknown as Writable, entries: tar };
}

/** An entry's content. */
export function bodyOf(entry: TarEntry): Readable {
  return entry as unknown as Readable;
}

export interface TarWriter {
  output: Readable;
  /** Where the content of the next entry goes in. */
  entry(header: { name: string; size: number; mode?: number }): Writable;
  finish(): void;
}

/** Owners and times are zero, so that the same files give the same bytes. */
export function writeTar(): TarWriter {
  const tar = pack();
  return {
    output: tar as unknown as Readable,
    entry: (header) => tar.entry({ ...header, mtime: new Date(0) }) as unknown as Writable,
    finish: () => tar.finalize(),
  };
}
