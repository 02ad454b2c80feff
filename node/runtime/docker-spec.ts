import { availableParallelism } from 'node:os';
import type { ContainerCreateOptions } from 'dockerode';
import type { ContainerSpec } from '../ports.ts';
import { SOCKETS_MOUNT, SOCKETS_VARIABLE } from './local-runtime.ts';

/** The least that Docker accepts. */
const MIN_MEMORY_BYTES = 6 * 1024 * 1024;

/** `nobody`: owns nothing in the image and nothing on the machine. */
const USER = '65534:65534';

/**
 * What a stranger's container gets from an engine: no network, no capabilities, nothing to write but 16 MiB of `/tmp`,
 * limits on everything, and one folder with two sockets.
 */
export function createOptions(spec: ContainerSpec, image: string, engineRuntime?: string): ContainerCreateOptions {
  const memoryBytes = Math.max(spec.memoryBytes, MIN_MEMORY_BYTES);
  const environment = { ...spec.environment, [SOCKETS_VARIABLE]: SOCKETS_MOUNT };
  return {
    name: spec.name,
    Image: image,
    ...(spec.command && { Entrypoint: [], Cmd: spec.command }),
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    Labels: spec.labels,
    User: USER,
    Hostname: 'eaas',
    NetworkDisabled: true,
    // An image's own health command would run beside the workload, unseen by us.
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      NetworkMode: 'none',
      IpcMode: 'none',
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      Tmpfs: { '/tmp': 'rw,noexec,nosuid,nodev,size=16m,mode=1777' },
      // Read-only holds for files; a socket can be connected to all the same.
      Binds: [`${spec.socketsDir}:${SOCKETS_MOUNT}:ro`],
      PidsLimit: spec.pids,
      Memory: memoryBytes,
      MemorySwap: memoryBytes,
      NanoCpus: Math.min(spec.cpuMillis, availableParallelism() * 1000) * 1_000_000,
      OomScoreAdj: 500,
      Ulimits: [
        { Name: 'nofile', Soft: 1024, Hard: 1024 },
        { Name: 'core', Soft: 0, Hard: 0 },
      ],
      LogConfig: { Type: 'json-file', Config: { 'max-size': '512k', 'max-file': '2' } },
      RestartPolicy: { Name: 'no' },
      ...(engineRuntime && { Runtime: engineRuntime }),
    },
  };
}
