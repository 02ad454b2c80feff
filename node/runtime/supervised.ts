import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../market/ports.ts';
import type { ContainerInfo, ContainerSpec, ImageRef, Usage } from '../ports.ts';
import {
  type ContainerState,
  forgetStart,
  listContainers,
  readContainer,
  readLog,
  readState,
  type StoredContainer,
  writeContainer,
} from './container-folder.ts';
import { checkSpec } from './container-spec.ts';
import { ImageStore, type StoredImage } from './image-store.ts';
import { containerMissing, DEFAULT_START_WATCH_MS, type LocalRuntime, startFailed } from './local-runtime.ts';
import { processTree, type TreeUsage } from './proc.ts';
import { SUPERVISOR_SCRIPT } from './supervisor-script.ts';

const POLL_MS = 10;
const LAUNCH_TIMEOUT_MS = 10_000;
const KILL_TIMEOUT_MS = 5000;
const SAMPLE_MS = 200;

/** How one kind of runtime turns an image and a spec into a process. */
export interface Launcher {
  readonly name: 'namespaces' | 'process';
  /** Filled by `check`. */
  readonly warnings: readonly string[];
  /** Throws `RUNTIME_UNAVAILABLE`. */
  check(): Promise<void>;
  /** Throws `CONTAINER_SPEC_INVALID` for what this runtime cannot run safely. */
  accept(spec: ContainerSpec, image: StoredImage): void;
  /** Makes ready what the start needs; resolves to the command that the supervisor runs. */
  prepare(container: StoredContainer, image: StoredImage): Promise<string[]>;
  usage(container: StoredContainer, pid: number): Promise<TreeUsage>;
  /** Removes what `prepare` made outside the container's folder. */
  cleanUp(container: StoredContainer): Promise<void>;
}

export interface SupervisedInit {
  clock: Clock;
  /** Images and containers are kept here; one runtime per folder. */
  dataDir: string;
  startWatchMs?: number;
}

/**
 * Containers without an engine. Each has a folder, and a small shell that supervises it and outlives the node: what
 * runs is found again from the folder after a crash, and is told from a later process of the same number.
 */
export class SupervisedRuntime implements LocalRuntime {
  private readonly launcher: Launcher;
  private readonly init: SupervisedInit;
  private readonly images: ImageStore;
  private readonly containersDir: string;
  private readonly starts = new Map<string, Promise<void>>();

  constructor(launcher: Launcher, init: SupervisedInit) {
    this.launcher = launcher;
    this.init = init;
    this.images = new ImageStore(join(init.dataDir, 'images'));
    this.containersDir = join(init.dataDir, 'containers');
  }

  get name(): 'namespaces' | 'process' {
    return this.launcher.name;
  }

  get warnings(): readonly string[] {
    return this.launcher.warnings;
  }

  check(): Promise<void> {
    return this.launcher.check();
  }

  async importImage(layoutDir: string): Promise<ImageRef> {
    return { digest: await this.images.import(layoutDir) };
  }

  hasImage(digest: string): Promise<boolean> {
    return this.images.has(digest);
  }

  /** An image that a container still uses stays. */
  async removeImage(digest: string): Promise<void> {
    const users = (await listContainers(this.containersDir)).filter(({ spec }) => spec.imageDigest === digest);
    if (users.length === 0) await this.images.remove(digest);
  }

  /** The id is the name. */
  async create(spec: ContainerSpec): Promise<string> {
    checkSpec(spec);
    const dir = join(this.containersDir, spec.name);
    if (await readContainer(dir)) return spec.name;
    this.launcher.accept(spec, await this.images.get(spec.imageDigest));
    await writeContainer(dir, spec);
    return spec.name;
  }

  /** Calls for the same container share one start. */
  async start(id: string): Promise<void> {
    const running = this.starts.get(id) ?? this.launch(id);
    this.starts.set(id, running);
    try {
      await running;
    } finally {
      this.starts.delete(id);
    }
  }

  async stop(id: string, graceMs: number): Promise<void> {
    const container = await this.find(id);
    if (!container) return;
    if (graceMs > 0) await this.endWith(container, 'SIGTERM', graceMs);
    await this.endWith(container, 'SIGKILL', KILL_TIMEOUT_MS);
  }

  async remove(id: string): Promise<void> {
    const container = await this.find(id);
    if (!container) return;
    await this.stop(id, 0);
    await this.launcher.cleanUp(container);
    await rm(container.dir, { recursive: true, force: true });
  }

  async list(label: string, value?: string): Promise<ContainerInfo[]> {
    const found = (await listContainers(this.containersDir)).filter(({ spec }) => {
      const actual = Object.hasOwn(spec.labels, label) ? spec.labels[label] : undefined;
      return actual !== undefined && (value === undefined || actual === value);
    });
    return Promise.all(found.map((container) => this.infoOf(container)));
  }

  async sample(id: string): Promise<Usage> {
    const container = await this.require(id);
    const state = await readState(container.dir, this.init.clock);
    if (state.status !== 'running' || !state.init) return { cpuMillis: 0, memoryBytes: 0 };
    const { pid } = state.init;
    const before = await this.launcher.usage(container, pid);
    const startMs = this.init.clock.nowMs();
    await this.init.clock.sleep(SAMPLE_MS);
    const after = await this.launcher.usage(container, pid);
    const elapsedMs = Math.max(1, this.init.clock.nowMs() - startMs);
    const cpuMillis = Math.round((Math.max(0, after.cpuMs - before.cpuMs) * 1000) / elapsedMs);
    return { cpuMillis, memoryBytes: after.memoryBytes };
  }

  async logs(id: string): Promise<string> {
    return readLog((await this.require(id)).dir);
  }

  async pids(id: string): Promise<number[]> {
    const container = await this.find(id);
    const state = container ? await readState(container.dir, this.init.clock) : null;
    return state?.status === 'running' && state.init ? processTree(state.init.pid) : [];
  }

  private async launch(id: string): Promise<void> {
    const container = await this.require(id);
    const { status } = await readState(container.dir, this.init.clock);
    if (status !== 'running') await this.spawn(container);
    await this.untilLaunched(container);
    await this.watchStart(container);
  }

  private async spawn(container: StoredContainer): Promise<void> {
    await forgetStart(container.dir);
    const image = await this.images.get(container.spec.imageDigest);
    const command = await this.launcher.prepare(container, image);
    const script = ['-c', SUPERVISOR_SCRIPT, 'eaas-supervisor', container.dir, ...command];
    await new Promise<void>((resolve, reject) => {
      const child = spawn('/bin/sh', script, {
        detached: true,
        stdio: 'ignore',
        cwd: '/',
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      });
      child.once('spawn', resolve);
      child.once('error', (cause) => reject(startFailed(container.spec.name, null, String(cause), cause)));
      child.unref();
    });
  }

  /** The supervisor has at most ten seconds to say which process it made, or that it could not. */
  private async untilLaunched(container: StoredContainer): Promise<void> {
    const { clock } = this.init;
    for (const endsAtMs = clock.nowMs() + LAUNCH_TIMEOUT_MS; clock.nowMs() < endsAtMs; ) {
      const state = await readState(container.dir, clock);
      if (state.status === 'exited' || (state.status === 'running' && state.init)) return;
      await clock.sleep(POLL_MS);
    }
    throw startFailed(container.spec.name, null, await readLog(container.dir));
  }

  private async watchStart(container: StoredContainer): Promise<void> {
    const state = await this.waitForEnd(container, this.init.startWatchMs ?? DEFAULT_START_WATCH_MS);
    if (state.status !== 'exited') return;
    throw startFailed(container.spec.name, state.exitCode, await readLog(container.dir));
  }

  private async endWith(container: StoredContainer, signal: NodeJS.Signals, waitMs: number): Promise<void> {
    const { clock } = this.init;
    if ((await readState(container.dir, clock)).status !== 'running') return;
    await this.untilLaunched(container);
    const state = await readState(container.dir, clock);
    if (state.status !== 'running' || !state.init) return;
    const { pid } = state.init;
    // Killing the first process ends a namespace with all that is in it; without one, each has to be told.
    for (const member of signal === 'SIGKILL' ? await processTree(pid) : [pid]) sendSignal(member, signal);
    await this.waitForEnd(container, waitMs);
  }

  private async waitForEnd(container: StoredContainer, waitMs: number): Promise<ContainerState> {
    const { clock } = this.init;
    const endsAtMs = clock.nowMs() + waitMs;
    for (;;) {
      const state = await readState(container.dir, clock);
      if (state.status !== 'running' || clock.nowMs() >= endsAtMs) return state;
      await clock.sleep(POLL_MS);
    }
  }

  private async infoOf(container: StoredContainer): Promise<ContainerInfo> {
    const { name, labels } = container.spec;
    const state = await readState(container.dir, this.init.clock);
    const exitCode = state.status === 'exited' ? state.exitCode : null;
    return { id: name, name, labels, status: state.status, exitCode };
  }

  private find(id: string): Promise<StoredContainer | null> {
    // An id that is no name of ours must not lead out of the folder.
    return /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(id)
      ? readContainer(join(this.containersDir, id))
      : Promise.resolve(null);
  }

  private async require(id: string): Promise<StoredContainer> {
    const container = await this.find(id);
    if (!container) throw containerMissing(id);
    return container;
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended between the look and the signal.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
