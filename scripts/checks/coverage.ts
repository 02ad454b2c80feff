/**
 * Line and branch coverage of contracts/ (mocks and local aside) by test/contracts. Fails below 100 % and says what was
 * not reached.
 *
 *   npm run -s coverage
 */
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Branch, isCounted } from '../solidity/branches.ts';

/** A line or a side of a condition, as this check prints it, that no test can reach, and why. */
export const EXCEPTIONS: Record<string, string> = {};

const FOLDER = 'coverage';

interface Part {
  name: string;
  reached: boolean;
}

/** Lines of every counted file in an lcov report. */
export function linesOf(lcov: string): Map<string, Part[]> {
  const files = new Map<string, Part[]>();
  for (const record of lcov.split('end_of_record')) {
    const file = /^SF:(.*)$/m.exec(record)?.[1];
    if (file === undefined || !isCounted(file)) continue;
    const lines = [...record.matchAll(/^DA:(\d+),(\d+)$/gm)];
    files.set(
      file,
      lines.map(([, line, count]) => ({ name: `${file}:${line}`, reached: count !== '0' })),
    );
  }
  return files;
}

/** Sides of conditions of every file. */
export function branchesOf(branches: Branch[], tags: Set<string>): Map<string, Part[]> {
  const files = new Map<string, Part[]>();
  for (const { file, line, condition, side, tag } of branches) {
    const name = `${file}:${line} \`${condition.replaceAll(/\s+/g, ' ')}\` is never ${side}`;
    files.set(file, [...(files.get(file) ?? []), { name, reached: tags.has(tag) }]);
  }
  return files;
}

function share(parts: Part[]): string {
  const reached = parts.filter((part) => part.reached || part.name in EXCEPTIONS).length;
  return `${reached}/${parts.length} ${parts.length === 0 ? '' : `(${((reached / parts.length) * 100).toFixed(2)} %)`}`;
}

function measure(root: string): { lines: Map<string, Part[]>; branches: Map<string, Part[]> } {
  rmSync(join(root, FOLDER), { recursive: true, force: true });
  const { status, stdout, stderr } = spawnSync(
    join(root, 'node_modules/.bin/hardhat'),
    ['test', 'mocha', '--coverage'],
    {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` },
    },
  );
  // What coverage compiled is instrumented and too large to deploy: the demo and the other tests need the real thing.
  restoreArtifacts(root);
  if (status !== 0) throw new Error(`the tests failed under coverage\n${stdout}\n${stderr}`);
  const tags = globSync(`${FOLDER}/data/**/*.json`, { cwd: root }).flatMap((file) =>
    Object.keys(JSON.parse(readFileSync(join(root, file), 'utf8'))),
  );
  const branches: Branch[] = JSON.parse(readFileSync(join(root, FOLDER, 'branches.json'), 'utf8'));
  return {
    lines: linesOf(readFileSync(join(root, FOLDER, 'lcov.info'), 'utf8')),
    branches: branchesOf(branches, new Set(tags)),
  };
}

function restoreArtifacts(root: string): void {
  const { status, stderr } = spawnSync(join(root, 'node_modules/.bin/hardhat'), ['build', '--force', '--quiet'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` },
  });
  if (status !== 0) throw new Error(`the contracts could not be built again\n${stderr}`);
}

function main(): void {
  const { lines, branches } = measure(join(import.meta.dirname, '../..'));
  const table = [...lines.keys()]
    .sort()
    .map((file) => [file, { lines: share(lines.get(file) ?? []), branches: share(branches.get(file) ?? []) }]);
  const all = { lines: [...lines.values()].flat(), branches: [...branches.values()].flat() };
  console.table(Object.fromEntries([...table, ['all', { lines: share(all.lines), branches: share(all.branches) }]]));
  const missing = [...all.lines, ...all.branches].filter(({ name, reached }) => !reached && !(name in EXCEPTIONS));
  for (const { name } of missing) console.error(`not covered: ${name}`);
  for (const [name, reason] of Object.entries(EXCEPTIONS)) console.log(`left out: ${name}: ${reason}`);
  const nothing = all.lines.length === 0 || all.branches.length === 0;
  if (nothing) console.error('nothing was measured');
  if (missing.length > 0 || nothing) process.exitCode = 1;
}

if (import.meta.main) main();
