import { lstat, mkdir, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The two folder trees that all containers of one runtime share as mount points; nothing is ever written into them by
 * a container. `stage` becomes the root of a container's mount namespace: it holds the machine's `/usr` (read-only, for
 * the last tools that run before the program), the image at `root`, and `old`, where the machine's root is until it is
 * let go. `dev` is what the image sees as `/dev`.
 */
export interface Stage {
  stage: string;
  dev: string;
  /** Host folders with programs and libraries that are no links into `/usr`. */
  toolFolders: string[];
}

const DEVICES = ['null', 'zero', 'full', 'random', 'urandom'];
const DEVICE_LINKS: [name: string, target: string][] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
];
const TOOL_FOLDERS = ['usr', 'bin', 'sbin', 'lib', 'lib32', 'lib64'];

/** May be called again; makes what is missing. */
export async function makeStage(dataDir: string): Promise<Stage> {
  const stage = join(dataDir, 'stage');
  const dev = join(dataDir, 'dev');
  for (const folder of [dev, ...['root', 'old', 'proc'].map((name) => join(stage, name))]) {
    await mkdir(folder, { recursive: true });
  }
  for (const device of DEVICES) await writeFile(join(dev, device), '');
  for (const [name, target] of DEVICE_LINKS) await linkOnce(target, join(dev, name));
  const toolFolders: string[] = [];
  for (const name of TOOL_FOLDERS) {
    const found = await lstat(`/${name}`).catch(() => null);
    if (found?.isSymbolicLink()) await linkOnce(await readlink(`/${name}`), join(stage, name));
    if (!found?.isDirectory()) continue;
    await mkdir(join(stage, name), { recursive: true });
    toolFolders.push(name);
  }
  return { stage, dev, toolFolders };
}

async function linkOnce(target: string, path: string): Promise<void> {
  await symlink(target, path).catch((error) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/** The mounts that lead up to the machine's root being let go, as `mount --all` reads them, in order. */
export function stageMounts({ stage, toolFolders }: Stage): string[] {
  return [
    mountLine(stage, stage, 'none', 'bind'),
    mountLine('proc', join(stage, 'proc'), 'proc', 'nosuid,nodev,noexec'),
    ...toolFolders.map((name) => mountLine(`/${name}`, join(stage, name), 'none', 'bind,ro,nosuid,nodev')),
  ];
}

/** The mounts that make the container: its image, and over it the only places that are not the image's. */
export function containerMounts({ stage, dev }: Stage, rootfs: string, socketsDir: string): string[] {
  const root = join(stage, 'root');
  return [
    mountLine(rootfs, root, 'none', 'bind,ro,nosuid,nodev'),
    mountLine('proc', join(root, 'proc'), 'proc', 'ro,nosuid,nodev,noexec'),
    mountLine(dev, join(root, 'dev'), 'none', 'bind,ro,nosuid,noexec'),
    ...DEVICES.map((name) => mountLine(`/dev/${name}`, join(root, 'dev', name), 'none', 'bind,nosuid,noexec')),
    mountLine('tmpfs', join(root, 'tmp'), 'tmpfs', 'nosuid,nodev,noexec,size=16m,nr_inodes=4096,mode=1777'),
    mountLine(socketsDir, join(root, 'run', 'eaas'), 'none', 'bind,ro,nosuid,nodev,noexec'),
  ];
}

/** One line of an fstab; blanks and backslashes are octal there. */
export function mountLine(source: string, target: string, type: string, options: string): string {
  const quote = (path: string) =>
    path.replace(/[\s\\#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return `${quote(source)} ${quote(target)} ${type} ${options} 0 0`;
}
