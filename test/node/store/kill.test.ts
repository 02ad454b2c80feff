import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { openStore } from '../../../node/store.ts';

const WRITER = join(import.meta.dirname, '../../fixtures/store-writer.ts');
const KILLS = 3;
const WRITES_BEFORE_KILL = 150;

/** Lets a process write until it has acknowledged some writes, then kills it. Resolves to the last acknowledged one. */
async function writeAndKill(dir: string): Promise<number> {
  const child = spawn(process.execPath, [WRITER, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
    if (said.split('\n').length > WRITES_BEFORE_KILL) child.kill('SIGKILL');
  });
  await ended;
  return Number(said.trimEnd().split('\n').at(-1));
}

describe('a store whose process is killed', function () {
  this.timeout(60_000);

  it('opens again with everything that was acknowledged, whole', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'eaas-kill-'));
    try {
      for (let kill = 0; kill < KILLS; kill += 1) {
        const acknowledged = await writeAndKill(dir);
        expect(acknowledged).to.be.at.least(WRITES_BEFORE_KILL - 1);
        const store = await openStore(dir);
        const last = Number(await store.get('last'));
        expect(last, `kill ${kill}`).to.be.within(acknowledged, acknowledged + 1);
        for (let n = last - 99; n <= last; n += 1) expect(await store.get(`put/${n}`)).to.equal('x'.repeat(n % 3000));
        expect(await store.get(`put/${last - 100}`)).to.equal(null);
        await store.close();
      }
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
