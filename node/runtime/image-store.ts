import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DEFAULT_CAPS } from '../oci/caps.ts';
import { entryPath } from '../oci/entry-path.ts';
import { type ImageConfig, imageConfigSchema } from '../oci/formats.ts';
import { readLayout } from '../oci/layout.ts';
import { RootfsWriter } from '../oci/rootfs-writer.ts';
import { unpackLayers } from '../oci/unpack.ts';
import { imageMissing } from './local-runtime.ts';

/** Folders that a container's own mounts cover; real ones in every image, whatever the image had there. */
const MOUNT_POINTS = [['proc'], ['dev'], ['tmp'], ['run'], ['run', 'eaas']];

export interface StoredImage {
  rootfs: string;
  config: ImageConfig;
}

/** Unpacked images, one folder each. A folder with its final name is complete. */
export class ImageStore {
  private readonly folder: string;
  private readonly imports = new Map<string, Promise<void>>();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Verifies and unpacks; resolves to the manifest's digest. Throws `IMAGE_INVALID`. */
  async import(layoutDir: string): Promise<string> {
    const layout = await readLayout(layoutDir);
    const digest = layout.manifestDigest;
    const running = this.imports.get(digest) ?? this.unpack(digest, layout);
    this.imports.set(digest, running);
    try {
      await running;
    } finally {
      this.imports.delete(digest);
    }
    return digest;
  }

  async get(digest: string): Promise<StoredImage> {
    const folder = this.pathOf(digest);
    const text = await readFile(join(folder, 'config.json'), 'utf8').catch((error) => {
      if (error.code === 'ENOENT') throw imageMissing(digest);
      throw error;
    });
    return { rootfs: join(folder, 'rootfs'), config: imageConfigSchema.parse(JSON.parse(text)) };
  }

  async has(digest: string): Promise<boolean> {
    const names = await readdir(this.pathOf(digest)).catch((): string[] => []);
    return names.includes('config.json');
  }

  async remove(digest: string): Promise<void> {
    await this.discard(digest);
    const folder = this.pathOf(digest);
    const doomed = join(this.folder, `.${nameOf(digest)}-removed`);
    // Renamed first, so that a crash half-way leaves no image that looks complete.
    await rename(folder, doomed).catch((error) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await rm(doomed, { recursive: true, force: true });
  }

  private async unpack(digest: string, layout: Awaited<ReturnType<typeof readLayout>>): Promise<void> {
    if (await this.has(digest)) return;
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await this.discard(digest);
    const building = await mkdtemp(join(this.folder, `.${nameOf(digest)}-`));
    try {
      const rootfs = join(building, 'rootfs');
      await mkdir(rootfs, { mode: 0o755 });
      await unpackLayers(layout, rootfs);
      await makeMountPoints(rootfs, layout.config);
      await writeFile(join(building, 'config.json'), JSON.stringify(layout.config));
      await flush(building);
      await rename(building, this.pathOf(digest));
    } catch (error) {
      await rm(building, { recursive: true, force: true });
      throw error;
    }
  }

  /** Removes what earlier, interrupted runs left of this image. */
  private async discard(digest: string): Promise<void> {
    const names = await readdir(this.folder).catch((): string[] => []);
    const left = names.filter((name) => name.startsWith(`.${nameOf(digest)}-`));
    await Promise.all(left.map((name) => rm(join(this.folder, name), { recursive: true, force: true })));
  }

  private pathOf(digest: string): string {
    return join(this.folder, nameOf(digest));
  }
}

function nameOf(digest: string): string {
  return digest.replace(/[^0-9a-zA-Z]/g, '-');
}

async function makeMountPoints(rootfs: string, config: ImageConfig): Promise<void> {
  const writer = new RootfsWriter(rootfs);
  for (const path of MOUNT_POINTS) await writer.folder(path);
  const workingDir = entryPath(config.config?.WorkingDir || '/', DEFAULT_CAPS);
  if (workingDir.length > 0) await writer.missingFolder(workingDir);
}

/** The bytes must be on disk before the image has its name: a warm image has to survive a loss of power. */
async function flush(folder: string): Promise<void> {
  if (process.platform === 'linux') await promisify(execFile)('sync', ['-f', folder]);
}
