import { EdgeError } from '../../market/errors.ts';
import type { Runtime } from '../ports.ts';

/** What every runtime of this folder offers beyond the port, for operators, the demo and tests. */
export interface LocalRuntime extends Runtime {
  /** What this runtime does not isolate or limit here, one sentence each. Empty when nothing is amiss. */
  readonly warnings: readonly string[];
  /** The last output of a container, oldest line first; at most about 1 MiB is kept. */
  logs(id: string): Promise<string>;
  /** The machine's process ids of a running container, its first process first; empty when it does not run. */
  pids(id: string): Promise<number[]>;
}

export const SOCKETS_MOUNT = '/run/eaas';

/** Tells a program where its sockets are, for the runtime that cannot mount them at `SOCKETS_MOUNT`. */
export const SOCKETS_VARIABLE = 'EAAS_SOCKETS_DIR';

/** How long a started container is watched for an early end. */
export const DEFAULT_START_WATCH_MS = 250;

export function runtimeUnavailable(
  runtime: string,
  reason: string,
  remedy: string,
  cause?: unknown,
): EdgeError<'RUNTIME_UNAVAILABLE'> {
  return new EdgeError('RUNTIME_UNAVAILABLE', `The runtime ${runtime} cannot be used: ${reason}.`, {
    context: { runtime, reason },
    remedy,
    cause,
  });
}

export function containerMissing(id: string): EdgeError<'CONTAINER_MISSING'> {
  return new EdgeError('CONTAINER_MISSING', `There is no container ${id}.`, { context: { id } });
}

export function imageMissing(digest: string): EdgeError<'IMAGE_MISSING'> {
  return new EdgeError('IMAGE_MISSING', `The image ${digest} has not been taken in.`, {
    context: { digest },
    remedy: 'Fetch the image of the agreement again.',
  });
}

/** A container that ended within the watch, or that could not be started at all. */
export function startFailed(
  id: string,
  exitCode: number | null,
  output: string,
  cause?: unknown,
): EdgeError<'CONTAINER_START_FAILED'> {
  const firstLines = output.split('\n').slice(0, 10).join('\n').slice(0, 2000).trim();
  const how = exitCode === null ? 'could not be started' : `ended at once with code ${exitCode}`;
  return new EdgeError('CONTAINER_START_FAILED', `The container ${id} ${how}${firstLines && `: ${firstLines}`}`, {
    context: { id, exitCode, output: firstLines },
    remedy: 'The image or its command is at fault: ask its owner to run it on a machine of their own.',
    cause,
  });
}
