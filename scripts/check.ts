/** Everything before a push: format and lint, types, layout, Solidity lint, tests. `--quick` leaves out the tests. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '..');
const { quick } = parseArgs({ options: { quick: { type: 'boolean', default: false } } }).values;

const steps: { name: string; command: string[]; when?: boolean }[] = [
  { name: 'format and lint', command: ['biome', 'check', '--error-on-warnings', '.'] },
  { name: 'types', command: ['tsc', '--noEmit'] },
  { name: 'layout', command: ['node', 'scripts/checks/layout.ts'] },
  {
    name: 'solidity lint',
    command: ['solhint', '--max-warnings', '0', 'contracts/**/*.sol'],
    when: existsSync(join(root, '.solhint.json')),
  },
  { name: 'tests', command: ['node', 'scripts/test.ts'], when: !quick },
];

const results = steps
  .filter(({ when }) => when !== false)
  .map(({ name, command: [program = '', ...args] }) => {
    console.log(`\n== ${name}: ${[program, ...args].join(' ')}`);
    const startedAt = performance.now();
    const { status } = spawnSync(join(root, 'node_modules/.bin', program), args, { cwd: root, stdio: 'inherit' });
    return { name, ok: status === 0, seconds: (performance.now() - startedAt) / 1000 };
  });

console.log('');
for (const { name, ok, seconds } of results) {
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${seconds.toFixed(1)} s)`);
}
if (results.some(({ ok }) => !ok)) process.exitCode = 1;
