import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { EdgeError } from '../../market/errors.ts';
import { systemClock } from '../../node/clock.ts';

const POLL_MS = 50;

/** A program started for a devnet or a demo: its own OS process, its output in its own log file. */
export interface Program {
  readonly name: string;
  readonly child: ChildProcess;
  readonly logFile: string;
  /** Resolves with the exit code or the signal's name. */
  readonly exited: Promise<number | string>;
  /** SIGTERM, then SIGKILL when it does not end in time. */
  stop(graceMs?: number): Promise<void>;
  /** SIGKILL: what a power cut does to a process. */
  kill(): Promise<void>;
}

/** `stdin` stays open as a control channel; `onLine` gets each line of standard output. */
export function startProgram(init: {
  name: string;
  command: string;
  args: string[];
  logFile: string;
  env?: Record<string, string>;
  onLine?: (line: string) => void;
}): Program {
  const child = spawn(init.command, init.args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...init.env },
    // Its own process group: Ctrl-C reaches the program that started it only, which then stops all in order.
    detached: true,
  });
  const log = createWriteStream(init.logFile, { flags: 'a' });
  child.stderr?.pipe(log, { end: false });
  child.stdout?.pipe(log, { end: false });
  if (init.onLine !== undefined) eachLine(child, init.onLine);
  const exited = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  void exited.then(() => log.end());
  return {
    name: init.name,
    child,
    logFile: init.logFile,
    exited,
    async stop(graceMs = 5_000) {
      child.kill('SIGTERM');
      const ended = new AbortController();
      void exited.then(() => ended.abort());
      await systemClock()
        .sleep(graceMs, ended.signal)
        .then(() => child.kill('SIGKILL'))
        .catch(() => undefined);
      await exited;
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function eachLine(child: ChildProcess, onLine: (line: string) => void): void {
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
}

/**
 * Asks until `attempt` gives a value; throws `NOT_READY` with the last reason after `timeoutMs`, or as soon as `program`,
 * which should bring it about, has ended.
 */
export async function until<T>(
  what: string,
  timeoutMs: number,
  attempt: () => Promise<T | null>,
  program?: Program,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown = null;
  while (performance.now() < deadline) {
    if (program !== undefined && hasEnded(program)) throw await endedEarly(program);
    try {
      const value = await attempt();
      if (value !== null) return value;
    } catch (error) {
      last = error;
    }
    await systemClock().sleep(POLL_MS);
  }
  throw new EdgeError('NOT_READY', `${what} did not happen within ${timeoutMs / 1000} s`, {
    context: { reason: last === null ? undefined : String(last) },
    remedy: 'look into the log files of the run',
    cause: last,
  });
}

function hasEnded({ child }: Program): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** With the program's own last words. */
async function endedEarly(program: Program): Promise<EdgeError> {
  const words = await readFile(program.logFile, 'utf8').catch(() => '');
  const last = words
    .split('\n')
    .filter((line) => line.startsWith('error: '))
    .at(-1);
  return new EdgeError('PROGRAM_ENDED', `${program.name} ended at once: ${last ?? (await program.exited)}`, {
    context: { program: program.name, logFile: program.logFile },
    remedy: `read ${program.logFile}`,
  });
}

/** A TCP port that was free a moment ago; with `wanted`, that one. Throws `PORT_TAKEN`. */
export async function freePort(wanted = 0): Promise<number> {
  const server = createServer();
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen(wanted, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : wanted);
    });
  }).catch((cause) => {
    throw new EdgeError('PORT_TAKEN', `port ${wanted} is taken`, {
      context: { port: wanted },
      remedy: 'stop what listens there (another run with the same folder?), or start afresh with --reset',
      cause,
    });
  });
  await new Promise((resolve) => server.close(resolve));
  return port;
}
