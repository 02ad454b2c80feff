import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { BLOCK_PLAIN_BYTES } from '../../../sdk/content/sealed-block.ts';
import type { Content } from '../../../sdk/ports.ts';

export interface ContentPair {
  publisher: Content;
  publisherId: string;
  fetcher: Content;
  fetcherId: string;
  /** Flips one byte of a block that the publisher (or the fetcher) keeps. */
  spoil(side: 'publisher' | 'fetcher', cid: string): Promise<void>;
  close(): Promise<void>;
}

const KEY = Buffer.alloc(32, 7);

/** The code of the error that a promise ends with, `none` if it does not. */
export async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'none',
    (error) => error.code ?? error.name,
  );
}

/** What every `Content` does, the real one and the fake. `open` connects two nodes; the publisher serves the fetcher. */
export function describeContent(name: string, open: () => Promise<ContentPair>): void {
  describe(`${name} as Content`, () => {
    let pair: ContentPair;
    let dir: string;
    before(async () => {
      dir = await mkdtemp(join(tmpdir(), 'eaas-compliance-'));
      pair = await open();
    });
    after(async () => {
      await pair.close();
      await rm(dir, { recursive: true, force: true });
    });
    beforeEach(() => pair.publisher.allow(new Set([pair.fetcherId])));

    const source = (text: string) => join(dir, text);
    const from = () => ({ from: pair.publisherId });
    const put = async (label: string, bytes: Uint8Array): Promise<string[]> => {
      await writeFile(source(label), bytes);
      return pair.publisher.put(source(label), KEY);
    };

    const sizes: [sizeBytes: number, blocks: number][] = [
      [0, 1],
      [1, 1],
      [BLOCK_PLAIN_BYTES - 1, 1],
      [BLOCK_PLAIN_BYTES, 1],
      [BLOCK_PLAIN_BYTES + 1, 2],
      [3 * BLOCK_PLAIN_BYTES, 3],
    ];
    for (const [sizeBytes, blocks] of sizes) {
      it(`moves a file of ${sizeBytes} bytes in ${blocks} blocks`, async () => {
        const bytes = randomBytes(sizeBytes);
        const cids = await put('sized', bytes);
        expect(cids).to.have.length(blocks);
        await pair.fetcher.get(cids, KEY, source('sized-out'), from());
        expect((await readFile(source('sized-out'))).equals(bytes)).to.equal(true);
        expect(await readdir(dir)).not.to.include('sized-out.part');
      });
    }

    it('moves any bytes unchanged, from a file or from memory with the same CIDs', async () => {
      const bytesOf = fc.tuple(fc.nat({ max: 2 * BLOCK_PLAIN_BYTES + 7 }), fc.integer({ min: 1, max: 255 }));
      const property = fc.asyncProperty(bytesOf, async ([sizeBytes, step]) => {
        const bytes = Buffer.from(Uint8Array.from({ length: sizeBytes }, (_, index) => index * step));
        const cids = await put('any', bytes);
        expect(await pair.publisher.putBytes(bytes, KEY)).to.deep.equal(cids);
        expect(Buffer.from(await pair.fetcher.getBytes(cids, KEY, from())).equals(bytes)).to.equal(true);
      });
      await fc.assert(property, { numRuns: 8 });
    });

    it('counts what came over the network, and fetches nothing twice', async () => {
      const cids = await put('counted', randomBytes(2 * BLOCK_PLAIN_BYTES + 9));
      const first: number[] = [];
      await pair.fetcher.get(cids, KEY, source('one'), { ...from(), onProgress: (bytes) => first.push(bytes) });
      expect(first.at(-1)).to.be.greaterThan(2 * BLOCK_PLAIN_BYTES);
      const second: number[] = [];
      await pair.fetcher.get(cids, KEY, source('two'), { ...from(), onProgress: (bytes) => second.push(bytes) });
      expect(second).to.deep.equal([]);
    });

    it('resumes an aborted get from the blocks it has', async () => {
      const bytes = randomBytes(40 * BLOCK_PLAIN_BYTES);
      const cids = await put('resumed', bytes);
      const abort = new AbortController();
      let fetched = 0;
      const onProgress = (total: number) => {
        fetched = total;
        if (total > 5 * BLOCK_PLAIN_BYTES) abort.abort(new Error('enough'));
      };
      const aborted = pair.fetcher.get(cids, KEY, source('part'), { ...from(), onProgress, signal: abort.signal });
      expect(await aborted.catch((error) => error.message)).to.equal('enough');
      expect(await readdir(dir)).not.to.include('part');
      let rest = 0;
      await pair.fetcher.get(cids, KEY, source('part'), { ...from(), onProgress: (total) => (rest = total) });
      expect((await readFile(source('part'))).equals(bytes)).to.equal(true);
      expect(fetched).to.be.greaterThan(5 * BLOCK_PLAIN_BYTES);
      expect(rest).to.be.within(1, 36 * BLOCK_PLAIN_BYTES);
    });

    it('refuses a wrong key', async () => {
      const cids = await put('keyed', Buffer.from('secret'));
      const wrong = pair.fetcher.get(cids, Buffer.alloc(32, 8), source('keyed-out'), from());
      expect(await codeOf(wrong)).to.equal('KEY_WRONG');
      expect(await readdir(dir)).not.to.include('keyed-out');
    });

    it('refuses blocks out of order, of another file, or too few', async () => {
      const cids = await put('ordered', randomBytes(3 * BLOCK_PLAIN_BYTES));
      const [other = ''] = await put('other', Buffer.from('other'));
      const [a = '', b = '', c = ''] = cids;
      for (const list of [[b, a, c], [a, b], [a, b, other], [a, b, c, other], [a, a, b, c], []]) {
        expect(await codeOf(pair.fetcher.getBytes(list, KEY, from())), list.join()).to.equal('BLOCK_CORRUPT');
      }
    });

    it('refuses what is no CID', async () => {
      expect(await codeOf(pair.fetcher.getBytes(['nonsense'], KEY, from()))).to.equal('CID_INVALID');
      expect(await codeOf(pair.fetcher.block('../../etc/passwd'))).to.equal('CID_INVALID');
    });

    it('says that a block is unavailable where the peer does not have it', async () => {
      const cids = await put('gone', randomBytes(10));
      await pair.publisher.drop(cids);
      expect(await codeOf(pair.fetcher.getBytes(cids, KEY, from()))).to.equal('BLOCK_UNAVAILABLE');
    });

    it('fetches again a block that is damaged on its own disk', async () => {
      const bytes = randomBytes(BLOCK_PLAIN_BYTES + 100);
      const cids = await put('healed', bytes);
      await pair.fetcher.getBytes(cids, KEY, from());
      await pair.spoil('fetcher', cids[1] ?? '');
      expect(await codeOf(pair.fetcher.block(cids[1] ?? ''))).to.equal('BLOCK_CORRUPT');
      expect(Buffer.from(await pair.fetcher.getBytes(cids, KEY, from())).equals(bytes)).to.equal(true);
      expect(await pair.fetcher.block(cids[1] ?? '')).not.to.equal(null);
    });

    it('reports its own damaged block when nobody can replace it', async () => {
      const cids = await put('lost', randomBytes(100));
      await pair.fetcher.getBytes(cids, KEY, from());
      await pair.spoil('fetcher', cids[0] ?? '');
      await pair.publisher.drop(cids);
      expect(await codeOf(pair.fetcher.getBytes(cids, KEY, from()))).to.equal('BLOCK_CORRUPT');
    });

    it('mends its damaged blocks when the file is put again', async () => {
      const bytes = randomBytes(100);
      const [cid = ''] = await put('mended', bytes);
      await pair.spoil('publisher', cid);
      expect(await codeOf(pair.publisher.block(cid))).to.equal('BLOCK_CORRUPT');
      expect(await put('mended', bytes)).to.deep.equal([cid]);
      expect(await codeOf(pair.publisher.block(cid))).to.equal('none');
    });

    it('shows raw blocks, which are not the plaintext, until they are dropped', async () => {
      const bytes = Buffer.from('the plaintext of a small file');
      const [cid = ''] = await put('raw', bytes);
      const block = Buffer.from((await pair.publisher.block(cid)) ?? []);
      expect(block.byteLength).to.be.greaterThan(bytes.byteLength);
      expect(block.includes(bytes)).to.equal(false);
      await pair.publisher.drop([cid]);
      await pair.publisher.drop([cid]);
      expect(await pair.publisher.block(cid)).to.equal(null);
    });

    it('serves nobody but the allowed', async () => {
      const cids = await put('private', randomBytes(10));
      pair.publisher.allow(new Set());
      expect(await codeOf(pair.fetcher.getBytes(cids, KEY, from()))).to.equal('BLOCK_UNAVAILABLE');
      pair.publisher.allow(new Set([pair.fetcherId]));
      expect(await codeOf(pair.fetcher.getBytes(cids, KEY, from()))).to.equal('none');
    });
  });
}
