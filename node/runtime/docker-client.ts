import type Docker from 'dockerode';
import type { ContainerInspectInfo } from 'dockerode';
import type { ContainerInfo } from '../ports.ts';

/** Loaded when it is needed: dockerode takes a fifth of a second, and most nodes of a test need none. */
export async function connect(socketPath: string): Promise<Docker> {
  const module = await import('dockerode');
  // CommonJS: bundled, the class is the module; imported, it is the default export.
  const Client = (module as unknown as { default?: typeof Docker }).default ?? (module as unknown as typeof Docker);
  return new Client({ socketPath });
}

/** The engine's HTTP status, or undefined when it did not answer at all. */
export function statusCode(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown }).statusCode;
  return typeof status === 'number' ? status : undefined;
}

/** Runs a call where some statuses mean "already so": 304 not modified, 404 gone. */
export async function allowing(statuses: number[], call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    const status = statusCode(error);
    if (status === undefined || !statuses.includes(status)) throw error;
  }
}

export function infoOf(found: ContainerInspectInfo): ContainerInfo {
  const { Status, ExitCode } = found.State;
  const ended = Status === 'exited' || Status === 'dead' || Status === 'removing';
  return {
    id: found.Id,
    name: found.Name.replace(/^\//, ''),
    labels: found.Config.Labels ?? {},
    status: Status === 'created' ? 'created' : ended ? 'exited' : 'running',
    exitCode: ended ? ExitCode : null,
  };
}

/** Takes the 8-byte headers (stream, length) out of an engine's log, both streams in order. */
export function plainLog(multiplexed: Buffer): string {
  const parts: Buffer[] = [];
  let at = 0;
  while (at + 8 <= multiplexed.length) {
    const length = multiplexed.readUInt32BE(at + 4);
    parts.push(multiplexed.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(parts).toString('utf8');
}

/** Waits for a `docker load` to end; an engine reports its failure inside the answer's body. */
export async function readProgress(answer: NodeJS.ReadableStream): Promise<void> {
  let text = '';
  for await (const chunk of answer) {
    text = (text + chunk.toString()).slice(-64 * 1024);
  }
  const failure = /"error":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1];
  if (failure !== undefined) throw new Error(failure);
}
