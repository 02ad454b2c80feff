import type Docker from 'dockerode';
import type { ContainerStats } from 'dockerode';
import type { Clock } from '../../market/ports.ts';
import { dockerArchive } from '../oci/docker-archive.ts';
import { imageInvalid } from '../oci/image-error.ts';
import { readLayout } from '../oci/layout.ts';
import type { ContainerInfo, ContainerSpec, ImageRef, Usage } from '../ports.ts';
import { checkSpec } from './container-spec.ts';
import { allowing, connect, infoOf, plainLog, readProgress, statusCode } from './docker-client.ts';
import { findEngine } from './docker-socket.ts';
import { createOptions } from './docker-spec.ts';
import {
  containerMissing,
  DEFAULT_START_WATCH_MS,
  imageMissing,
  type LocalRuntime,
  runtimeUnavailable,
  startFailed,
} from './local-runtime.ts';

/** Images are found again by a tag made of the manifest's digest; an engine's own image ids are digests of configs. */
const REPOSITORY = 'eaas.local/image';
const SAMPLE_MS = 200;

export interface DockerRuntimeInit {
  clock: Clock;
  /** Searched for when absent; see `docker-socket.ts`. */
  socketPath?: string;
  environment?: Record<string, string | undefined>;
  /** Name of another OCI runtime of the engine, for example `runsc` (which then needs `--host-uds=open`). */
  engineRuntime?: string;
  startWatchMs?: number;
}

/** Containers of the engine on this machine: Docker, or Podman and balenaEngine, which speak the same API. */
export class DockerRuntime implements LocalRuntime {
  readonly name = 'docker';
  readonly warnings: string[] = [];
  private readonly init: DockerRuntimeInit;
  private client: Promise<Docker> | null = null;

  constructor(init: DockerRuntimeInit) {
    this.init = init;
  }

  async check(): Promise<void> {
    const docker = await this.docker();
    const info = await docker.info();
    this.warnings.length = 0;
    if (!info.MemoryLimit) this.warnings.push('The engine cannot limit memory on this kernel.');
    if (!info.PidsLimit) this.warnings.push('The engine cannot limit processes on this kernel.');
    if (!info.CpuCfsQuota) this.warnings.push('The engine cannot limit processor time on this kernel.');
    const security: string[] = info.SecurityOptions ?? [];
    if (!security.some((option) => option.includes('seccomp'))) {
      this.warnings.push('The engine filters no system calls (seccomp is off).');
    }
  }

  async importImage(layoutDir: string): Promise<ImageRef> {
    const layout = await readLayout(layoutDir);
    const digest = layout.manifestDigest;
    if (await this.hasImage(digest)) return { digest };
    const docker = await this.docker();
    try {
      await readProgress(await docker.loadImage(dockerArchive(layout, tagOf(digest)) as NodeJS.ReadableStream));
    } catch (cause) {
      throw imageInvalid('the engine does not take it', { digest }, cause);
    }
    return { digest };
  }

  async hasImage(digest: string): Promise<boolean> {
    const docker = await this.docker();
    try {
      await docker.getImage(tagOf(digest)).inspect();
      return true;
    } catch (error) {
      if (statusCode(error) === 404) return false;
      throw error;
    }
  }

  /** An image that a container still uses (of this node or another on the machine) stays. */
  async removeImage(digest: string): Promise<void> {
    const docker = await this.docker();
    await allowing([404, 409], () => docker.getImage(tagOf(digest)).remove());
  }

  async create(spec: ContainerSpec): Promise<string> {
    checkSpec(spec);
    const docker = await this.docker();
    const existing = await inspect(docker, spec.name);
    if (existing) return existing.Id;
    try {
      const options = createOptions(spec, tagOf(spec.imageDigest), this.init.engineRuntime);
      return (await docker.createContainer(options)).id;
    } catch (error) {
      const status = statusCode(error);
      if (status === 404) throw imageMissing(spec.imageDigest);
      const winner = status === 409 ? await this.untilCreated(docker, spec.name) : null;
      if (winner === null) throw error;
      return winner;
    }
  }

  async start(id: string): Promise<void> {
    const docker = await this.docker();
    const container = docker.getContainer(id);
    try {
      await allowing([304], () => container.start());
    } catch (error) {
      const status = statusCode(error);
      if (status === undefined) throw error;
      if (status === 404 && !(await inspect(docker, id))) throw containerMissing(id);
      throw startFailed(id, null, (error as Error).message, error);
    }
    const exitCode = await this.watchStart(container);
    if (exitCode !== null) throw startFailed(id, exitCode, await this.lastOutput(docker, id));
  }

  async stop(id: string, graceMs: number): Promise<void> {
    const docker = await this.docker();
    // The engine counts in seconds.
    await allowing([304, 404], () => docker.getContainer(id).stop({ t: Math.ceil(graceMs / 1000) }));
  }

  async remove(id: string): Promise<void> {
    const docker = await this.docker();
    await allowing([404], () => docker.getContainer(id).remove({ force: true, v: true }));
  }

  async list(label: string, value?: string): Promise<ContainerInfo[]> {
    const docker = await this.docker();
    const filters = { label: [value === undefined ? label : `${label}=${value}`] };
    const found = await docker.listContainers({ all: true, filters });
    const details = await Promise.all(found.map(({ Id }) => inspect(docker, Id)));
    return details.filter((detail) => detail !== null).map(infoOf);
  }

  async sample(id: string): Promise<Usage> {
    const docker = await this.docker();
    if (!(await inspect(docker, id))) throw containerMissing(id);
    const before = await usage(docker, id);
    const startMs = this.init.clock.nowMs();
    await this.init.clock.sleep(SAMPLE_MS);
    const after = await usage(docker, id);
    const elapsedMs = Math.max(1, this.init.clock.nowMs() - startMs);
    const cpuMillis = Math.round(Math.max(0, after.cpuNs - before.cpuNs) / 1000 / elapsedMs);
    return { cpuMillis, memoryBytes: after.memoryBytes };
  }

  async logs(id: string): Promise<string> {
    const docker = await this.docker();
    const log = await docker.getContainer(id).logs({ stdout: true, stderr: true, tail: 1000 });
    return plainLog(log as unknown as Buffer);
  }

  async pids(id: string): Promise<number[]> {
    const docker = await this.docker();
    const found = await inspect(docker, id);
    if (!found?.State.Running) return [];
    const { Titles, Processes } = await docker.getContainer(id).top({ ps_args: '-eo pid' });
    const column = Titles.indexOf('PID');
    const pids = (Processes as string[][]).map((row) => Number(row[column]));
    return [found.State.Pid, ...pids.filter((pid) => pid !== found.State.Pid)];
  }

  /** Another call of the same name was faster; an engine reserves the name before it shows the container. */
  private async untilCreated(docker: Docker, name: string): Promise<string | null> {
    for (let attempt = 0; attempt < 50; attempt += 1) {
      const found = await inspect(docker, name);
      if (found) return found.Id;
      await this.init.clock.sleep(20);
    }
    return null;
  }

  /** What the last start has printed; an engine keeps the logs of earlier ones as well. */
  private async lastOutput(docker: Docker, id: string): Promise<string> {
    const startedAt = (await inspect(docker, id))?.State.StartedAt;
    const since = startedAt === undefined ? 0 : Date.parse(startedAt) / 1000;
    const log = await docker.getContainer(id).logs({ stdout: true, stderr: true, since, tail: 1000 });
    return plainLog(log as unknown as Buffer);
  }

  /** The exit code when the container ends within the watch, else null. */
  private async watchStart(container: Docker.Container): Promise<number | null> {
    const done = new AbortController();
    const ended = container.wait({ abortSignal: done.signal }).then(
      (answer: { StatusCode: number }) => answer.StatusCode,
      () => null,
    );
    const passed = this.init.clock.sleep(this.init.startWatchMs ?? DEFAULT_START_WATCH_MS, done.signal).then(
      () => null,
      () => null,
    );
    const exitCode = await Promise.race([ended, passed]);
    done.abort();
    return exitCode;
  }

  private docker(): Promise<Docker> {
    this.client ??= this.open().catch((error) => {
      this.client = null;
      throw error;
    });
    return this.client;
  }

  private async open(): Promise<Docker> {
    const search = this.init.socketPath
      ? { socketPath: this.init.socketPath, reasons: [] }
      : await findEngine(this.init.environment ?? process.env);
    if (!search.socketPath) {
      throw runtimeUnavailable(
        'docker',
        `no engine answers (${search.reasons.join('; ')})`,
        'Start Docker, Podman or balenaEngine, or choose the runtime namespaces.',
      );
    }
    const docker = await connect(search.socketPath);
    await docker.ping().catch((cause) => {
      throw runtimeUnavailable('docker', `the engine at ${search.socketPath} does not answer`, 'Start it.', cause);
    });
    return docker;
  }
}

function tagOf(digest: string): string {
  return `${REPOSITORY}:${digest.replace(':', '-')}`;
}

async function inspect(docker: Docker, idOrName: string): Promise<Docker.ContainerInspectInfo | null> {
  try {
    return await docker.getContainer(idOrName).inspect();
  } catch (error) {
    if (statusCode(error) === 404) return null;
    throw error;
  }
}

async function usage(docker: Docker, id: string): Promise<{ cpuNs: number; memoryBytes: number }> {
  const query = { stream: false as const, 'one-shot': true };
  const stats: ContainerStats = await docker.getContainer(id).stats(query);
  const cache = stats.memory_stats?.stats?.total_inactive_file ?? stats.memory_stats?.stats?.inactive_file ?? 0;
  return {
    cpuNs: stats.cpu_stats?.cpu_usage?.total_usage ?? 0,
    memoryBytes: Math.max(0, (stats.memory_stats?.usage ?? 0) - cache),
  };
}
