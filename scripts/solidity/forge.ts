/**
 * Runs test/solidity with forge and reads its report: every test, the calls of every campaign, and whether a campaign
 * neglects one of its moves.
 *
 *   node scripts/solidity/forge.ts [--profile quick | default | nightly]
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import type { Counts } from '../checks/run-mocha.ts';

/** As in foundry.toml. `default` is the depth of CI. */
export type Profile = 'quick' | 'default' | 'nightly';

interface TestResult {
  status: string;
  reason: string | null;
  counterexample: unknown;
  duration: string;
  decoded_logs: string[];
  kind: {
    Fuzz?: { runs: number };
    Invariant?: { runs: number; calls: number; metrics: Record<string, { calls: number }> };
  };
}

/** What `forge test --json` prints: suites, and in each its tests. */
export type ForgeReport = Record<string, { test_results: Record<string, TestResult> }>;

/** What test/solidity/README.md promises for CI. */
const CI_INVARIANT_CALLS = 1_000_000;
const CI_FUZZ_RUNS = 100_000;
/** These take one input and walk from there; they count themselves what they reach. */
const WALKS = /^testFuzz_eachPartyAlone/;
const MIN_SHARE = 0.02;

/** Lines to print, and the counts: each test is one, each broken promise about depth fails as one more. */
export function readReport(report: ForgeReport, isDeep: boolean): Counts & { lines: string[] } {
  const tests = Object.entries(report).flatMap(([suite, { test_results: results }]) =>
    Object.entries(results).map(([name, test]) => ({ suite, name, test })),
  );
  const invariantCalls = tests.reduce((sum, { test }) => sum + (test.kind.Invariant?.calls ?? 0), 0);
  const passed = tests.filter(({ test }) => test.status === 'Success').length;
  const failures = tests.flatMap(({ name, test }) => failuresOf(name, test, isDeep));
  if (isDeep && invariantCalls < CI_INVARIANT_CALLS) {
    failures.push(`${invariantCalls} invariant calls, ${CI_INVARIANT_CALLS} wanted`);
  }
  if (passed === 0) failures.push('no test ran');
  const lines = tests.flatMap(({ suite, name, test }, i) => [
    ...(tests[i - 1]?.suite === suite ? [] : [suite]),
    ...linesOf(name, test),
  ]);
  lines.push(`${invariantCalls} invariant calls`, ...failures.map((failure) => `FAILED ${failure}`));
  return { passed, failed: failures.length, lines };
}

function linesOf(name: string, { status, kind, duration, decoded_logs: logs }: TestResult): string[] {
  const depth = kind.Invariant ? `, ${kind.Invariant.calls} calls` : kind.Fuzz ? `, ${kind.Fuzz.runs} runs` : '';
  const mark = status === 'Success' ? '✔' : '✘';
  const took = duration.split(' ').slice(0, 2).join(' ');
  return [`  ${mark} ${name} (${took}${depth})`, ...(logs ?? []).map((line) => `      ${line}`)];
}

function failuresOf(name: string, test: TestResult, isDeep: boolean): string[] {
  const { Fuzz: fuzz, Invariant: invariant } = test.kind;
  const failures = neglected(name, invariant);
  if (test.status !== 'Success') failures.push(`${name}: ${test.reason} ${JSON.stringify(test.counterexample)}`);
  if (isDeep && fuzz && !WALKS.test(name) && fuzz.runs < CI_FUZZ_RUNS) {
    failures.push(`${name}: ${fuzz.runs} inputs, ${CI_FUZZ_RUNS} wanted`);
  }
  return failures;
}

/** Moves that got less than 2 % of a campaign's calls. */
function neglected(name: string, invariant: TestResult['kind']['Invariant']): string[] {
  if (invariant === undefined) return [];
  const shares = Object.entries(invariant.metrics).map(([move, { calls }]) => ({
    move,
    share: calls / invariant.calls,
  }));
  if (shares.length === 0) return [`${name}: no calls were counted`];
  return shares
    .filter(({ share }) => share < MIN_SHARE)
    .map(({ move, share }) => `${name}: ${move} got ${(share * 100).toFixed(2)} % of the calls, 2 % wanted`);
}

/** Runs all of it, prints what came out and counts it. Uses every core. */
export async function runForge(root: string, profile: Profile, timeoutMs: number): Promise<Counts> {
  const statuses = profile === 'quick' ? { EAAS_EXIT_STATUSES: '1000' } : {};
  const child = spawn(join(root, 'node_modules/.bin/forge'), ['test', '--json', '-vv'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: AbortSignal.timeout(timeoutMs),
    // The compiler is a Node program.
    env: {
      ...statuses,
      ...process.env,
      FOUNDRY_PROFILE: profile,
      PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`,
    },
  });
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code) => resolve(`exit code ${code}`));
  });
  const [output, errors, end] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  const json = output.split('\n').find((line) => line.startsWith('{'));
  if (json === undefined) {
    console.error(`forge gave no report (${end})\n${output}\n${errors}`);
    return { passed: 0, failed: 1 };
  }
  const { passed, failed, lines } = readReport(JSON.parse(json) as ForgeReport, profile !== 'quick');
  console.log(lines.join('\n'));
  return { passed, failed: end === 'exit code 0' ? failed : Math.max(failed, 1) };
}

if (import.meta.main) {
  const { profile } = parseArgs({ options: { profile: { type: 'string', default: 'default' } } }).values;
  if (!['quick', 'default', 'nightly'].includes(profile)) {
    console.error(`--profile takes quick, default or nightly, not "${profile}"`);
    process.exit(2);
  }
  const nightMs = 12 * 3_600_000;
  const { passed, failed } = await runForge(join(import.meta.dirname, '../..'), profile as Profile, nightMs);
  console.log(`\n${passed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}
