import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../market/ports.ts';
import type { ContainerSpec } from '../ports.ts';
import { isAlive, type ProcessIdentity, parseIdentity } from './proc.ts';

const SETTLE_MS = 1000;
const POLL_MS = 10;

/** A container on disk: its spec, written once, and what its supervisor tells of the last start. */
export interface StoredContainer {
  dir: string;
  spec: ContainerSpec;
}

export type ContainerState =
  | { status: 'created' }
  /** `init` is null for the few milliseconds in which the supervisor has started and the container has not. */
  | { status: 'running'; init: ProcessIdentity | null }
  /** Null when nobody was left to see the end, after a loss of power for example. */
  | { status: 'exited'; exitCode: number | null };

export async function writeContainer(dir: string, spec: ContainerSpec): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const file = join(dir, 'container.json');
  const unfinished = `${file}.${randomBytes(4).toString('hex')}`;
  await writeFile(unfinished, JSON.stringify(spec), { flush: true });
  await rename(unfinished, file);
}

/** Null when there is no container of this name, or one whose creation was cut short. */
export async function readContainer(dir: string): Promise<StoredContainer | null> {
  const text = await readText(join(dir, 'container.json'));
  return text === null ? null : { dir, spec: JSON.parse(text) };
}

export async function listContainers(folder: string): Promise<StoredContainer[]> {
  const names = await readdir(folder).catch((): string[] => []);
  const found = await Promise.all(names.sort().map((name) => readContainer(join(folder, name))));
  return found.filter((container) => container !== null);
}

/** Derived from the supervisor's files and from which processes live; nothing else is stored. */
export async function readState(dir: string, clock: Clock): Promise<ContainerState> {
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    const state = await observe(dir);
    // The container has ended and its supervisor is about to say how.
    if (state !== 'ending') return state;
    // Or something else still holds its output open: then the code alone has been written.
    if (waitedMs >= SETTLE_MS) return exitedWith(await readText(join(dir, 'code')));
    await clock.sleep(POLL_MS);
  }
}

async function observe(dir: string): Promise<ContainerState | 'ending'> {
  const lock = await readIdentity(join(dir, 'lock'));
  if (lock === 'absent') return { status: 'created' };
  // Before its last word is looked for: once it is gone, a word that is not there never comes.
  const supervised = lock === 'partial' || (await isAlive(lock));
  const exitText = await readText(join(dir, 'exit'));
  if (exitText !== null) return exitedWith(exitText);
  const init = await readIdentity(join(dir, 'pid'));
  if (isIdentity(init) && (await isAlive(init))) return { status: 'running', init };
  if (!supervised) return exitedWith(null);
  return isIdentity(init) ? 'ending' : { status: 'running', init: null };
}

function exitedWith(code: string | null): ContainerState {
  const exitCode = Number.parseInt(code ?? '', 10);
  return { status: 'exited', exitCode: Number.isNaN(exitCode) ? null : exitCode };
}

type IdentityFile = ProcessIdentity | 'absent' | 'partial';

function isIdentity(file: IdentityFile): file is ProcessIdentity {
  return typeof file === 'object';
}

async function readIdentity(file: string): Promise<IdentityFile> {
  const text = await readText(file);
  return text === null ? 'absent' : (parseIdentity(text) ?? 'partial');
}

/** Makes the folder ready for another start. Only for containers that do not run. */
export async function forgetStart(dir: string): Promise<void> {
  const files = ['exit', 'code', 'pid', 'log', 'log.1', 'lock'];
  for (const file of files) await rm(join(dir, file), { force: true });
}

export async function readLog(dir: string): Promise<string> {
  const parts = await Promise.all(['log.1', 'log'].map((name) => readText(join(dir, name))));
  return parts.map((part) => part ?? '').join('');
}

async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}
