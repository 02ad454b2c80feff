import { readdir } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { DEFAULT_CAPS, type ImageCaps } from './caps.ts';
import { entryPath } from './entry-path.ts';
import { imageInvalid } from './image-error.ts';
import { guardTar, tarStages } from './layer-stream.ts';
import type { Layer, Layout } from './layout.ts';
import { RootfsWriter } from './rootfs-writer.ts';
import { bodyOf, type Header, readTar, type TarEntry } from './tar.ts';

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';

export interface Unpacked {
  entries: number;
  bytes: number;
}

/** One layer being applied: what it has made so far is safe from its own "forget what was below". */
interface Application {
  writer: RootfsWriter;
  caps: ImageCaps;
  made: Set<string>;
}

/**
 * Applies the layers of a verified image to an empty folder, base first. Refuses device nodes, fifos, anything that
 * leads out of the folder, and images beyond `caps`. Throws `IMAGE_INVALID`; the folder is then the caller's to remove.
 */
export async function unpackLayers(
  layout: Layout,
  folder: string,
  options: { caps?: ImageCaps; signal?: AbortSignal } = {},
): Promise<Unpacked> {
  if ((await readdir(folder)).length > 0) throw new RangeError(`${folder} is not empty`);
  const caps = options.caps ?? DEFAULT_CAPS;
  const total: Unpacked = { entries: 0, bytes: 0 };
  const writer = new RootfsWriter(folder);
  for (const layer of layout.layers) {
    await applyLayer(layer, { writer, caps, made: new Set() }, total, options.signal);
  }
  return total;
}

async function applyLayer(layer: Layer, to: Application, total: Unpacked, signal?: AbortSignal): Promise<void> {
  const { caps } = to;
  const guard = guardTar(layer, caps, (bytes) => {
    total.bytes += bytes;
    if (total.bytes > caps.maxUnpackedBytes) {
      throw imageInvalid('it unpacks to too many bytes', { maxUnpackedBytes: caps.maxUnpackedBytes });
    }
  });
  const tar = readTar();
  const feed = pipeline([...tarStages(layer), guard.stage, tar.input], { signal });
  try {
    await Promise.all([feed, applyEntries(tar.entries, to, total)]);
  } catch (cause) {
    tar.input.destroy();
    await feed.catch(() => undefined);
    throw refusal(cause, layer, signal);
  }
  guard.finish();
}

/** A damaged tar or gzip stream is the image's fault; a full disk or an abort is not. */
function refusal(cause: unknown, layer: Layer, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  const code = (cause as { code?: unknown }).code;
  if (
    code === 'IMAGE_INVALID' ||
    (typeof code === 'string' && /^E(NOSPC|DQUOT|IO|ROFS|ACCES|PERM|MFILE)$/.test(code))
  ) {
    return cause;
  }
  return imageInvalid('a layer cannot be unpacked', { digest: layer.digest }, cause);
}

async function applyEntries(tar: AsyncIterable<TarEntry>, to: Application, total: Unpacked): Promise<void> {
  for await (const entry of tar) {
    total.entries += 1;
    if (total.entries > to.caps.maxEntries) {
      throw imageInvalid('it has too many entries', { maxEntries: to.caps.maxEntries });
    }
    await applyEntry(entry, to);
    entry.resume();
  }
}

async function applyEntry(entry: TarEntry, to: Application): Promise<void> {
  const { header } = entry;
  const segments = entryPath(header.name, to.caps);
  const name = segments.at(-1) ?? '';
  if (name.startsWith(WHITEOUT)) return applyWhiteout(segments, name, to);
  await createEntry(entry, header, segments, to);
  for (let depth = segments.length; depth > 0; depth -= 1) to.made.add(segments.slice(0, depth).join('/'));
}

async function createEntry(entry: TarEntry, header: Header, segments: string[], to: Application): Promise<void> {
  const target = header.linkname ?? '';
  switch (header.type) {
    case 'file':
    case 'contiguous-file':
      return to.writer.file(segments, bodyOf(entry), ((header.mode ?? 0) & 0o111) !== 0);
    case 'directory':
      return to.writer.folder(segments);
    case 'symlink':
      return to.writer.symlink(segments, target);
    case 'link':
      return to.writer.hardlink(segments, entryPath(target, to.caps));
    default:
      throw imageInvalid('an entry is neither file, folder nor link', { name: header.name, type: header.type });
  }
}

async function applyWhiteout(segments: string[], name: string, to: Application): Promise<void> {
  const parent = segments.slice(0, -1);
  if (name !== OPAQUE) {
    const hidden = name.slice(WHITEOUT.length);
    if (hidden === '' || hidden === '.' || hidden === '..') {
      throw imageInvalid('an entry climbs out of the image', { name: segments.join('/') });
    }
    return to.writer.remove([...parent, hidden]);
  }
  await forgetLower(parent, to);
}

/** Hides what earlier layers had in a folder, at any depth, and keeps what this layer made. */
async function forgetLower(folder: string[], to: Application): Promise<void> {
  for (const name of await to.writer.names(folder)) {
    const segments = [...folder, name];
    if (to.made.has(segments.join('/'))) await forgetLower(segments, to);
    else await to.writer.remove(segments);
  }
}
