import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type AssembledImage, assembleImage } from '../../../node/oci/assemble.ts';
import { deviceImage } from '../../../scripts/image/device-image.ts';

const CACHE_DIR = resolve(import.meta.dirname, '../../../.eaas/images');

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'eaas-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Node and its libraries; assembled once per machine. Its own program waits for nothing, for ever. */
export async function nodeImage(): Promise<AssembledImage> {
  const folder = await temporaryFolder();
  const servicePath = join(folder.path, 'service.mjs');
  await writeFile(servicePath, "console.log('ready');\nsetInterval(() => {}, 1000);\n");
  try {
    return await deviceImage({ servicePath, cacheDir: CACHE_DIR });
  } finally {
    await folder.remove();
  }
}

/** An image of a few hundred bytes, which can be taken in but not run. Each `content` is another image. */
export function tinyImage(outDir: string, content: string): Promise<AssembledImage> {
  return assembleImage({ files: [{ path: '/hello', content }], entrypoint: ['/hello'], outDir });
}
