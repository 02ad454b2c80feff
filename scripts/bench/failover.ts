/**
 * How long a takeover takes, and whether a frame is lost: real nodes, real containers, real failures.
 *
 *   node scripts/bench/failover.ts [--runs 10] [--heartbeat 1s] [--runtime auto] [--failure kill|stop]
 *                                  [--serve 2s] [--keep] [--json]
 *
 * Progress goes to standard error, the report to standard output. Fails when a frame was lost.
 */
import { parseArgs } from 'node:util';
import { EdgeError } from '../../market/errors.ts';
import { parseDurationMs } from '../../market/units.ts';
import { exitCodeOf } from '../../node/cli/exit-codes.ts';
import { errorLines } from '../../node/cli/print.ts';
import { type BenchInit, type BenchReport, benchFailover } from './failover/bench.ts';

const RUNTIMES = ['auto', 'docker', 'namespaces', 'process'] as const;
const FAILURES = ['kill', 'stop'] as const;
/** 128 + SIGINT, as shells say it. */
const EXIT_INTERRUPTED = 130;
/** The agreement of a run ends after half an hour. */
const MAX_RUNS = 100;

const OPTIONS = {
  runs: { type: 'string', default: '10' },
  heartbeat: { type: 'string', default: '1s' },
  runtime: { type: 'string', default: 'auto' },
  failure: { type: 'string', default: 'kill' },
  serve: { type: 'string', default: '2s' },
  keep: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

function oneOf<T extends string>(flag: string, allowed: readonly T[], value: string): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw new EdgeError('USAGE', `--${flag} takes ${allowed.join(', ')}, not "${value}"`);
}

function inRange(flag: string, value: number | null, min: number, max: number): number {
  if (value !== null && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new EdgeError('USAGE', `--${flag} is out of range`, { remedy: `give ${min} to ${max}` });
}

/** Reads the command line. Throws `USAGE`. */
export function benchOptions(args: string[]): Omit<BenchInit, 'signal' | 'say'> & { json: boolean } {
  const { values } = parseArgs({ args, options: OPTIONS });
  return {
    runs: inRange('runs', Number(values.runs), 1, MAX_RUNS),
    heartbeatIntervalMs: inRange('heartbeat (ms)', parseDurationMs(values.heartbeat), 50, 60_000),
    serveMs: inRange('serve (ms)', parseDurationMs(values.serve), 0, 60_000),
    runtime: oneOf('runtime', RUNTIMES, values.runtime),
    failure: oneOf('failure', FAILURES, values.failure),
    keep: values.keep,
    json: values.json,
  };
}

function toText({ runtime, runs, takeoverMs, stepsMs, handbackMs, frames, refused }: BenchReport): string {
  return [
    `runtime ${runtime}, ${runs} failures`,
    `takeover  p50 ${takeoverMs.p50} ms, p99 ${takeoverMs.p99} ms`,
    `steps     suspected ${stepsMs.suspect}, decided ${stepsMs.decided}, running ${stepsMs.active} ms (medians)`,
    `handback  p50 ${handbackMs.p50} ms, p99 ${handbackMs.p99} ms`,
    `frames    ${frames.sent} sent, ${frames.accepted} accepted, ${frames.lost} lost, ${refused} refused by epoch`,
  ].join('\n');
}

async function main(): Promise<void> {
  const { json, ...options } = benchOptions(process.argv.slice(2));
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (stopping.signal.aborted) process.exit(EXIT_INTERRUPTED);
      stopping.abort(new EdgeError('INTERRUPTED', 'stopped before the end; nothing was measured'));
    });
  }
  const say = (text: string): void => console.error(text);
  const report = await benchFailover({ ...options, signal: stopping.signal, say });
  console.log(json ? JSON.stringify(report) : toText(report));
  if (report.frames.lost > 0) process.exitCode = 1;
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    for (const line of errorLines(error, false)) console.error(line);
    process.exitCode = exitCodeOf(error);
  }
}
