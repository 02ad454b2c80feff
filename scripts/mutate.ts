/**
 * Changes the contracts in small ways and sees whether the tests notice. Prints survivors and the share of mutants
 * killed; fails below --least.
 *
 *   node scripts/mutate.ts [--sample 40 --seed 1] [--only <part of a path>] [--survivors-of report.json]
 *                          [--least 95] [--out report.json] [--json] [--list]
 */
import { fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compileTarget, TARGETS } from './mutate/compiler.ts';
import { type Mutant, mutantsOf } from './mutate/operators.ts';
import { sample } from './mutate/sample.ts';
import type { Outcome } from './mutate/worker.ts';

const root = join(import.meta.dirname, '..');
const WORKERS = 2;
const { values } = parseArgs({
  options: {
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    'survivors-of': { type: 'string' },
    least: { type: 'string', default: '95' },
    out: { type: 'string' },
    list: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

function allMutants(): Mutant[] {
  return Object.entries(TARGETS).flatMap(([target, sources]) => {
    const { asts } = compileTarget(root, target);
    return sources.flatMap((source) => {
      const ast = asts.get(source);
      if (!ast) throw new Error(`${source} is no part of ${target}`);
      return mutantsOf(source, readFileSync(join(root, source), 'utf8'), ast);
    });
  });
}

function survivorsOf(report: string): Set<string> {
  const { results } = JSON.parse(readFileSync(report, 'utf8')) as { results: Outcome[] };
  return new Set(results.filter(({ fate }) => fate === 'survived').map(({ id }) => id));
}

/** Runs one worker until nothing waits. */
function runWorker(waiting: Mutant[], report: (outcome: Outcome) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, 'mutate/worker.ts'));
    child.on('message', (message) => {
      const outcome = message as Outcome;
      if (outcome.id !== '') report(outcome);
      else if (outcome.fate !== 'survived') {
        child.kill();
        reject(new Error(`the tests fail without any change (${outcome.by ?? outcome.fate}): build, and repair them`));
        return;
      }
      child.send(waiting.shift() ?? 'done');
    });
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`))));
  });
}

const describeMutant = ({ source, line, operator, from, to }: Mutant): string =>
  `${source}:${line} ${operator}: ${from.replaceAll(/\s+/g, ' ')} -> ${to.replaceAll(/\s+/g, ' ') || '(nothing)'}`;

function summaryOf(results: (Mutant & Outcome)[]) {
  const count = (fate: string) => results.filter((result) => result.fate === fate).length;
  const killed = count('killed') + count('timeout');
  const mutants = killed + count('survived');
  return {
    mutants,
    killed,
    percent: mutants === 0 ? 0 : Math.floor((10_000 * killed) / mutants) / 100,
    invalid: count('invalid'),
    equivalent: count('equivalent'),
    survivors: results.filter(({ fate }) => fate === 'survived').map(describeMutant),
  };
}

async function main(): Promise<void> {
  if (values.sample !== undefined && !/^[1-9]\d*$/.test(values.sample)) {
    console.error(`--sample takes a number of mutants, not "${values.sample}"`);
    process.exitCode = 2;
    return;
  }
  const again = values['survivors-of'] === undefined ? null : survivorsOf(values['survivors-of']);
  const all = allMutants().filter(({ source, id }) => source.includes(values.only) && (again?.has(id) ?? true));
  const mutants = values.sample ? sample(all, Number(values.sample), Number(values.seed)) : all;
  if (values.list) {
    for (const mutant of mutants) console.log(describeMutant(mutant));
    console.log(`${mutants.length} mutants`);
    return;
  }
  const byId = new Map(mutants.map((mutant) => [mutant.id, mutant]));
  const results: (Mutant & Outcome)[] = [];
  const waiting = [...mutants];
  const report = (outcome: Outcome) => {
    const mutant = byId.get(outcome.id);
    if (!mutant) return;
    results.push({ ...mutant, ...outcome });
    if (outcome.fate === 'survived' && !values.json) console.log(`survived  ${describeMutant(mutant)}`);
    // Each time: a run takes hours, and what it found so far is worth something.
    if (values.out) writeFileSync(values.out, `${JSON.stringify({ ...summaryOf(results), results }, null, 2)}\n`);
  };
  await Promise.all(Array.from({ length: WORKERS }, () => runWorker(waiting, report)));

  const summary = summaryOf(results);
  if (values.json) console.log(JSON.stringify(summary, null, 2));
  else console.log(`${summary.killed} of ${summary.mutants} mutants killed: ${summary.percent} %`);
  if (summary.percent < Number(values.least)) process.exitCode = 1;
}

await main();
