import { expect } from 'chai';
import type { KeyValue } from '../../../sdk/ports.ts';

/** What every `KeyValue` must do. `open` gives the same data again after `close`. */
export function keyValueCompliance(open: () => Promise<KeyValue>): void {
  let store: KeyValue;
  beforeEach(async () => {
    store = await open();
  });
  afterEach(() => store.close());

  it('answers null for a key that is not there', async () => {
    expect(await store.get('01/a')).to.equal(null);
  });

  it('keeps what was written across close and open', async () => {
    await store.write({ '01/a': 'one', '01/ü': '{"two":2}' });
    await store.close();
    store = await open();
    expect(await store.get('01/a')).to.equal('one');
    expect(await store.get('01/ü')).to.equal('{"two":2}');
  });

  it('deletes and puts in one write, and puts a key that is in both', async () => {
    await store.write({ a: '1', b: '2' });
    await store.write({ b: '3', c: '4' }, ['a', 'b', 'never-there']);
    expect(await store.list('')).to.deep.equal([
      ['b', '3'],
      ['c', '4'],
    ]);
  });

  it('lists a prefix only, sorted by UTF-8 bytes', async () => {
    const keys = ['01/b', '01/a', '01/B', '01/\u{1F600}', '01/\u{FFFD}', '01', '01/', '010', '02/a', '00'];
    await store.write(Object.fromEntries(keys.map((key) => [key, key])));
    const listed = await store.list('01/');
    expect(listed.map(([key]) => key)).to.deep.equal(['01/', '01/B', '01/a', '01/b', '01/\u{FFFD}', '01/\u{1F600}']);
  });

  it('applies writes in the order they were asked for, also when nobody waits', async () => {
    const writes = Array.from({ length: 200 }, (_, n) => store.write({ last: String(n), [`n/${n}`]: '' }));
    await Promise.all(writes);
    expect(await store.get('last')).to.equal('199');
    expect(await store.list('n/')).to.have.length(200);
  });

  it('refuses every call after close', async () => {
    await store.close();
    for (const call of [() => store.get('a'), () => store.write({ a: '1' }), () => store.list('')]) {
      expect(await call().then(String, (error) => error.code)).to.equal('STORE_FAILED');
    }
  });
}
