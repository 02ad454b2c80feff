import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { connect, openPeers } from './hosts.ts';

describe('content over bitswap', () => {
  it('transfers', async () => {
    const { root, peers, close } = await openPeers(['a', 'b']);
    const [a, b] = peers;
    if (!a || !b) throw new Error();
    await connect(b.libp2p, a.libp2p);
    const key = randomBytes(32);
    const data = randomBytes(20 * 1024 * 1024 + 5);
    await writeFile(join(root, 'f'), data);
    a.content.allow(new Set([b.id]));
    let t = performance.now();
    const cids = await a.content.put(join(root, 'f'), key);
    console.log('put', performance.now() - t);
    t = performance.now();
    await b.content.get(cids, key, join(root, 'out', 'g'), { from: a.id });
    console.log('get', performance.now() - t);
    expect((await readFile(join(root, 'out', 'g'))).equals(data)).to.equal(true);
    await close();
  });
});
