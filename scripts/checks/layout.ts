/** Checks what the formatter cannot: who imports whom, what pure folders use, sizes, names, folder pages, lock file. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { lockProblems } from './lock.ts';
import { type Problem, sourceProblems } from './source-rules.ts';

/** From left to right: each may import itself and what stands before it. */
export const FOLDERS = ['market', 'arbitrator', 'sdk', 'node', 'scripts'];
/** Stand-ins for packages of others. */
const STUBS = 'scripts/stubs/';
const MAX_FILE_LINES = 300;
const MAX_README_LINES = 60;
const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?\.(ts|mjs|js)$/;
/** Tests say what kind they are: `Vault.fuzz.t.sol`. */
const PASCAL = /^[A-Z][A-Za-z0-9]*((\.[a-z]+)?\.t)?\.sol$/;

/** Every problem of the project in `root`, sorted by file. */
export function layoutProblems(root: string): Problem[] {
  const sources = globSync(`{${[...FOLDERS, 'test', 'contracts'].join(',')}}/**/*.{ts,mjs,js,sol}`, { cwd: root })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => !file.startsWith(STUBS));
  const problems = sources.flatMap((file) => fileProblems(root, file));
  return [...problems, ...readmeProblems(root, sources), ...lockProblems(root)].sort((a, b) =>
    a.file < b.file ? -1 : 1,
  );
}

function fileProblems(root: string, file: string): Problem[] {
  const text = readFileSync(join(root, file), 'utf8');
  const problems: Problem[] = [];
  const name = basename(file);
  if (!KEBAB.test(name) && !PASCAL.test(name)) {
    problems.push({ file, line: 1, rule: 'name', message: 'file names are kebab-case (Solidity: PascalCase)' });
  }
  const lines = text.trimEnd().split('\n').length;
  if (lines > MAX_FILE_LINES) {
    problems.push({
      file,
      line: MAX_FILE_LINES,
      rule: 'file-size',
      message: `${lines} lines, ${MAX_FILE_LINES} allowed`,
    });
  }
  return name.endsWith('.sol') ? problems : [...problems, ...sourceProblems(file, text, FOLDERS)];
}

function readmeProblems(root: string, sources: string[]): Problem[] {
  // Contracts document themselves (NatSpec): one page for all of them.
  const folderOf = (file: string) => (file.startsWith('contracts/') ? 'contracts' : dirname(file));
  const folders = new Set(sources.map(folderOf).filter((folder) => !/^test\b/.test(folder)));
  return [...folders].flatMap((folder) => {
    const file = `${folder}/README.md`;
    if (!existsSync(join(root, file))) {
      return [{ file, line: 1, rule: 'readme', message: 'this folder needs a page: what it is for, a line per file' }];
    }
    const lines = readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length;
    if (lines <= MAX_README_LINES) return [];
    return [{ file, line: MAX_README_LINES, rule: 'readme', message: `${lines} lines, ${MAX_README_LINES} allowed` }];
  });
}

if (import.meta.main) {
  const problems = layoutProblems(join(import.meta.dirname, '../..'));
  for (const { file, line, rule, message } of problems) console.error(`${file}:${line} ${rule}: ${message}`);
  console.log(problems.length === 0 ? 'layout: no problems' : `layout: ${problems.length} problems`);
  if (problems.length > 0) process.exitCode = 1;
}
