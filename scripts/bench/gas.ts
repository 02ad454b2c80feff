/**
 * What each step costs, from receipts of an in-process chain. Needs a build.
 *
 *   npm run -s bench:gas -- [--json] [--all] [--write | --check]
 *
 * `repeat`: third repetition by the same parties on the same lane, with a sibling agreement of theirs left open.
 * `first`: parties that have deposited and never had an agreement; a lane that was never used.
 * `open` is relayed with both signatures, `openBySender` and `settle` are sent by the customer with the provider's
 * signature. `--all` adds the other paths (all relayed, claim to the end, foreign arbitrator).
 * `--write` stores the figures in scripts/bench/gas/snapshot.json, `--check` fails where one moved by more than 2 %.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Bench, bothSign, createBench, SIBLING_LANE, termsOf } from './gas/bench.ts';
import * as paths from './gas/paths.ts';

const KEYS = [
  'open',
  'openBySender',
  'settle',
  'lifecycle',
  'claim',
  'report',
  'concede',
  'dispute',
  'rule',
  'disputePath',
  'anchor',
  'batch10PerAgreement',
  'deposit',
  'withdraw',
] as const;
const SNAPSHOT = join(import.meta.dirname, 'gas/snapshot.json');
const REPETITIONS = 3;
const TOLERANCE = 0.02;
const FUNDS = 100_000_000_000n;

const PATHS: paths.Path[] = [
  paths.vault,
  paths.relayed,
  paths.bySender,
  paths.claimed,
  paths.conceded,
  paths.disputed,
  paths.disputedForeign,
  paths.disputedKleros,
  paths.anchoredBatch,
  paths.batched,
];

interface Figures {
  repeat: paths.Gas;
  first: paths.Gas;
}

async function fund(bench: Bench): Promise<void> {
  for (const owner of [bench.customer, bench.provider]) {
    await bench.escrow.connect(owner).deposit(bench.addresses.token, FUNDS);
  }
}

/** Every path on a chain of its own, so that none prepares the state for another. */
async function measureFirst(path: paths.Path): Promise<paths.Gas> {
  const bench = await createBench();
  if (path !== paths.vault) await fund(bench);
  const gas = await path(bench, 10);
  await bench.session.close();
  return gas;
}

async function measureRepeat(path: paths.Path): Promise<paths.Gas> {
  const bench = await createBench();
  await fund(bench);
  const sibling = await termsOf(bench, SIBLING_LANE);
  const signatures = await bothSign(bench, 'Terms', sibling);
  await bench.escrow.connect(bench.relayer).open({ ...sibling }, ...signatures);
  let gas: paths.Gas = {};
  for (let i = 0; i < REPETITIONS; i += 1) {
    // The next agreement of a lane needs a later openBy.
    await bench.session.networkHelpers.time.increase(60);
    gas = await path(bench, 10);
  }
  await bench.session.close();
  return gas;
}

async function measure(): Promise<Figures> {
  const figures: Figures = { repeat: {}, first: {} };
  for (const path of PATHS) {
    Object.assign(figures.first, await measureFirst(path));
    Object.assign(figures.repeat, await measureRepeat(path));
  }
  for (const gas of [figures.repeat, figures.first]) gas.lifecycle = (gas.open ?? 0) + (gas.settle ?? 0);
  return figures;
}

function pick(gas: paths.Gas): paths.Gas {
  return Object.fromEntries(KEYS.map((key) => [key, gas[key] ?? 0]));
}

/** Lines that say what moved by more than the tolerance, appeared or went. */
function changes(before: Figures, after: Figures): string[] {
  const lines: string[] = [];
  for (const state of ['repeat', 'first'] as const) {
    for (const key of new Set([...Object.keys(before[state]), ...Object.keys(after[state])])) {
      const [old, now] = [before[state][key] ?? 0, after[state][key] ?? 0];
      if (Math.abs(now - old) > old * TOLERANCE) lines.push(`${state}.${key}: ${old} -> ${now}`);
    }
  }
  return lines;
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    all: { type: 'boolean' },
    write: { type: 'boolean' },
    check: { type: 'boolean' },
  },
});
const figures = await measure();
if (values.write) await writeFile(SNAPSHOT, `${JSON.stringify(figures, null, 2)}\n`);
if (values.check) {
  const moved = changes(JSON.parse(await readFile(SNAPSHOT, 'utf8')) as Figures, figures);
  for (const line of moved) console.error(`gas moved by more than 2 %: ${line}`);
  process.exitCode = moved.length === 0 ? 0 : 1;
}
const shown = values.all ? figures : { repeat: pick(figures.repeat), first: pick(figures.first) };
if (values.json) console.log(JSON.stringify(shown));
else
  console.table(
    Object.fromEntries(
      Object.keys(shown.repeat).map((key) => [key, { repeat: shown.repeat[key], first: shown.first[key] }]),
    ),
  );
