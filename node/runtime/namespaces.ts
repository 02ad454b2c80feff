import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../../market/ports.ts';
import type { ContainerSpec } from '../ports.ts';
import { controlGroupUsage, type Limit, makeControlGroup, removeControlGroup } from './cgroups.ts';
import type { StoredContainer } from './container-folder.ts';
import { processOf, refused } from './container-spec.ts';
import type { StoredImage } from './image-store.ts';
import { runtimeUnavailable } from './local-runtime.ts';
import { enterArgv, type NamespaceMode, programArgv } from './namespace-script.ts';
import { containerMounts, makeStage, type Stage, stageMounts } from './namespace-stage.ts';
import { type TreeUsage, treeUsage } from './proc.ts';
import { type Launcher, type SupervisedInit, SupervisedRuntime } from './supervised.ts';

/** Users that no distribution gives to anybody (systemd, "UIDs and GIDs": unused from 1879048192 to 2147483647). */
const FIRST_USER_ID = 1_900_000_000;
const USER_IDS = 65_536;

/** What Node and others map beyond the memory they use, granted where only the data segment can be limited. */
const DATA_ALLOWANCE_BYTES = 512 * 1024 * 1024;

const PROBE_TIMEOUT_MS = 10_000;
const TOOL_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

/** Variables that the dynamic loader or the C library of the machine would obey before the program starts. */
const LOADER_VARIABLE =
  /^(LD_|GLIBC_|MALLOC_|MUSL_|RES_|RESOLV_|GCONV_PATH$|GETCONF_DIR$|LOCPATH$|NLSPATH$|HOSTALIASES$|LOCALDOMAIN$|TMPDIR$)/;

const WARNINGS: Record<Limit, string> = {
  memory: 'Memory is limited only roughly: this system lets the node make no control groups for it.',
  pids: 'Processes are counted only by the user limit: this system lets the node make no control groups for them.',
  cpu: 'Processor time is not limited: this system lets the node make no control groups for it.',
};

/** The embedded runtime: Linux namespaces by way of util-linux, no engine, nothing to install. */
export function namespacesRuntime(init: SupervisedInit): SupervisedRuntime {
  return new SupervisedRuntime(new NamespaceLauncher(init.dataDir, init.clock), init);
}

class NamespaceLauncher implements Launcher {
  readonly name = 'namespaces';
  readonly warnings: string[] = [];
  private readonly dataDir: string;
  private readonly clock: Clock;

  constructor(dataDir: string, clock: Clock) {
    this.dataDir = dataDir;
    this.clock = clock;
  }

  /** Builds a container up to its last step and runs `true` in it. */
  async check(): Promise<void> {
    if (process.platform !== 'linux') {
      throw runtimeUnavailable('namespaces', 'this is not Linux', 'Use an engine such as Docker.');
    }
    await mkdir(this.dataDir, { recursive: true, mode: 0o700 });
    const dir = await mkdtemp(join(this.dataDir, '.probe-'));
    try {
      await this.probe(dir);
      await this.probeLimits(dir);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }

  accept(spec: ContainerSpec, image: StoredImage): void {
    for (const name of Object.keys(processOf(spec, image.config).environment)) {
      if (LOADER_VARIABLE.test(name))
        throw refused(`the runtime namespaces does not take the variable ${name}`, { name });
    }
  }

  async prepare(container: StoredContainer, image: StoredImage): Promise<string[]> {
    const { dir, spec } = container;
    const stage = await makeStage(this.dataDir);
    const mounts = [...stageMounts(stage), ...containerMounts(stage, image.rootfs, spec.socketsDir)];
    await writeMounts(dir, mounts);
    const { joinFiles, enforced } = await makeControlGroup(groupName(dir), spec);
    await writeFile(join(dir, 'groups'), joinFiles.map((file) => `${dirname(file)}\n`).join(''));
    const dataBytes = enforced.includes('memory') ? null : spec.memoryBytes + DATA_ALLOWANCE_BYTES;
    const limits = { pids: spec.pids, dataBytes };
    const program = { mode: mode(), root: '/root', userId: userId(dir), limits, ...processOf(spec, image.config) };
    return [...enterArgv(mode(), dir, stage.stage, joinFiles), ...programArgv(program)];
  }

  async usage(container: StoredContainer, pid: number): Promise<TreeUsage> {
    return (await controlGroupUsage(groupName(container.dir))) ?? treeUsage(pid);
  }

  cleanUp(container: StoredContainer): Promise<void> {
    return removeControlGroup(groupName(container.dir), this.clock);
  }

  private async probe(dir: string): Promise<void> {
    let stage: Stage;
    try {
      stage = await makeStage(this.dataDir);
      await writeMounts(dir, stageMounts(stage));
      const limits = { pids: 16, dataBytes: null };
      const target = { root: '/', workingDir: '/', environment: {}, argv: ['/usr/bin/true'] };
      const program = programArgv({ mode: mode(), userId: userId(dir), limits, ...target });
      const [command = '', ...args] = [...enterArgv(mode(), dir, stage.stage, []), ...program];
      await promisify(execFile)(command, args, { env: { PATH: TOOL_PATH }, timeout: PROBE_TIMEOUT_MS });
    } catch (cause) {
      throw unavailable(cause as NodeJS.ErrnoException & { stderr?: string });
    }
  }

  private async probeLimits(dir: string): Promise<void> {
    const { enforced } = await makeControlGroup(groupName(dir), { memoryBytes: 2 ** 26, pids: 16, cpuMillis: 1000 });
    await removeControlGroup(groupName(dir), this.clock);
    const missing = (['memory', 'pids', 'cpu'] as const).filter((limit) => !enforced.includes(limit));
    this.warnings.splice(0, Infinity, ...missing.map((limit) => WARNINGS[limit]));
    if (mode() === 'user' && missing.includes('pids')) this.warnings.push('Processes are not limited at all.');
  }
}

function unavailable(cause: NodeJS.ErrnoException & { stderr?: string }): Error {
  if (cause.code === 'ENOENT') {
    return runtimeUnavailable('namespaces', 'unshare is missing', 'Install util-linux 2.36 or later.', cause);
  }
  const said = cause.stderr?.trim().split('\n').at(-1) ?? cause.message;
  const remedy =
    mode() === 'root'
      ? 'Install util-linux 2.36 or later; in a container of an engine, use that engine as the runtime.'
      : 'Allow unprivileged user namespaces, run the node as root, or use an engine such as Docker.';
  return runtimeUnavailable('namespaces', `a trial container did not start (${said})`, remedy, cause);
}

function mode(): NamespaceMode {
  return process.getuid?.() === 0 ? 'root' : 'user';
}

async function writeMounts(dir: string, lines: string[]): Promise<void> {
  await writeFile(join(dir, 'fstab'), `${lines.join('\n')}\n`);
}

/** Unique on the machine, like the folder that it stands for. */
function groupName(dir: string): string {
  return createHash('sha256').update(dir).digest('hex').slice(0, 16);
}

function userId(dir: string): number {
  return FIRST_USER_ID + (Number.parseInt(groupName(dir).slice(0, 8), 16) % USER_IDS);
}
