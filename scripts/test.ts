/**
 * Runs every test: the contracts' with Hardhat and forge, the others with mocha, one process per folder. When CI=true,
 * lint and types are looked at first and the campaigns run at full depth. The last line counts them. Fails when one
 * fails, when a process does not end by itself, and when no test ran.
 *
 *   node scripts/test.ts [--only <folder>]
 */
import { fork, spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Counts } from './checks/run-mocha.ts';
import { runForge } from './solidity/forge.ts';

const root = join(import.meta.dirname, '..');
const MOCHA_FOLDERS = ['market', 'arbitrator', 'sdk', 'node', 'scripts', 'fakes', 'faults', 'e2e'];
const CONTRACTS = 'contracts';
const CAMPAIGNS = 'campaigns';
const LINT = 'lint';
const FOLDER_TIMEOUT_MS = 15 * 60_000;
/** Far above the minutes that two idle cores take. */
const CAMPAIGNS_TIMEOUT_MS = 45 * 60_000;
/** A test file that leaves a timer or socket open keeps its process alive: that is a leak, so it fails. */
const EXIT_TIMEOUT_MS = 20_000;

/** Reads the totals that Hardhat prints: `12 passing`, `1 failing`. */
export function hardhatCounts(output: string): Counts {
  const last = (word: string) => Number([...output.matchAll(new RegExp(`(\\d+) ${word}`, 'g'))].at(-1)?.[1] ?? 0);
  return { passed: last('passing'), failed: last('failing') };
}

/** Unit tests with Hardhat, gas against the snapshot. */
async function runContracts(): Promise<Counts> {
  if (!existsSync(join(root, 'hardhat.config.ts'))) return { passed: 0, failed: 0 };
  console.log('\n# contracts');
  const unit = await runTool(join(root, 'node_modules/.bin/hardhat'), ['test', 'mocha']);
  const unitCounts = hardhatCounts(unit.output);
  if (unit.code !== 0) unitCounts.failed = Math.max(unitCounts.failed, 1);
  return sum([unitCounts, await runCheck('gas', ['scripts/bench/gas.ts', '--check'])]);
}

/** The Solidity campaigns; in CI at full depth, and the coverage. Last: they take the longest. */
async function runCampaigns(): Promise<Counts> {
  const isCi = process.env.CI === 'true';
  console.log(`\n# ${CAMPAIGNS}: ${isCi ? 'full depth' : 'quick (at full depth: CI=true)'}`);
  const forge = runForge(root, isCi ? 'default' : 'quick', CAMPAIGNS_TIMEOUT_MS);
  // Together: the compilers of both use one core each.
  const coverage = isCi ? [runCheck('coverage', ['scripts/checks/coverage.ts'])] : [];
  return sum(await Promise.all([forge, ...coverage]));
}

function sum(counts: Counts[]): Counts {
  return counts.reduce((total, { passed, failed }) => ({
    passed: total.passed + passed,
    failed: total.failed + failed,
  }));
}

/** A program of ours that passes or fails as a whole. */
async function runCheck(name: string, args: string[]): Promise<Counts> {
  console.log(`\n# check: ${name}`);
  const { code } = await runTool(process.execPath, args);
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

async function runTool(program: string, args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(program, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    signal: AbortSignal.timeout(FOLDER_TIMEOUT_MS),
    env: { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` },
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
    process.stdout.write(chunk);
  });
  const code = await ended(child);
  return { code, output };
}

async function runFolder(folder: string): Promise<Counts> {
  const files = globSync(`test/${folder}/**/*.test.ts`, { cwd: root }).sort();
  if (files.length === 0) return { passed: 0, failed: 0 };
  console.log(`\n# ${folder}`);
  const child = fork(join(root, 'scripts/checks/run-mocha.ts'), files, {
    cwd: root,
    signal: AbortSignal.timeout(FOLDER_TIMEOUT_MS),
  });
  let counts: Counts | null = null;
  const exit = ended(child);
  child.on('message', (message) => {
    counts = message as Counts;
    AbortSignal.timeout(EXIT_TIMEOUT_MS).addEventListener('abort', () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      console.error(`test/${folder}: something is still running ${EXIT_TIMEOUT_MS / 1000} s after the last test`);
      child.kill('SIGKILL');
    });
  });
  const code = await exit;
  const known: Counts = counts ?? { passed: 0, failed: 0 };
  return code === 0 ? known : { ...known, failed: Math.max(known.failed, 1) };
}

function ended(child: ReturnType<typeof spawn>): Promise<number | null> {
  return new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(error.message);
      resolve(null);
    });
    child.on('close', (code) => resolve(code));
  });
}

function runPart(folder: string): Promise<Counts> {
  if (folder === LINT) return runCheck(LINT, ['scripts/check.ts', '--quick']);
  if (folder === CONTRACTS) return runContracts();
  return folder === CAMPAIGNS ? runCampaigns() : runFolder(folder);
}

async function main(): Promise<void> {
  const { only } = parseArgs({ options: { only: { type: 'string' } } }).values;
  const known = [LINT, CONTRACTS, ...MOCHA_FOLDERS, CAMPAIGNS];
  if (only !== undefined && !known.includes(only.split('/')[0] ?? '')) {
    console.error(`--only ${only}: there is no such folder; take one of ${known.join(', ')}, or a folder inside one`);
    process.exitCode = 1;
    return;
  }
  const total: Counts = { passed: 0, failed: 0 };
  const all = process.env.CI === 'true' ? known : known.filter((part) => part !== LINT);
  for (const folder of only === undefined ? all : [only]) {
    const startedAt = performance.now();
    const { passed, failed } = await runPart(folder);
    console.log(`# ${folder} took ${Math.round((performance.now() - startedAt) / 1000)} s`);
    total.passed += passed;
    total.failed += failed;
  }
  if (total.failed > 0 || total.passed === 0) process.exitCode = 1;
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
}

if (import.meta.main) await main();
