import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { layoutProblems } from '../../scripts/checks/layout.ts';

const lines = (count: number, line = '// x') => `${line}\n`.repeat(count);
const longFunction = (count: number) => `export function f() {\n${lines(count - 2)}}\n`;
const page = '# folder\n';

interface Case {
  title: string;
  file: string;
  text: string;
  /** `line rule`, empty for none. */
  problems: string[];
}

const cases: Case[] = [
  { title: 'an import to the left', file: 'node/a.ts', text: `import { b } from '../market/b.ts';`, problems: [] },
  {
    title: 'an import to the right',
    file: 'market/a.ts',
    text: `\nimport { b } from '../sdk/b.ts';`,
    problems: ['2 import'],
  },
  {
    title: 'a type imported from the right',
    file: 'arbitrator/a.ts',
    text: `import type { B } from '../node/b.ts';`,
    problems: ['1 import'],
  },
  {
    title: 'a re-export from the right',
    file: 'sdk/a.ts',
    text: `export * from '../node/b.ts';`,
    problems: ['1 import'],
  },
  {
    title: 'a dynamic import from the right',
    file: 'sdk/a.ts',
    text: `export const b = () => import('../scripts/b.ts');`,
    problems: ['1 import'],
  },
  {
    title: 'an import from deeper folders',
    file: 'sdk/chain/a.ts',
    text: `import { b } from '../../node/x/b.ts';`,
    problems: ['1 import'],
  },
  {
    title: 'an import of tests',
    file: 'scripts/a.ts',
    text: `import { b } from '../test/b.ts';`,
    problems: ['1 import'],
  },
  {
    title: 'any import in a test',
    file: 'test/market/a.test.ts',
    text: `import { b } from '../../scripts/b.ts';`,
    problems: [],
  },
  { title: 'an import without ending', file: 'node/a.ts', text: `import { b } from './b';`, problems: ['1 import'] },
  {
    title: 'files in a pure folder',
    file: 'market/a.ts',
    text: `import { readFile } from 'node:fs/promises';`,
    problems: ['1 pure'],
  },
  {
    title: 'files outside pure folders',
    file: 'sdk/a.ts',
    text: `import { readFile } from 'node:fs/promises';`,
    problems: [],
  },
  {
    title: 'hashing in a pure folder',
    file: 'market/a.ts',
    text: `import { createHash } from 'node:crypto';`,
    problems: [],
  },
  {
    title: 'randomness in a pure folder',
    file: 'market/a.ts',
    text: `import { randomBytes } from 'node:crypto';`,
    problems: ['1 pure'],
  },
  {
    title: 'LevelDB in a pure folder',
    file: 'arbitrator/a.ts',
    text: `import { Level } from 'level';`,
    problems: ['1 pure'],
  },
  {
    title: 'libp2p in a pure folder',
    file: 'market/a.ts',
    text: `import { tcp } from '@libp2p/tcp';`,
    problems: ['1 pure'],
  },
  {
    title: 'an ethers provider in a pure folder',
    file: 'market/a.ts',
    text: `import { JsonRpcProvider, keccak256 } from 'ethers';`,
    problems: ['1 pure'],
  },
  {
    title: 'Math.random in a pure folder',
    file: 'market/a.ts',
    text: 'export const a = () => Math.random();',
    problems: ['1 pure'],
  },
  {
    title: 'process in a pure folder',
    file: 'market/a.ts',
    text: 'export const a = process.env;',
    problems: ['1 pure'],
  },
  { title: 'a timer', file: 'sdk/a.ts', text: 'setTimeout(() => {}, 1);', problems: ['1 clock'] },
  {
    title: 'a timer of globalThis',
    file: 'sdk/a.ts',
    text: 'globalThis.setTimeout(() => {}, 1);',
    problems: ['1 clock'],
  },
  {
    title: 'a timer module',
    file: 'sdk/a.ts',
    text: `import { scheduler } from 'node:timers/promises';`,
    problems: ['1 clock'],
  },
  {
    title: 'a method named like a timer',
    file: 'sdk/a.ts',
    text: 'export const f = (s: Socket) => s.setTimeout(5);',
    problems: [],
  },
  { title: 'Date.now', file: 'scripts/a.ts', text: 'export const t = Date.now();', problems: ['1 clock'] },
  { title: 'the current date', file: 'scripts/a.ts', text: 'export const t = new Date();', problems: ['1 clock'] },
  { title: 'a given date', file: 'scripts/a.ts', text: 'export const t = new Date(0);', problems: [] },
  { title: 'the clock itself', file: 'node/clock.ts', text: 'setTimeout(() => Date.now(), 1);', problems: [] },
  { title: 'a timer in a test', file: 'test/a.test.ts', text: 'setTimeout(() => {}, 1);', problems: [] },
  {
    title: 'a default export',
    file: 'node/a.ts',
    text: 'const a = 1;\nexport default a;',
    problems: ['2 default-export'],
  },
  {
    title: 'a default function',
    file: 'node/a.ts',
    text: 'export default function a() {}',
    problems: ['1 default-export'],
  },
  { title: 'a function of 40 lines', file: 'node/a.ts', text: longFunction(40), problems: [] },
  { title: 'a function of 41 lines', file: 'node/a.ts', text: longFunction(41), problems: ['1 function-size'] },
  { title: 'a long function in a test', file: 'test/a.test.ts', text: longFunction(100), problems: [] },
  { title: 'a file of 300 lines', file: 'node/a.ts', text: lines(300), problems: [] },
  { title: 'a file of 301 lines', file: 'test/a.test.ts', text: lines(301), problems: ['300 file-size'] },
  { title: 'a contract of 301 lines', file: 'contracts/Escrow.sol', text: lines(301), problems: ['300 file-size'] },
  { title: 'a camel-case name', file: 'node/aB.ts', text: '', problems: ['1 name'] },
  { title: 'a lower-case contract', file: 'contracts/escrow.sol', text: '', problems: ['1 name'] },
  { title: 'a note to self', file: 'node/a.ts', text: 'const a = 1;\n// TODO later', problems: ['2 todo'] },
  {
    title: 'a note to self in a block without statements',
    file: 'node/a.ts',
    text: 'if (a) {\n  // FIXME\n}',
    problems: ['2 todo'],
  },
  { title: 'a note with its issue', file: 'node/a.ts', text: '// TODO(#12): later', problems: [] },
  {
    title: 'the word in a text or a pattern',
    file: 'node/a.ts',
    text: `export const a = ['// TODO', /\\/* TODO '/];`,
    problems: [],
  },
];

describe('layout check', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'eaas-layout-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const put = async (file: string, text: string) => {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
  };
  const found = () => layoutProblems(root).map(({ line, rule }) => `${line} ${rule}`);

  for (const { title, file, text, problems } of cases) {
    it(`${problems.length > 0 ? 'refuses' : 'allows'} ${title}`, async () => {
      await put(file, text);
      await put(`${dirname(file)}/README.md`, page);
      expect(found()).to.deep.equal(problems);
    });
  }

  it('asks for a page in each folder with sources', async () => {
    await put('node/store/a.ts', '');
    expect(layoutProblems(root)).to.deep.include({
      file: 'node/store/README.md',
      line: 1,
      rule: 'readme',
      message: 'this folder needs a page: what it is for, a line per file',
    });
  });

  it('asks for short pages', async () => {
    await put('node/a.ts', '');
    await put('node/README.md', lines(61));
    expect(found()).to.deep.equal(['60 readme']);
  });

  const locks: { title: string; packages: object; problems: string[] }[] = [
    {
      title: 'beside its package',
      packages: { 'node_modules/a': { optionalDependencies: { b: '1' } }, 'node_modules/b': {} },
      problems: [],
    },
    {
      title: 'inside its package',
      packages: { 'node_modules/@x/a': { optionalDependencies: { b: '1' } }, 'node_modules/@x/a/node_modules/b': {} },
      problems: [],
    },
    { title: 'nowhere', packages: { 'node_modules/a': { optionalDependencies: { b: '1' } } }, problems: ['1 lock'] },
    {
      title: 'only inside another package',
      packages: { 'node_modules/a': { optionalDependencies: { b: '1' } }, 'node_modules/c/node_modules/b': {} },
      problems: ['1 lock'],
    },
  ];
  for (const { title, packages, problems } of locks) {
    it(`${problems.length > 0 ? 'refuses' : 'allows'} an optional package that the lock file has ${title}`, async () => {
      await put('package-lock.json', JSON.stringify({ packages }));
      expect(found()).to.deep.equal(problems);
    });
  }
});
