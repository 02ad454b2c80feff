/**
 * One worker of the mutation run: takes mutants over IPC, compiles each, puts it into its own copy of the checkout and
 * runs the contracts' mocha tests there until one fails.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileTarget, TARGETS } from './compiler.ts';
import { applyMutant, type Mutant } from './operators.ts';

/** `invalid` does not compile, `equivalent` compiles to the same code: neither counts. */
export type Fate = 'killed' | 'survived' | 'timeout' | 'invalid' | 'equivalent';
export interface Outcome {
  id: string;
  fate: Fate;
  seconds: number;
  /** The first test that failed. */
  by?: string;
}

const root = join(import.meta.dirname, '../..');
const COPIED = ['contracts', 'market', 'arbitrator', 'sdk', 'scripts', 'test', 'types', 'artifacts', 'package.json'];
const TEST_TIMEOUT_MS = 180_000;
/** Not optimized, the escrow is larger than the chain allows. */
const CONFIG = `import config from './hardhat.base.config.ts';
const networks = { default: { type: 'edr-simulated', allowUnlimitedContractSize: true } };
export default { ...config, networks };
`;

async function copyOfCheckout(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'eaas-mutate-'));
  for (const name of COPIED) await cp(join(root, name), join(copy, name), { recursive: true });
  await cp(join(root, 'hardhat.config.ts'), join(copy, 'hardhat.base.config.ts'));
  await writeFile(join(copy, 'hardhat.config.ts'), CONFIG);
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  // Deploys with Ignition, which compiles by itself.
  await rm(join(copy, 'test/contracts/deploy.test.ts'), { force: true });
  return copy;
}

async function place(copy: string, target: string, bytecode: string): Promise<void> {
  const path = join(copy, 'artifacts/contracts', `${target}.sol`, `${target}.json`);
  const artifact = JSON.parse(await readFile(path, 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...artifact, bytecode: `0x${bytecode}` }));
}

function runTests(copy: string): Promise<{ fate: Fate; by?: string }> {
  const hardhat = join(copy, 'node_modules/hardhat/dist/src/cli.js');
  const args = [hardhat, 'test', 'mocha', '--no-compile', '--bail'];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: copy, timeout: TEST_TIMEOUT_MS }, (error, stdout) => {
      if (error?.killed) return resolve({ fate: 'timeout' });
      if (!error && / passing/.test(stdout)) return resolve({ fate: 'survived' });
      resolve({
        fate: 'killed',
        by: stdout
          .split('\n')
          .find((line) => /^\s+1\) /.test(line))
          ?.trim(),
      });
    });
  });
}

async function work(): Promise<void> {
  const copy = await copyOfCheckout();
  const originals = new Map<string, string>();
  for (const target of Object.keys(TARGETS)) {
    const { bytecode } = compileTarget(copy, target);
    if (bytecode === null) throw new Error(`${target} does not compile`);
    originals.set(target, bytecode);
    await place(copy, target, bytecode);
  }

  const judge = async (mutant: Mutant): Promise<{ fate: Fate; by?: string }> => {
    const target = Object.keys(TARGETS).find((name) => TARGETS[name]?.includes(mutant.source)) ?? '';
    const content = await readFile(join(copy, mutant.source), 'utf8');
    const { bytecode } = compileTarget(copy, target, new Map([[mutant.source, applyMutant(content, mutant)]]));
    const original = originals.get(target) ?? '';
    if (bytecode === null) return { fate: 'invalid' };
    if (bytecode === original) return { fate: 'equivalent' };
    await place(copy, target, bytecode);
    const result = await runTests(copy);
    await place(copy, target, original);
    return result;
  };

  process.on('message', async (mutant: Mutant | 'done') => {
    if (mutant === 'done') {
      await rm(copy, { recursive: true, force: true });
      process.disconnect();
      return;
    }
    const startedAt = performance.now();
    const result = await judge(mutant);
    process.send?.({ id: mutant.id, seconds: (performance.now() - startedAt) / 1000, ...result } satisfies Outcome);
  });
  // Unchanged, everything must pass: otherwise every mutant would count as killed.
  process.send?.({ id: '', seconds: 0, ...(await runTests(copy)) } satisfies Outcome);
}

await work();
