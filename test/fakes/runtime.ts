import { readLayout } from '../../node/oci/layout.ts';
import type { ContainerInfo, ContainerSpec, ImageRef, Runtime, RuntimeName, Usage } from '../../node/ports.ts';
import { checkSpec } from '../../node/runtime/container-spec.ts';
import { containerMissing, imageMissing, startFailed } from '../../node/runtime/local-runtime.ts';

/** What a started container does: stays (null), or ends at once. */
export type Outcome = { exitCode: number | null; output: string } | null;

export interface FakeRuntimeInit {
  name?: RuntimeName;
  /** Images that are there from the beginning. */
  images?: string[];
  /** Digest of the image in a layout folder; by default the folder is read and verified as real runtimes do. */
  readImage?: (layoutDir: string) => Promise<string>;
  /** Decides how each start goes; by default every container stays. */
  onStart?: (spec: ContainerSpec) => Outcome | Promise<Outcome>;
}

export interface FakeRuntime extends Runtime {
  /** Every call in order, as `start provider-a`; `create` and `start` name the container. */
  readonly calls: string[];
  /** What `sample` answers for running containers. */
  usage: Usage;
  /** The container ends by itself, as after a SIGKILL from outside. */
  kill(id: string, exitCode?: number): void;
  /** Every running container ends, as after a power cut. */
  killAll(): void;
  /** Whether a container with this sockets folder runs. */
  isRunning(socketsDir: string): boolean;
  /** Null when there is no such container. */
  spec(id: string): ContainerSpec | null;
}

interface Container {
  spec: ContainerSpec;
  status: ContainerInfo['status'];
  exitCode: number | null;
}

/** Containers in memory; passes the compliance suite of the real runtimes as far as no program has to run. */
export function fakeRuntime(init: FakeRuntimeInit = {}): FakeRuntime {
  return new MemoryRuntime(init);
}

class MemoryRuntime implements FakeRuntime {
  readonly name: RuntimeName;
  readonly calls: string[] = [];
  usage: Usage = { cpuMillis: 50, memoryBytes: 64 * 1024 * 1024 };
  private readonly init: FakeRuntimeInit;
  private readonly images: Set<string>;
  private readonly containers = new Map<string, Container>();

  constructor(init: FakeRuntimeInit) {
    this.init = init;
    this.name = init.name ?? 'process';
    this.images = new Set(init.images);
  }

  async check(): Promise<void> {
    this.calls.push('check');
  }

  async importImage(layoutDir: string): Promise<ImageRef> {
    this.calls.push('importImage');
    const read = this.init.readImage ?? (async (dir: string) => (await readLayout(dir)).manifestDigest);
    const digest = await read(layoutDir);
    this.images.add(digest);
    return { digest };
  }

  async hasImage(digest: string): Promise<boolean> {
    return this.images.has(digest);
  }

  async removeImage(digest: string): Promise<void> {
    this.calls.push('removeImage');
    const used = [...this.containers.values()].some(({ spec }) => spec.imageDigest === digest);
    if (!used) this.images.delete(digest);
  }

  async create(spec: ContainerSpec): Promise<string> {
    this.calls.push(`create ${spec.name}`);
    checkSpec(spec);
    if (this.containers.has(spec.name)) return spec.name;
    if (!this.images.has(spec.imageDigest)) throw imageMissing(spec.imageDigest);
    this.containers.set(spec.name, { spec: structuredClone(spec), status: 'created', exitCode: null });
    return spec.name;
  }

  async start(id: string): Promise<void> {
    this.calls.push(`start ${id}`);
    const container = this.require(id);
    if (container.status === 'running') return;
    Object.assign(container, { status: 'running', exitCode: null });
    const outcome = await this.init.onStart?.(container.spec);
    if (!outcome) return;
    this.kill(id, outcome.exitCode ?? undefined);
    throw startFailed(id, outcome.exitCode, outcome.output);
  }

  async stop(id: string): Promise<void> {
    this.calls.push(`stop ${id}`);
    if (this.containers.get(id)?.status === 'running') this.kill(id);
  }

  async remove(id: string): Promise<void> {
    this.calls.push(`remove ${id}`);
    this.containers.delete(id);
  }

  async list(label: string, value?: string): Promise<ContainerInfo[]> {
    const infos: ContainerInfo[] = [];
    for (const [id, { spec, status, exitCode }] of this.containers) {
      const actual = Object.hasOwn(spec.labels, label) ? spec.labels[label] : undefined;
      if (actual === undefined || (value !== undefined && actual !== value)) continue;
      infos.push({ id, name: spec.name, labels: { ...spec.labels }, status, exitCode });
    }
    return infos;
  }

  async sample(id: string): Promise<Usage> {
    return this.require(id).status === 'running' ? { ...this.usage } : { cpuMillis: 0, memoryBytes: 0 };
  }

  kill(id: string, exitCode = 137): void {
    Object.assign(this.require(id), { status: 'exited', exitCode });
  }

  killAll(): void {
    for (const [id, { status }] of this.containers) if (status === 'running') this.kill(id);
  }

  isRunning(socketsDir: string): boolean {
    return [...this.containers.values()].some(
      ({ spec, status }) => status === 'running' && spec.socketsDir === socketsDir,
    );
  }

  spec(id: string): ContainerSpec | null {
    return this.containers.get(id)?.spec ?? null;
  }

  private require(id: string): Container {
    const container = this.containers.get(id);
    if (!container) throw containerMissing(id);
    return container;
  }
}
