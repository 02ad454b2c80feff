import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { openBlockStore } from '../../../sdk/content/block-store.ts';
import { putFile } from '../../../sdk/content/put.ts';
import { codeOf } from './compliance.ts';

describe('put', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'eaas-put-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  /** Changes the file after the first pass: the signal is looked at before each block of each pass. */
  const putChanging = async (changed: Uint8Array) => {
    const file = join(dir, 'file');
    await writeFile(file, randomBytes(1000));
    let looks = 0;
    const throwIfAborted = () => {
      looks += 1;
      if (looks === 2) writeFileSync(file, changed);
    };
    const store = await openBlockStore(join(dir, 'store'));
    return putFile(file, Buffer.alloc(32), store, { signal: { throwIfAborted } as AbortSignal });
  };

  const changes: [name: string, changed: Uint8Array][] = [
    ['other bytes', Buffer.alloc(1000, 1)],
    ['fewer bytes', Buffer.alloc(999, 1)],
  ];
  for (const [name, changed] of changes) {
    it(`never encrypts ${name} under the key of those it digested`, async () => {
      expect(await codeOf(putChanging(changed))).to.equal('FILE_CHANGED');
      expect(await readdir(join(dir, 'store'))).to.deep.equal(['tmp']);
    });
  }

  it('leaves nothing half-written: files of a dead process are removed when the store opens', async () => {
    await openBlockStore(join(dir, 'store'));
    await writeFile(join(dir, 'store', 'tmp', 'torn'), 'x');
    await openBlockStore(join(dir, 'store'));
    expect(await readdir(join(dir, 'store', 'tmp'))).to.deep.equal([]);
  });

  it('says when the disk does not take a block', async () => {
    const store = await openBlockStore(join(dir, 'store'));
    await rm(join(dir, 'store', 'tmp'), { recursive: true });
    await writeFile(join(dir, 'file'), 'x');
    expect(await codeOf(putFile(join(dir, 'file'), Buffer.alloc(32), store))).to.equal('STORE_FAILED');
  });

  it('can be aborted', async () => {
    const store = await openBlockStore(join(dir, 'store'));
    await writeFile(join(dir, 'file'), 'x');
    const put = putFile(join(dir, 'file'), Buffer.alloc(32), store, { signal: AbortSignal.abort() });
    expect(await codeOf(put)).to.equal(DOMException.ABORT_ERR);
  });
});
