import type { ImageCaps } from './caps.ts';
import { imageInvalid } from './image-error.ts';

const MAX_NAME_BYTES = 255;

/**
 * Splits a tar entry's name into the folders and the name that it has below the root; empty for the root itself.
 * A leading slash counts from the root, as it does in a container. Throws `IMAGE_INVALID` on anything that climbs.
 */
export function entryPath(name: string, caps: Pick<ImageCaps, 'maxPathBytes' | 'maxDepth'>): string[] {
  const shown = name.slice(0, 200);
  if (name.includes('\0')) throw imageInvalid('an entry has a zero byte in its name', { name: shown });
  if (Buffer.byteLength(name) > caps.maxPathBytes) throw imageInvalid('an entry has too long a path', { name: shown });
  const segments = name.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..')) throw imageInvalid('an entry climbs out of the image', { name: shown });
  if (segments.length > caps.maxDepth) throw imageInvalid('an entry lies too deep', { name: shown });
  if (segments.some((segment) => Buffer.byteLength(segment) > MAX_NAME_BYTES)) {
    throw imageInvalid('an entry has too long a name', { name: shown });
  }
  return segments;
}
