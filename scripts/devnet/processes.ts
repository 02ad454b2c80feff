import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
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
    stop: (graceMs = 5_000) => stopChild(child, exited, graceMs),
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function stopChild(child: ChildProcess, exited: Promise<unknown>, graceMs: number): Promise<void> {
  child.kill('SIGTERM');
  const ended = new AbortController();
  void exited.then(() => ended.abort());
  await systemClock()
    .sleep(graceMs, ended.signal)
    .then(() => child.kill('SIGKILL'))
    .catch(() => undefined);
  await exited;
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

/** The work's outcome, or the signal's reason as soon as it aborts: what the work waits for may never come then. */
export async function orAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  // Whoever comes second is not listened to any more.
  work.catch(() => undefined);
  return Promise.race([work, aborted]);
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

/** Below the range that systems take outgoing connections' ports from: nobody else gets one of these by chance. */
const PORTS = { from: 20_000, to: 32_000 };
const PORT_ATTEMPTS = 50;

/** A TCP port that is free now. Throws `PORT_TAKEN` when none is found. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < PORT_ATTEMPTS; attempt += 1) {
    const port = randomInt(PORTS.from, PORTS.to);
    if (await canListen(port)) return port;
  }
  throw portTaken(`no port from ${PORTS.from} to ${PORTS.to}`);
}

/** The port again, if nobody listens there. Throws `PORT_TAKEN`. */
export async function samePort(port: number): Promise<number> {
  if (await canListen(port)) return port;
  throw portTaken(`port ${port} is taken`);
}

function portTaken(message: string): EdgeError {
  return new EdgeError('PORT_TAKEN', message, {
    remedy: 'stop what listens there (another run with the same folder?), or start afresh with --reset',
  });
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer();
  const isFree = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (isFree) await new Promise((resolve) => server.close(resolve));
  return isFree;
}
