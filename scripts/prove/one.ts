/**
 * Checks one property in a process of its own (the compiler is synchronous) and prints `{"verdict", "seconds"}`.
 *
 *   node scripts/prove/one.ts <contract> [--bug] [--query-timeout-sec 60]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { withoutBitVectors } from './arithmetic.ts';
import { PROPERTIES, type Property } from './properties.ts';

export type Verdict = 'proved' | 'violated' | 'unknown';
interface CompilerOutput {
  errors?: { message: string; severity: string; formattedMessage: string }[];
}
interface Compiler {
  compile(input: string, callbacks: object): string;
}

const root = join(import.meta.dirname, '../..');
/** What solc-js itself gives to Z3, without its limit of ten seconds. */
const Z3_OPTIONS = ['fp.spacer.q3.use_qgen=true', 'fp.spacer.mbqi=false', 'fp.spacer.ground_pobs=false'];
const MAX_ANSWER_BYTES = 1 << 28;

function readSource(path: string, bug: Property['bug'] | null): string {
  const file = [join(root, path), join(root, 'node_modules', path)].find((candidate) => existsSync(candidate));
  if (file === undefined) throw new Error(`${path}: there is no such source`);
  const content = readFileSync(file, 'utf8');
  if (bug?.source !== path) return content;
  if (content.split(bug.from).length !== 2) throw new Error(`${path}: "${bug.from}" must occur exactly once`);
  return content.replace(bug.from, () => bug.to);
}

function solve(query: string, timeoutSec: number): { contents: string } {
  const { stdout, error } = spawnSync('z3', ['-smt2', '-in', `-T:${timeoutSec}`, ...Z3_OPTIONS], {
    input: withoutBitVectors(query),
    encoding: 'utf8',
    maxBuffer: MAX_ANSWER_BYTES,
  });
  if (error) throw error;
  return { contents: stdout };
}

function check({ file, contract, engine }: Property, bug: Property['bug'] | null, timeoutSec: number): Verdict {
  const compiler = createRequire(import.meta.url)('solc') as Compiler;
  const modelChecker = {
    engine,
    contracts: { [file]: [contract] },
    targets: ['assert'],
    solvers: ['smtlib2'],
    timeout: timeoutSec * 1000,
    showProvedSafe: true,
    showUnproved: true,
  };
  const settings = { evmVersion: 'cancun', outputSelection: {}, modelChecker };
  const input = { language: 'Solidity', sources: { [file]: { content: readSource(file, bug) } }, settings };
  const output = compiler.compile(JSON.stringify(input), {
    import: (path: string) => ({ contents: readSource(path, bug) }),
    smtSolver: (query: string) => solve(query, timeoutSec),
  });
  return verdictOf(JSON.parse(output) as CompilerOutput);
}

function verdictOf({ errors = [] }: CompilerOutput): Verdict {
  const failed = errors.find(({ severity }) => severity === 'error');
  if (failed) throw new Error(failed.formattedMessage);
  const messages = errors.map(({ message }) => message).filter((message) => /^(CHC|BMC): /.test(message));
  if (messages.some((message) => /violation happens here/.test(message))) return 'violated';
  const safe = messages.filter((message) => /check is safe/.test(message));
  const open = messages.filter((message) => /might happen|Error during interaction/.test(message));
  return safe.length > 0 && open.length === 0 ? 'proved' : 'unknown';
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { bug: { type: 'boolean', default: false }, 'query-timeout-sec': { type: 'string', default: '60' } },
});
const property = PROPERTIES.find(({ contract }) => contract === positionals[0]);
if (!property) throw new Error(`${positionals[0]}: there is no such property`);
const startedAt = performance.now();
const verdict = check(property, values.bug ? property.bug : null, Number(values['query-timeout-sec']));
console.log(JSON.stringify({ verdict, seconds: (performance.now() - startedAt) / 1000 }));
