import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** A process that cannot be mistaken for a later one of the same number. */
export interface ProcessIdentity {
  pid: number;
  /** Start time in clock ticks since boot; null where the system does not tell (no `/proc`). */
  startTicks: string | null;
  bootId: string;
}

/** Linux counts in hundredths of a second in `/proc`, on every architecture that Node runs on. */
const MS_PER_TICK = 10;

interface Stat {
  pid: number;
  parent: number;
  state: string;
  cpuTicks: number;
  startTicks: string;
}

/** Reads a line of `/proc/<pid>/stat`; the command in it may hold spaces and brackets. */
export function parseStat(line: string): Stat | null {
  const pid = Number.parseInt(line, 10);
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const startTicks = fields[19];
  if (!Number.isSafeInteger(pid) || startTicks === undefined) return null;
  return {
    pid,
    state: fields[0] ?? '',
    parent: Number(fields[1]),
    cpuTicks: Number(fields[11]) + Number(fields[12]),
    startTicks,
  };
}

/** Reads what a supervisor wrote of itself: a stat line (or just a number) and the boot's id. */
export function parseIdentity(text: string): ProcessIdentity | null {
  const [line = '', bootId] = text.split('\n');
  const pid = Number.parseInt(line, 10);
  // Both lines are written at once; a missing end means that the write is still under way.
  if (bootId === undefined || !text.endsWith('\n') || !Number.isSafeInteger(pid)) return null;
  return { pid, startTicks: parseStat(line)?.startTicks ?? null, bootId };
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  if (identity.startTicks === null) return answersSignals(identity.pid);
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  if (bootId.trim() !== identity.bootId) return false;
  const stat = await readStat(identity.pid);
  return stat !== null && stat.startTicks === identity.startTicks && stat.state !== 'Z' && stat.state !== 'X';
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function readStat(pid: number): Promise<Stat | null> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  return line === null ? null : parseStat(line);
}

/** The process and everything it started that is still its descendant, the process first. */
export async function processTree(pid: number): Promise<number[]> {
  if (process.platform !== 'linux') return [pid];
  const children = new Map<number, number[]>();
  for (const entry of await readdir('/proc')) {
    const stat = /^\d+$/.test(entry) ? await readStat(Number(entry)) : null;
    if (stat) children.set(stat.parent, [...(children.get(stat.parent) ?? []), stat.pid]);
  }
  const tree = [pid];
  for (const member of tree) tree.push(...(children.get(member) ?? []));
  return tree;
}

export interface TreeUsage {
  cpuMs: number;
  memoryBytes: number;
}

/** Processor time and resident memory of a process and its descendants, shared pages counted each time. */
export async function treeUsage(pid: number): Promise<TreeUsage> {
  if (process.platform !== 'linux') return psUsage(pid);
  const usage = { cpuMs: 0, memoryBytes: 0 };
  for (const member of await processTree(pid)) {
    usage.cpuMs += ((await readStat(member))?.cpuTicks ?? 0) * MS_PER_TICK;
    usage.memoryBytes += await residentBytes(member);
  }
  return usage;
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

/** Where there is no `/proc`: one process, from `ps`. */
export async function psUsage(pid: number): Promise<TreeUsage> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=,time=', '-p', String(pid)]);
  const [rss = '0', time = '0'] = stdout.trim().split(/\s+/);
  const seconds = time.split(/[:-]/).reduce((sum, part) => sum * 60 + Number(part), 0);
  return { cpuMs: Math.round(seconds * 1000), memoryBytes: Number(rss) * 1024 };
}
