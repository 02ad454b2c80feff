import { createWriteStream } from 'node:fs';
import { chmod, link, lstat, mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { imageInvalid } from './image-error.ts';

const FOLDER_MODE = 0o755;

/**
 * Writes a root filesystem below one folder, and nowhere else: no path is followed through a link, nothing existing is
 * written into, links are made but never used. Owners and set-id bits are dropped and everything becomes readable,
 * because a container never runs as the image's owner. The folder must belong to this writer alone while it works.
 */
export class RootfsWriter {
  private readonly root: string;
  /** Folders known to be real ones; forgotten whenever something is replaced. */
  private readonly folders = new Set<string>();

  constructor(root: string) {
    this.root = root;
  }

  /** Makes the folder; a link or file in its place gives way. */
  async folder(segments: string[]): Promise<void> {
    const path = await this.place(segments, true);
    if (path !== null) await makeFolder(path);
  }

  /** Makes the folder where there is nothing yet. */
  async missingFolder(segments: string[]): Promise<void> {
    await this.requireRealParents(segments, true);
    const path = join(this.root, ...segments);
    if ((await lstat(path).catch(() => null)) === null) await makeFolder(path);
  }

  async file(segments: string[], body: Readable, executable: boolean): Promise<void> {
    const path = await this.place(segments, false);
    if (path === null) throw imageInvalid('a file takes the place of the root', {});
    const mode = executable ? 0o755 : 0o644;
    await pipeline(body, createWriteStream(path, { flags: 'wx', mode, highWaterMark: 1024 * 1024 }));
    // Again, because the first one went through the umask.
    await chmod(path, mode);
  }

  async symlink(segments: string[], target: string): Promise<void> {
    if (target === '' || target.includes('\0')) throw imageInvalid('a link has no proper target', { segments });
    const path = await this.place(segments, false);
    if (path === null) throw imageInvalid('a link takes the place of the root', {});
    await symlink(target, path);
  }

  /** A second name for a file of this image. */
  async hardlink(segments: string[], target: string[]): Promise<void> {
    const source = join(this.root, ...target);
    await this.requireRealParents(target, false);
    const found = await lstat(source).catch(() => null);
    if (!found?.isFile()) throw imageInvalid('a hard link leads to no file of the image', { segments, target });
    const path = await this.place(segments, false);
    if (path === null) throw imageInvalid('a link takes the place of the root', {});
    await link(source, path);
  }

  /** Removes what an earlier layer put there. */
  async remove(segments: string[]): Promise<void> {
    const exists = await this.requireRealParents(segments, false);
    if (!exists) return;
    this.folders.clear();
    await rm(join(this.root, ...segments), { recursive: true, force: true });
  }

  /** Names in a folder; none for anything that is not a real folder. */
  async names(segments: string[]): Promise<string[]> {
    if (!(await this.requireRealParents(segments, false))) return [];
    const path = join(this.root, ...segments);
    const found = await lstat(path).catch(() => null);
    return found?.isDirectory() ? readdir(path) : [];
  }

  /** The path to create, free to be used; null when a folder is wanted and there already. */
  private async place(segments: string[], wantFolder: boolean): Promise<string | null> {
    if (segments.length === 0) return null;
    await this.requireRealParents(segments, true);
    const path = join(this.root, ...segments);
    const found = await lstat(path).catch(() => null);
    if (!found) return path;
    if (wantFolder && found.isDirectory()) return null;
    this.folders.clear();
    await rm(path, { recursive: true, force: true });
    return path;
  }

  /** Checks that every folder above is a real one. Missing ones are made, or (`create` false) answer false. */
  private async requireRealParents(segments: string[], create: boolean): Promise<boolean> {
    let path = this.root;
    for (const segment of segments.slice(0, -1)) {
      path = join(path, segment);
      if (this.folders.has(path)) continue;
      const found = await lstat(path).catch(() => null);
      if (!found && !create) return false;
      if (!found) await makeFolder(path);
      else if (!found.isDirectory()) throw imageInvalid('an entry goes through a link or a file', { segments });
      this.folders.add(path);
    }
    return true;
  }
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { mode: FOLDER_MODE });
  await chmod(path, FOLDER_MODE);
}
