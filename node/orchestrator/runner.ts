import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeError } from '../../market/errors.ts';
import type { Manifest } from '../../market/workload.ts';
import { Mutex } from '../../sdk/chain/mutex.ts';
import type { ContainerInfo, NorthRelay, Runtime, South, WorkloadDoor } from '../ports.ts';

/** What one workload runs with. */
export interface RunnerParts {
  /** Tells this node's containers from those of other nodes on the same engine. */
  nodeId: string;
  runtime: Runtime;
  south: South | null;
  north: NorthRelay;
  createDoor: (socketsDir: string) => WorkloadDoor;
}

/** Containers of one workload on this device: prepared, run under an epoch, halted. */
export interface Runner {
  /** Tier warm: images taken in, containers created, nothing running. Safe to repeat. */
  prepare(layoutDirs: Map<string, string>): Promise<void>;
  /** Runs under `epoch`; frames the radio buffered since `sinceMs` come first. Safe to repeat. */
  run(epoch: number, sinceMs: number): Promise<void>;
  /** Stops the feed and the containers; readings already handed over stay queued for the cloud. */
  halt(graceMs: number): Promise<void>;
  /** Starts again what has ended by itself; resolves to the names. Nothing while halted. Throws as `Runtime.start`. */
  revive(): Promise<string[]>;
  /** Halts and removes containers, also those of an earlier run of the node; images stay. */
  remove(): Promise<void>;
  containerIds(): string[];
  /** The workload runs and has taken its place at the door. */
  serving(): boolean;
}

const NODE_LABEL = 'eaas.node';
const WORKLOAD_LABEL = 'eaas.workload';

/** Short enough for a unix socket path below most data folders. */
function shortId(id: string): string {
  return id.replace(/^0x/, '').slice(0, 12);
}

export interface RunnerInit {
  /** The agreement's id (or the workload hash for the customer's own run); keys containers for recovery. */
  id: string;
  dataDir: string;
  manifest: Manifest;
}

/** @param onReadings called with each batch the workload sends north; resolves when it is safe on disk */
export function createRunner(
  parts: RunnerParts,
  init: RunnerInit,
  onReadings: Parameters<WorkloadDoor['onReadings']>[0],
): Runner {
  return new ContainerRunner(parts, init, onReadings);
}

/** One step at a time: a halt that comes during a start waits for it, so that nothing is left running by accident. */
class ContainerRunner implements Runner {
  private readonly parts: RunnerParts;
  private readonly init: RunnerInit;
  private readonly onReadings: Parameters<WorkloadDoor['onReadings']>[0];
  private readonly socketsDir: string;
  private readonly steps = new Mutex();
  private readonly ids = new Map<string, string>();
  private door: WorkloadDoor | null = null;
  private unsubscribe: (() => void) | null = null;

  constructor(parts: RunnerParts, init: RunnerInit, onReadings: Parameters<WorkloadDoor['onReadings']>[0]) {
    this.parts = parts;
    this.init = init;
    this.onReadings = onReadings;
    this.socketsDir = join(init.dataDir, 'run', shortId(init.id));
  }

  prepare(layoutDirs: Map<string, string>): Promise<void> {
    return this.steps.run(async () => {
      for (const { imageDigest } of this.init.manifest.services) await this.takeIn(imageDigest, layoutDirs);
      await this.create();
    });
  }

  run(epoch: number, sinceMs: number): Promise<void> {
    return this.steps.run(async () => {
      await this.create();
      this.door ??= this.parts.createDoor(this.socketsDir);
      this.door.onReadings(this.onReadings);
      await this.door.open(epoch);
      this.listen(this.door, sinceMs);
      await Promise.all([...this.ids.values()].map((id) => this.parts.runtime.start(id)));
    });
  }

  halt(graceMs: number): Promise<void> {
    return this.steps.run(() => this.haltNow(graceMs));
  }

  revive(): Promise<string[]> {
    return this.steps.run(async () => {
      if (this.door === null) return [];
      const ended = (await this.existing()).filter(({ status }) => status === 'exited');
      for (const { id } of ended) await this.parts.runtime.start(id);
      return ended.map(({ name }) => name);
    });
  }

  remove(): Promise<void> {
    return this.steps.run(async () => {
      await this.haltNow(0);
      const { runtime } = this.parts;
      for (const { id } of await this.existing()) {
        await runtime.stop(id, 0);
        await runtime.remove(id);
      }
      this.ids.clear();
      await rm(this.socketsDir, { recursive: true, force: true });
    });
  }

  containerIds(): string[] {
    return [...this.ids.values()];
  }

  serving(): boolean {
    return this.door?.connected() ?? false;
  }

  /** Also those that an earlier run of the node made. */
  private async existing(): Promise<ContainerInfo[]> {
    const own = await this.parts.runtime.list(WORKLOAD_LABEL, this.init.id);
    return own.filter(({ labels }) => labels[NODE_LABEL] === this.parts.nodeId);
  }

  private async haltNow(graceMs: number): Promise<void> {
    this.unsubscribe?.();
    this.unsubscribe = null;
    const { runtime } = this.parts;
    const ids = new Set([...this.ids.values(), ...(await this.existing()).map(({ id }) => id)]);
    await Promise.all([...ids].map((id) => runtime.stop(id, graceMs)));
    await this.door?.close();
    this.door = null;
  }

  private listen(door: WorkloadDoor, sinceMs: number): void {
    const { south } = this.parts;
    if (this.unsubscribe !== null || south === null) return;
    const devices = new Set(this.init.manifest.devices);
    for (const frame of south.buffered(devices, sinceMs)) door.push(frame);
    this.unsubscribe = south.subscribe(devices, (frame) => door.push(frame));
  }

  private async takeIn(imageDigest: string, layoutDirs: Map<string, string>): Promise<void> {
    const { runtime } = this.parts;
    if (await runtime.hasImage(imageDigest)) return;
    const layoutDir = layoutDirs.get(imageDigest);
    if (layoutDir === undefined) {
      throw new EdgeError('IMAGE_MISSING', `no image ${imageDigest}`, { context: { imageDigest } });
    }
    const image = await runtime.importImage(layoutDir);
    if (image.digest === imageDigest) return;
    throw new EdgeError('IMAGE_INVALID', 'the image is not the one that was agreed', {
      context: { expected: imageDigest, found: image.digest },
    });
  }

  private async create(): Promise<void> {
    const { nodeId, runtime } = this.parts;
    const { id: workload, manifest } = this.init;
    if (this.ids.size === manifest.services.length) return;
    await mkdir(this.socketsDir, { recursive: true });
    await chmod(this.socketsDir, 0o711);
    for (const { name, imageDigest, command, environment, cpuMillis, memoryBytes, pids } of manifest.services) {
      const id = await runtime.create({
        // Several nodes may share an engine: the name is this node's alone.
        name: `eaas-${nodeId.slice(-8)}-${shortId(workload)}-${name}`,
        imageDigest,
        command,
        environment,
        labels: { [NODE_LABEL]: nodeId, [WORKLOAD_LABEL]: workload, 'eaas.service': name },
        cpuMillis,
        memoryBytes,
        pids,
        socketsDir: this.socketsDir,
      });
      this.ids.set(name, id);
    }
  }
}

/** Containers a crashed node left behind: those of workloads it no longer knows. */
export async function removeStrays(runtime: Runtime, nodeId: string, known: Set<string>): Promise<string[]> {
  const own = await runtime.list(NODE_LABEL, nodeId);
  const strays = own.filter((container) => !known.has(container.labels[WORKLOAD_LABEL] ?? ''));
  for (const { id } of strays) {
    await runtime.stop(id, 0);
    await runtime.remove(id);
  }
  return strays.map(({ name }) => name);
}
