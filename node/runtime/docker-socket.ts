import { lstat } from 'node:fs/promises';
import { request } from 'node:http';

const PING_TIMEOUT_MS = 3000;

/** Where an engine may listen, most explicit first: Docker, Podman (of the user, of the machine), balenaEngine. */
export function socketCandidates(environment: Record<string, string | undefined>): string[] {
  const host = environment.DOCKER_HOST;
  // An engine elsewhere cannot mount our sockets folder, so only local ones count.
  if (host) return host.startsWith('unix://') ? [host.slice('unix://'.length)] : [];
  const runtimeDir = environment.XDG_RUNTIME_DIR;
  return [
    '/var/run/docker.sock',
    ...(runtimeDir ? [`${runtimeDir}/podman/podman.sock`] : []),
    '/run/podman/podman.sock',
    '/run/balena-engine.sock',
  ];
}

export interface EngineSearch {
  /** The first socket where an engine answers. */
  socketPath: string | null;
  /** What was found instead, a clause per candidate. */
  reasons: string[];
}

export async function findEngine(environment: Record<string, string | undefined>): Promise<EngineSearch> {
  const candidates = socketCandidates(environment);
  if (candidates.length === 0) {
    return { socketPath: null, reasons: [`DOCKER_HOST (${environment.DOCKER_HOST}) is not a unix socket`] };
  }
  const reasons: string[] = [];
  for (const socketPath of candidates) {
    const reason = await whyNot(socketPath);
    if (reason === null) return { socketPath, reasons };
    reasons.push(`${socketPath}: ${reason}`);
  }
  return { socketPath: null, reasons };
}

async function whyNot(socketPath: string): Promise<string | null> {
  const found = await lstat(socketPath).catch(() => null);
  if (!found) return 'not there';
  try {
    const status = await ping(socketPath);
    return status === 200 ? null : `answered ${status}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
  }
}

/** Plain HTTP, because loading dockerode only to find no engine costs a fifth of a second. */
function ping(socketPath: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(PING_TIMEOUT_MS);
    const call = request({ socketPath, path: '/_ping', signal }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    call.on('error', reject);
    call.end();
  });
}
