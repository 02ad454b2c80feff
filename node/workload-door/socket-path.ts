import { join } from 'node:path';
import { EdgeError } from '../../market/errors.ts';

/** `sun_path` of unix(7) has 108 bytes on Linux and 104 on macOS, one of them for the terminating zero. */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/** Path of a socket in `dir`. Throws `SOCKET_PATH_TOO_LONG`: the system would refuse it, or worse, cut it. */
export function socketPath(dir: string, name: string): string {
  const path = join(dir, name);
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_PATH_BYTES) return path;
  throw new EdgeError(
    'SOCKET_PATH_TOO_LONG',
    `The path of a unix socket may have ${MAX_PATH_BYTES} bytes, this one has ${bytes}.`,
    {
      context: { path, bytes, maxBytes: MAX_PATH_BYTES },
      remedy: 'Choose a data folder with a shorter path.',
    },
  );
}
