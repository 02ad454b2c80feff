import { expect } from 'chai';
import type { BlockStore } from '../../../sdk/content/block-store.ts';
import { plainBlocks } from '../../../sdk/content/get.ts';
import { putBytes } from '../../../sdk/content/put.ts';

const KEY = Buffer.alloc(32, 7);

/** Blocks in memory, by CID; `mayWrite` holds up every write. */
function memoryStore(mayWrite: () => Promise<void> = async () => undefined): BlockStore {
  const blocks = new Map<string, Uint8Array>();
  return {
    has: async (cid) => blocks.has(String(cid)),
    read: async (cid) => blocks.get(String(cid)) ?? null,
    async write(cid, block) {
      await mayWrite();
      blocks.set(String(cid), block);
    },
    remove: async (cid) => void blocks.delete(String(cid)),
  };
}

describe('the progress of a get', () => {
  it('counts a block once it is stored, not when it has come: a later run must find what was counted', async () => {
    const published = memoryStore();
    const cids = await putBytes(Buffer.from('a reading'), KEY, published);
    let letWrite = (): void => undefined;
    const writing = new Promise<void>((resolve) => {
      letWrite = resolve;
    });
    const progress: number[] = [];
    let hasCome = false;
    const fetchBlock = async (cid: Parameters<BlockStore['read']>[0]) => {
      hasCome = true;
      return (await published.read(cid)) ?? Buffer.alloc(0);
    };
    const store = memoryStore(() => writing);
    const blocks = plainBlocks(cids, KEY, store, fetchBlock, { onProgress: (bytes) => progress.push(bytes) });
    const first = blocks.next();
    while (!hasCome) await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(progress).to.deep.equal([]);
    letWrite();
    expect(Buffer.from((await first).value ?? []).toString()).to.equal('a reading');
    expect(progress).to.have.lengthOf(1);
  });
});
