import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { BUCKETS, keyOf } from '../../../node/store/buckets.ts';
import { type BatchOperation, WriteQueue } from '../../../node/store/write-queue.ts';
import { openStore } from '../../../node/store.ts';
import { fakeKeyValue } from '../../fakes/key-value.ts';
import { keyValueCompliance } from './compliance.ts';

describe('openStore', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'eaas-store-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  describe('as a KeyValue', () => {
    keyValueCompliance(() => openStore(join(dir, 'db')));
  });

  it('keeps the folder to its owner', async () => {
    const store = await openStore(join(dir, 'new', 'db'));
    await store.close();
    expect((await stat(join(dir, 'new', 'db'))).mode & 0o777).to.equal(0o700);
  });

  it('says that another process has the folder open', async () => {
    const store = await openStore(dir);
    const error = await openStore(dir).catch((reason) => reason);
    await store.close();
    expect(error).to.include({ code: 'STORE_LOCKED' });
    expect(error.message).to.contain(dir);
    expect(error.remedy).to.be.a('string');
  });

  it('says that the files are damaged, with a remedy', async () => {
    const store = await openStore(dir);
    await store.write({ a: '1' });
    await store.close();
    const manifest = (await readdir(dir)).find((name) => name.startsWith('MANIFEST'));
    await writeFile(join(dir, String(manifest)), 'not a manifest');
    const error = await openStore(dir).catch((reason) => reason);
    expect(error).to.include({ code: 'STORE_CORRUPT' });
    expect(error.remedy).to.contain('restore');
  });

  it('says why a folder cannot be made', async () => {
    await writeFile(join(dir, 'file'), '');
    const error = await openStore(join(dir, 'file', 'db')).catch((reason) => reason);
    expect(error).to.include({ code: 'STORE_FAILED' });
    expect(error.message).to.contain('ENOTDIR');
  });
});

describe('fakeKeyValue', () => {
  const data = new Map<string, string>();
  beforeEach(() => data.clear());
  keyValueCompliance(async () => fakeKeyValue(data));

  for (const applied of [true, false]) {
    it(`fails the chosen write and every call after it (${applied ? 'applied' : 'not applied'})`, async () => {
      const store = fakeKeyValue(data);
      store.failWrite(2, applied);
      await store.write({ a: '1' });
      const codes = [store.write({ b: '2' }), store.get('a')].map((call) => call.catch((error) => error.code));
      expect(await Promise.all(codes)).to.deep.equal(['STORE_FAILED', 'STORE_FAILED']);
      expect(data.has('b')).to.equal(applied);
    });
  }
});

describe('WriteQueue', () => {
  it('merges writes that wait for a sync into one batch', async () => {
    const batches: BatchOperation[][] = [];
    const queue = new WriteQueue(async (batch) => {
      batches.push(batch);
      await Promise.resolve();
    });
    await Promise.all([queue.add({ a: '1' }, []), queue.add({ b: '2' }, ['a']), queue.add({ c: '3' }, [])]);
    expect(batches.map((batch) => batch.map(({ type, key }) => `${type} ${key}`))).to.deep.equal([
      ['put a'],
      ['del a', 'put b', 'put c'],
    ]);
  });

  it('rejects every write of a failed batch, and goes on to the next', async () => {
    let fails = true;
    const queue = new WriteQueue(async () => {
      await Promise.resolve();
      if (fails) throw new Error('disk');
    });
    const first = queue.add({ a: '1' }, []).catch((error) => error.message);
    expect(await first).to.equal('disk');
    fails = false;
    await queue.add({ b: '2' }, []);
    await queue.drained();
  });
});

describe('buckets', () => {
  it('gives each bucket its own two-digit number', () => {
    const numbers = Object.values(BUCKETS);
    expect(new Set(numbers).size).to.equal(numbers.length);
    for (const number of numbers) expect(number).to.match(/^\d\d$/);
  });

  it('refuses a part that would end up in another bucket', () => {
    expect(keyOf(BUCKETS.steps, '0xab', 2, 'start')).to.equal('03/0xab/2/start');
    expect(() => keyOf(BUCKETS.steps, 'a/b')).to.throw('slash');
  });
});
