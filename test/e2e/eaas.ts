import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../node/clock.ts';
import type { RuntimeName } from '../../node/ports.ts';
import { selectRuntime } from '../../node/runtime/select.ts';

export const ROOT = join(import.meta.dirname, '..', '..');
const PROGRAM = join(ROOT, 'dist', 'eaas.js');
/** After SIGTERM a program that started others needs a moment to stop them. */
const STOP_MS = 15_000;

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  /** The first line of standard output that matches; rejects when the program ends before. */
  line(pattern: RegExp): Promise<string>;
  /** SIGTERM, as `kill` sends it. */
  stop(): Promise<Ended>;
  ended: Promise<Ended>;
}

/** Starts the built program, as a person does. */
export function startEaas(args: string[], options: { cwd?: string } = {}): Running {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: options.cwd ?? ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    for (const listener of listeners) listener();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
  return {
    ended,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = stdout
            .split('\n')
            .slice(0, -1)
            .find((line) => pattern.test(line));
          if (found !== undefined) resolve(found);
        };
        listeners.add(look);
        look();
        void ended.then(({ code }) =>
          reject(new Error(`it ended with ${code} before ${pattern}\n${stdout}\n${stderr}`)),
        );
      }),
    async stop() {
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      const result = await ended;
      clearTimeout(force);
      return result;
    },
  };
}

/** Runs the built program to its end; it is stopped after `timeoutMs`. */
export async function eaas(args: string[], options: { cwd?: string; timeoutMs?: number } = {}): Promise<Ended> {
  const running = startEaas(args, options);
  const limit = setTimeout(() => void running.stop(), options.timeoutMs ?? 20_000);
  const result = await running.ended;
  clearTimeout(limit);
  return result;
}

/** Which runtimes work on this machine. Docker counts as there when `EAAS_REQUIRE_DOCKER=1`: then it must work. */
export async function availableRuntimes(): Promise<RuntimeName[]> {
  const dataDir = await mkdtemp(join(tmpdir(), 'eaas-probe-'));
  const works = async (name: RuntimeName): Promise<boolean> => {
    if (name === 'docker' && process.env.EAAS_REQUIRE_DOCKER === '1') return true;
    const init = { dataDir, allowProcess: true, environment: process.env, clock: systemClock() };
    return selectRuntime(name, init).then(
      () => true,
      () => false,
    );
  };
  const names: RuntimeName[] = ['docker', 'namespaces', 'process'];
  const answers = await Promise.all(names.map(works));
  await rm(dataDir, { recursive: true, force: true });
  return names.filter((_, index) => answers[index]);
}
