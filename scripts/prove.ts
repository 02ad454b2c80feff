/**
 * Proves the properties of test/smt/ with the SMTChecker and Z3, and breaks each with its seeded bug. Fails when one is
 * not proved, or when its bug goes unnoticed.
 *
 *   node scripts/prove.ts [--json] [--only <contract>] [--query-timeout-sec 60]
 */
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { PROPERTIES, type Property } from './prove/properties.ts';

interface Answer {
  verdict: string;
  seconds: number;
}
interface Result extends Property {
  real: Answer;
  seeded: Answer;
}

const WORKERS = 2;
const PROCESS_TIMEOUT_MS = 5 * 60_000;
const run = promisify(execFile);
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    'query-timeout-sec': { type: 'string', default: '60' },
  },
});

async function ask(contract: string, seeded: boolean): Promise<Answer> {
  const script = join(import.meta.dirname, 'prove/one.ts');
  const args = [script, contract, '--query-timeout-sec', values['query-timeout-sec'], ...(seeded ? ['--bug'] : [])];
  try {
    const { stdout } = await run(process.execPath, args, { timeout: PROCESS_TIMEOUT_MS });
    return JSON.parse(stdout) as Answer;
  } catch (error) {
    const reason = (error as { stderr?: string }).stderr ?? String(error);
    console.error(`${contract}${seeded ? ' with its bug' : ''}: ${reason.trim().slice(-800)}`);
    return { verdict: 'unknown', seconds: 0 };
  }
}

const succeeded = ({ real, seeded }: Result) => real.verdict === 'proved' && seeded.verdict === 'violated';

function line(result: Result): string {
  const { contract, engine, real, seeded, statement } = result;
  const seconds = `${real.seconds.toFixed(1)} s`.padStart(7);
  const bug = seeded.verdict === 'violated' ? 'bug found' : `BUG ${seeded.verdict.toUpperCase()}`;
  return `${real.verdict.padEnd(8)} ${seconds}  ${engine}  ${bug}  ${contract.padEnd(24)} ${statement}`;
}

async function main(): Promise<void> {
  if (spawnSync('z3', ['--version']).error) {
    console.error('z3 is not installed; install it (Debian: apt-get install z3) and run this again');
    process.exitCode = 2;
    return;
  }
  const waiting = PROPERTIES.filter(({ contract }) => values.only === undefined || contract === values.only);
  const results: Result[] = [];
  const work = async () => {
    for (let property = waiting.shift(); property; property = waiting.shift()) {
      const real = await ask(property.contract, false);
      const result = { ...property, real, seeded: await ask(property.contract, true) };
      results.push(result);
      if (!values.json) console.log(line(result));
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  const proved = results.filter(({ real }) => real.verdict === 'proved').length;
  if (values.json) {
    const properties = results.map(({ bug, ...rest }) => rest);
    console.log(JSON.stringify({ proved, total: results.length, properties }, null, 2));
  } else {
    console.log(`${proved} of ${results.length} proved`);
  }
  if (results.length === 0 || !results.every(succeeded)) process.exitCode = 1;
}

await main();
