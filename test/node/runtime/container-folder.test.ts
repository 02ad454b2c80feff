import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readState } from '../../../node/runtime/container-folder.ts';
import { fakeClock } from '../../fakes/clock.ts';

/** Identities as a supervisor writes them, by number only: what is asked then is whether a signal would arrive. */
const alive = `${process.pid}\n-\n`;
const dead = `${spawnSync('true').pid}\n-\n`;

describe('readState', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'eaas-state-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const files = async (contents: Record<string, string>): Promise<void> => {
    for (const [name, text] of Object.entries(contents)) await writeFile(join(dir, name), text);
  };
  const now = () => readState(dir, fakeClock());

  it('is created until a supervisor holds the folder, and running while its process lives', async () => {
    expect(await now()).to.deep.equal({ status: 'created' });
    await files({ lock: alive });
    expect(await now()).to.deep.equal({ status: 'running', init: null });
    await files({ pid: alive });
    expect(await now()).to.have.nested.property('init.pid', process.pid);
  });

  it('is exited with what the supervisor said last, and with nothing when it said nothing', async () => {
    await files({ lock: dead, pid: dead });
    expect(await now()).to.deep.equal({ status: 'exited', exitCode: null });
    await files({ exit: '3\n' });
    expect(await now()).to.deep.equal({ status: 'exited', exitCode: 3 });
  });

  it('waits for the last word of a supervisor that lives', async () => {
    await files({ lock: alive, pid: dead });
    const meanwhile = { ...fakeClock(), sleep: () => files({ exit: '7\n' }) };
    expect(await readState(dir, meanwhile)).to.deep.equal({ status: 'exited', exitCode: 7 });
  });

  it('takes the bare code when something holds the output of the container open', async () => {
    await files({ lock: alive, pid: dead, code: '5\n' });
    const hasty = { ...fakeClock(), sleep: async () => undefined };
    expect(await readState(dir, hasty)).to.deep.equal({ status: 'exited', exitCode: 5 });
  });
});
