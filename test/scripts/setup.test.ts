import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect } from 'chai';
import { fingerprints, hashOf, outerPath, remedyFor, setUp } from '../../scripts/setup.mjs';
import { hardhatCounts } from '../../scripts/test.ts';

describe('set-up', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'eaas-setup-'));
    await mkdir(join(root, 'contracts'));
    await mkdir(join(root, 'sdk'));
    await writeFile(join(root, 'package-lock.json'), '{}');
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const changes: { title: string; file: string; steps: string[] }[] = [
    { title: 'the lock file', file: 'package-lock.json', steps: ['install', 'contracts', 'node'] },
    { title: 'a contract', file: 'contracts/Escrow.sol', steps: ['contracts', 'node'] },
    { title: 'a source', file: 'sdk/a.ts', steps: ['node'] },
    { title: 'a page', file: 'sdk/README.md', steps: [] },
  ];
  for (const { title, file, steps } of changes) {
    it(`performs ${steps.length === 0 ? 'nothing' : steps.join(', ')} after a change of ${title}`, async () => {
      const performed: string[] = [];
      const plan = ['install', 'contracts', 'node'].map((name) => ({
        name,
        says: name,
        output: `${name}.out`,
        perform: () => {
          performed.push(name);
          return writeFile(join(root, `${name}.out`), '');
        },
      }));
      const run = () => setUp(root, { plan, say: () => {} });
      await run();
      expect(performed.splice(0)).to.deep.equal(['install', 'contracts', 'node']);
      await writeFile(join(root, file), 'changed');
      await run();
      expect(performed.splice(0)).to.deep.equal(steps);
      await run();
      expect(performed).to.deep.equal([]);
    });
  }

  it('performs a step again whose output is gone, or that failed', async () => {
    let outcome: 'fails' | 'works' = 'works';
    let times = 0;
    const perform = async () => {
      times += 1;
      if (outcome === 'fails') throw new Error('no');
      await writeFile(join(root, 'out'), '');
    };
    const run = () => setUp(root, { plan: [{ name: 'node', says: '', output: 'out', perform }], say: () => {} });
    await run();
    await rm(join(root, 'out'));
    outcome = 'fails';
    expect(await run().catch((error: Error) => error.message)).to.equal('no');
    outcome = 'works';
    await run();
    expect(times).to.equal(3);
    expect(JSON.parse(await readFile(join(root, 'node_modules/.eaas-setup'), 'utf8')).node).to.be.a('string');
  });

  it('takes a different machine for a different installation', () => {
    expect(fingerprints(root).install).to.contain(`${process.platform}-${process.arch}-`);
  });

  it('hashes names and contents', async () => {
    await writeFile(join(root, 'sdk/a.ts'), 'b');
    const one = hashOf(root, ['sdk']);
    await rm(join(root, 'sdk/a.ts'));
    await writeFile(join(root, 'sdk/b.ts'), 'b');
    expect(hashOf(root, ['sdk'])).not.to.equal(one);
    expect(hashOf(root, ['sdk', 'nowhere'])).to.equal(hashOf(root, ['sdk']));
  });

  it('leaves node_modules/.bin out of the outer path', () => {
    const path = ['/a/node_modules/.bin', '/usr/bin', '/b/node_modules/.bin/', '/bin'].join(delimiter);
    expect(outerPath(path)).to.equal(['/usr/bin', '/bin'].join(delimiter));
  });

  const remedies: [printed: string, remedy: RegExp][] = [
    [
      'npm error code ENOTFOUND\nnpm error request to https://registry.npmjs.org/a failed',
      /registry cannot be reached/,
    ],
    ['npm error code EAI_AGAIN', /registry cannot be reached/],
    ['npm error nospc ENOSPC: no space left on device', /disk is full/],
    ['npm error code EACCES', /cannot be written/],
    ['npm error code EUSAGE', /disagree/],
    ['something else', /lines above/],
  ];
  for (const [printed, remedy] of remedies) {
    it(`says what to do about ${printed.split('\n')[0]}`, () => expect(remedyFor(printed)).to.match(remedy));
  }
});

describe('test counts', () => {
  it('takes the last totals that Hardhat prints', () => {
    expect(hardhatCounts('  3 passing (1s)\n\n  10 passing (2s)\n  1 failing\n')).to.deep.equal({
      passed: 10,
      failed: 1,
    });
    expect(hardhatCounts('Error: no compiler')).to.deep.equal({ passed: 0, failed: 0 });
  });
});
