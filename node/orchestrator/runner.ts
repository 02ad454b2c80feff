import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeError } from '../../market/errors.ts';
import type { Manifest } from '../../market/workload.ts';
import type { NorthRelay, Runtime, South, WorkloadDoor } from '../ports.ts';

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
  /** Halts and removes containers; images stay. */
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

/**
 * @param id the agreement's id (or the workload hash before there is an agreement); keys containers for recovery
 * @param onReadings called with each batch the workload sends north; resolves when it is safe on disk
 */
export function createRunner(
  parts: RunnerParts,
  init: { id: string; dataDir: string; manifest: Manifest },
  onReadings: Parameters<WorkloadDoor['onReadings']>[0],
): Runner {
  const { runtime, south } = parts;
  const devices = new Set(init.manifest.devices);
  const socketsDir = join(init.dataDir, 'run', shortId(init.id));
  const ids = new Map<string, string>();
  let door: WorkloadDoor | null = null;
  let unsubscribe: (() => void) | null = null;

  const create = async (): Promise<void> => {
    await mkdir(socketsDir, { recursive: true });
    await chmod(socketsDir, 0o711);
    for (const service of init.manifest.services) {
      const id = await runtime.create({
        name: `eaas-${shortId(init.id)}-${service.name}`,
        imageDigest: service.imageDigest,
        command: service.command,
        environment: service.environment,
        labels: { [NODE_LABEL]: parts.nodeId, [WORKLOAD_LABEL]: init.id, 'eaas.service': service.name },
        cpuMillis: service.cpuMillis,
        memoryBytes: service.memoryBytes,
        pids: service.pids,
        socketsDir,
      });
      ids.set(service.name, id);
    }
  };

  return {
    async prepare(layoutDirs) {
      for (const { imageDigest } of init.manifest.services) {
        if (await runtime.hasImage(imageDigest)) continue;
        const layoutDir = layoutDirs.get(imageDigest);
        if (layoutDir === undefined) {
          throw new EdgeError('IMAGE_MISSING', `no image ${imageDigest}`, { context: { imageDigest } });
        }
        const image = await runtime.importImage(layoutDir);
        if (image.digest !== imageDigest) {
          throw new EdgeError('IMAGE_INVALID', 'the image is not the one that was agreed', {
            context: { expected: imageDigest, found: image.digest },
          });
        }
      }
      await create();
    },
    async run(epoch, sinceMs) {
      if (ids.size === 0) await create();
      door ??= parts.createDoor(socketsDir);
      door.onReadings(onReadings);
      await door.open(epoch);
      if (unsubscribe === null && south !== null) {
        const open = door;
        for (const frame of south.buffered(devices, sinceMs)) open.push(frame);
        unsubscribe = south.subscribe(devices, (frame) => open.push(frame));
      }
      await Promise.all([...ids.values()].map((id) => runtime.start(id)));
    },
    async halt(graceMs) {
      unsubscribe?.();
      unsubscribe = null;
      await Promise.all([...ids.values()].map((id) => runtime.stop(id, graceMs)));
      await door?.close();
      door = null;
    },
    async remove() {
      await this.halt(0);
      await Promise.all([...ids.values()].map((id) => runtime.remove(id)));
      ids.clear();
    },
    containerIds: () => [...ids.values()],
    serving: () => door?.connected() ?? false,
  };
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
