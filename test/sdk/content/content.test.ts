import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { startBitswap } from '../../../sdk/content/bitswap.ts';
import type { BlockStore } from '../../../sdk/content/block-store.ts';
import { parseCid } from '../../../sdk/content/cid.ts';
import { startContent } from '../../../sdk/content/content.ts';
import { BLOCK_PLAIN_BYTES } from '../../../sdk/content/sealed-block.ts';
import { silentLog } from '../../../sdk/log.ts';
import { startHost } from '../p2p/hosts.ts';
import { codeOf, describeContent } from './compliance.ts';
import type { Peer } from './hosts.ts';
import { connect, openPeers } from './hosts.ts';

const KEY = Buffer.alloc(32, 7);

async function spoilFile(dir: string, cid: string): Promise<void> {
  const file = join(dir, 'blocks', cid.slice(-2), cid);
  const block = await readFile(file);
  block[block.byteLength - 1] = (block.at(-1) ?? 0) ^ 1;
  await writeFile(file, block);
}

describeContent('content over bitswap', async () => {
  const { peers, close } = await openPeers(2);
  const [publisher, fetcher] = peers as [Peer, Peer];
  await connect(fetcher.libp2p, publisher.libp2p);
  return {
    publisher: publisher.content,
    publisherId: publisher.id,
    fetcher: fetcher.content,
    fetcherId: fetcher.id,
    spoil: (side, cid) => spoilFile({ publisher, fetcher }[side].dir, cid),
    close,
  };
});

/** A peer that speaks bitswap but answers from this store, unchecked. */
async function startRogue(read: BlockStore['read']) {
  const host = await startHost();
  const { libp2p } = host;
  const store: BlockStore = { has: async () => true, read, write: async () => {}, remove: async () => {} };
  const bitswap = await startBitswap(libp2p, store, { serves: () => true, awaits: () => true }, silentLog());
  const close = async () => {
    await bitswap.stop();
    await host.stop();
  };
  return { libp2p, bitswap, id: libp2p.peerId.toString(), close };
}

describe('content over bitswap with bad peers', () => {
  let peers: [Peer, Peer];
  let close: () => Promise<void>;
  beforeEach(async () => {
    const opened = await openPeers(2);
    peers = opened.peers as [Peer, Peer];
    close = opened.close;
  });
  afterEach(() => close());

  it('refuses at once the bytes of a peer that answers with others', async () => {
    const [publisher, fetcher] = peers;
    const cids = await publisher.content.putBytes(randomBytes(500), KEY);
    const rogue = await startRogue(async (cid) => {
      const block = Buffer.from((await publisher.content.block(cid.toString())) ?? []);
      block[60] = (block[60] ?? 0) ^ 1;
      return block;
    });
    await connect(fetcher.libp2p, rogue.libp2p);
    expect(await codeOf(fetcher.content.getBytes(cids, KEY, { from: rogue.id }))).to.equal('BLOCK_CORRUPT');
    expect(await fetcher.content.block(cids[0] ?? '')).to.equal(null);
    await connect(fetcher.libp2p, publisher.libp2p);
    publisher.content.allow(new Set([fetcher.id]));
    expect(await codeOf(fetcher.content.getBytes(cids, KEY, { from: publisher.id }))).to.equal('none');
    await rogue.close();
  });

  it('gives up on a peer that does not answer', async () => {
    const [publisher, fetcher] = peers;
    const cids = await publisher.content.putBytes(randomBytes(500), KEY);
    const mute = await startRogue(() => new Promise(() => {}));
    const impatient = await startContent({ libp2p: mute.libp2p, dir: `${fetcher.dir}-2` }).catch((error) => error);
    expect(impatient, 'one bitswap per libp2p node').to.be.instanceOf(Error);
    await connect(fetcher.libp2p, mute.libp2p);
    expect(await codeOf(fetcher.content.getBytes(cids, KEY, { from: mute.id }))).to.equal('BLOCK_UNAVAILABLE');
    await mute.close();
  });

  it('sends nothing to a stranger, though it asks by the right CID', async () => {
    const [publisher, friend] = peers;
    publisher.content.allow(new Set([friend.id]));
    const [cid = ''] = await publisher.content.putBytes(randomBytes(500), KEY);
    const stranger = await startRogue(async () => null);
    await connect(stranger.libp2p, publisher.libp2p);
    let received = 0;
    stranger.bitswap.onBlock(() => {
      received += 1;
    });
    const asked = stranger.bitswap.want(parseCid(cid), publisher.libp2p.peerId.toCID(), AbortSignal.timeout(500));
    expect(await codeOf(asked)).not.to.equal('none');
    expect(received).to.equal(0);
    await stranger.close();
  });

  it('sends nothing to a peer it only fetches from', async () => {
    const [fetcher, other] = peers;
    const [secret = ''] = await fetcher.content.putBytes(randomBytes(500), KEY);
    const wanted = await other.content.putBytes(randomBytes(500), KEY);
    // Asks the fetcher for its secret while it is being asked, when the fetcher does read its messages.
    const rogue = await startRogue(async (cid) => {
      const back = rogue.bitswap.want(parseCid(secret), fetcher.libp2p.peerId.toCID(), AbortSignal.timeout(500));
      answers.push(await codeOf(back));
      return other.content.block(cid.toString());
    });
    const answers: unknown[] = [];
    await connect(fetcher.libp2p, rogue.libp2p);
    expect(await codeOf(fetcher.content.getBytes(wanted, KEY, { from: rogue.id }))).to.equal('none');
    expect(answers).to.have.length(1);
    expect(answers).not.to.include('none');
    await rogue.close();
  });

  it('answers unavailable for a block that is damaged on the disk of its publisher', async () => {
    const [publisher, fetcher] = peers;
    await connect(fetcher.libp2p, publisher.libp2p);
    publisher.content.allow(new Set([fetcher.id]));
    const cids = await publisher.content.putBytes(randomBytes(2 * BLOCK_PLAIN_BYTES), KEY);
    await spoilFile(publisher.dir, cids[1] ?? '');
    expect(await codeOf(fetcher.content.getBytes(cids, KEY, { from: publisher.id }))).to.equal('BLOCK_UNAVAILABLE');
  });

  it('answers without delay when asked again for what it sent, lacked, and then has', async () => {
    const { peers: patient, close: closePatient } = await openPeers(2, 120_000);
    const [publisher, fetcher] = patient as [Peer, Peer];
    await connect(fetcher.libp2p, publisher.libp2p);
    publisher.content.allow(new Set([fetcher.id]));
    const bytes = randomBytes(500);
    const cids = await publisher.content.putBytes(bytes, KEY);
    const outcomes: unknown[] = [];
    for (const step of ['fetch', 'again', 'lacking', 'lacking again', 'back']) {
      await fetcher.content.drop(cids);
      if (step === 'lacking') await publisher.content.drop(cids);
      if (step === 'back') await publisher.content.putBytes(bytes, KEY);
      outcomes.push(await codeOf(fetcher.content.getBytes(cids, KEY, { from: publisher.id })));
    }
    expect(outcomes).to.deep.equal(['none', 'none', 'BLOCK_UNAVAILABLE', 'BLOCK_UNAVAILABLE', 'none']);
    await closePatient();
  });

  it('resets the bitswap streams of a stranger', async () => {
    const [publisher] = peers;
    const stranger = await startHost();
    const address = publisher.libp2p.getMultiaddrs();
    const stream = await stranger.libp2p.dialProtocol(address, '/ipfs/bitswap/1.2.0', {
      signal: AbortSignal.timeout(5_000),
    });
    if (stream.status === 'open') await once(stream, 'close', { signal: AbortSignal.timeout(5_000) });
    expect(stream.status).to.equal('reset');
    await stranger.stop();
  });

  it('ends with unavailable as soon as the peer is gone, and for a peer that never was', async () => {
    const { peers: patient, close: closePatient } = await openPeers(2, 120_000);
    const [publisher, fetcher] = patient as [Peer, Peer];
    const cids = await publisher.content.putBytes(randomBytes(500), KEY);
    const asked = Promise.withResolvers<void>();
    const mute = await startRogue(() => {
      asked.resolve();
      return new Promise(() => {});
    });
    await connect(fetcher.libp2p, mute.libp2p);
    const fetching = codeOf(fetcher.content.getBytes(cids, KEY, { from: mute.id }));
    await asked.promise;
    await mute.close();
    expect(await fetching).to.equal('BLOCK_UNAVAILABLE');
    expect(await codeOf(fetcher.content.getBytes(cids, KEY, { from: mute.id }))).to.equal('BLOCK_UNAVAILABLE');
    expect(await codeOf(fetcher.content.getBytes(cids, KEY, { from: 'nobody' }))).to.equal('BLOCK_UNAVAILABLE');
    await closePatient();
  });

  it('needs no peer for what is complete here', async () => {
    const [publisher] = peers;
    const cids = await publisher.content.putBytes(Buffer.from('mine'), KEY);
    const bytes = await publisher.content.getBytes(cids, KEY, { from: publisher.id });
    expect(Buffer.from(bytes).toString()).to.equal('mine');
  });
});
