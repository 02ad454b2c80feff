import { access, mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../market/ports.ts';
import type { ContainerSpec } from '../ports.ts';
import type { TreeUsage } from './proc.ts';

const ROOT = '/sys/fs/cgroup';
const PARENT = 'eaas';
const PERIOD_US = 100_000;
const REMOVE_ATTEMPTS = 50;

export type Limit = 'memory' | 'pids' | 'cpu';
type Limits = Pick<ContainerSpec, 'memoryBytes' | 'pids' | 'cpuMillis'>;

/** One folder of the control group tree, and the files to write there, in order. */
interface Controller {
  limit: Limit | null;
  folder: string;
  /** Files that are missing on some kernels (swap accounting, mostly) are optional. */
  settings: { file: string; value: string; optional?: boolean }[];
}

export interface ControlGroup {
  /** A process that writes `0` into each joins the group. */
  joinFiles: string[];
  enforced: Limit[];
}

/** Cgroup v1 and v2 as the kernel has them mounted at the usual place; a plain folder tree that only root can write. */
export async function isUnified(): Promise<boolean> {
  return access(join(ROOT, 'cgroup.controllers')).then(
    () => true,
    () => false,
  );
}

/**
 * Makes the group with its limits. What the kernel or our rights do not allow is left out of `enforced`: the caller
 * decides whether that is enough. Making it again sets the limits again.
 */
export async function makeControlGroup(name: string, limits: Limits): Promise<ControlGroup> {
  const group: ControlGroup = { joinFiles: [], enforced: [] };
  const unified = await isUnified();
  if (unified) await delegateControllers();
  for (const { limit, folder, settings } of unified ? unifiedGroup(name, limits) : separateGroups(name, limits)) {
    if (!(await apply(folder, settings))) continue;
    const joinFile = join(folder, 'cgroup.procs');
    if (!group.joinFiles.includes(joinFile)) group.joinFiles.push(joinFile);
    if (limit) group.enforced.push(limit);
  }
  return group;
}

export async function removeControlGroup(name: string, clock: Clock): Promise<void> {
  const folders = (await isUnified())
    ? [join(ROOT, PARENT, name)]
    : ['memory', 'pids', 'cpu', 'cpuacct'].map((controller) => join(ROOT, controller, PARENT, name));
  for (const folder of folders) await removeFolder(folder, clock);
}

/** Null when there is no such group to read. */
export async function controlGroupUsage(name: string): Promise<TreeUsage | null> {
  try {
    return (await isUnified()) ? await unifiedUsage(join(ROOT, PARENT, name)) : await separateUsage(name);
  } catch {
    return null;
  }
}

function unifiedGroup(name: string, limits: Limits): Controller[] {
  const folder = join(ROOT, PARENT, name);
  return [
    {
      limit: 'memory',
      folder,
      settings: [
        { file: 'memory.max', value: String(limits.memoryBytes) },
        { file: 'memory.swap.max', value: '0', optional: true },
        { file: 'memory.oom.group', value: '1', optional: true },
      ],
    },
    { limit: 'pids', folder, settings: [{ file: 'pids.max', value: String(limits.pids) }] },
    { limit: 'cpu', folder, settings: [{ file: 'cpu.max', value: `${quotaUs(limits)} ${PERIOD_US}` }] },
  ];
}

function separateGroups(name: string, limits: Limits): Controller[] {
  const folder = (controller: string) => join(ROOT, controller, PARENT, name);
  const memory = String(limits.memoryBytes);
  return [
    {
      limit: 'memory',
      folder: folder('memory'),
      settings: [
        { file: 'memory.limit_in_bytes', value: memory },
        { file: 'memory.memsw.limit_in_bytes', value: memory, optional: true },
      ],
    },
    { limit: 'pids', folder: folder('pids'), settings: [{ file: 'pids.max', value: String(limits.pids) }] },
    {
      limit: 'cpu',
      folder: folder('cpu'),
      settings: [
        { file: 'cpu.cfs_period_us', value: String(PERIOD_US) },
        { file: 'cpu.cfs_quota_us', value: String(quotaUs(limits)) },
      ],
    },
    { limit: null, folder: folder('cpuacct'), settings: [] },
  ];
}

function quotaUs({ cpuMillis }: Limits): number {
  return Math.max(1000, (cpuMillis * PERIOD_US) / 1000);
}

/** Children get a controller only when every group above hands it down. */
async function delegateControllers(): Promise<void> {
  const parent = join(ROOT, PARENT);
  await mkdir(parent, { recursive: true }).catch(() => undefined);
  for (const folder of [ROOT, parent]) {
    for (const controller of ['memory', 'pids', 'cpu']) {
      // Refused without the right to: then the limit's own file is missing below, and it counts as not enforced.
      await writeFile(join(folder, 'cgroup.subtree_control'), `+${controller}`).catch(() => undefined);
    }
  }
}

async function apply(folder: string, settings: Controller['settings']): Promise<boolean> {
  try {
    await mkdir(folder, { recursive: true });
  } catch {
    return false;
  }
  for (const { file, value, optional } of settings) {
    const written = await writeFile(join(folder, file), value, { flag: 'r+' }).then(
      () => true,
      () => false,
    );
    if (!written && !optional) return false;
  }
  return true;
}

async function removeFolder(folder: string, clock: Clock): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await rmdir(folder);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      // Busy for a moment after the last process was killed.
      if (code !== 'EBUSY' || attempt === REMOVE_ATTEMPTS) throw error;
    }
    await clock.sleep(20);
  }
}

async function unifiedUsage(folder: string): Promise<TreeUsage> {
  const cpu = field(await readFile(join(folder, 'cpu.stat'), 'utf8'), 'usage_usec');
  const cache = field(await readFile(join(folder, 'memory.stat'), 'utf8'), 'inactive_file');
  const used = Number(await readFile(join(folder, 'memory.current'), 'utf8'));
  return { cpuMs: cpu / 1000, memoryBytes: Math.max(0, used - cache) };
}

async function separateUsage(name: string): Promise<TreeUsage> {
  const memory = join(ROOT, 'memory', PARENT, name);
  const cpuNs = Number(await readFile(join(ROOT, 'cpuacct', PARENT, name, 'cpuacct.usage'), 'utf8'));
  const cache = field(await readFile(join(memory, 'memory.stat'), 'utf8'), 'total_inactive_file');
  const used = Number(await readFile(join(memory, 'memory.usage_in_bytes'), 'utf8'));
  return { cpuMs: cpuNs / 1_000_000, memoryBytes: Math.max(0, used - cache) };
}

function field(text: string, name: string): number {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return Number(line?.split(' ')[1] ?? 0);
}
