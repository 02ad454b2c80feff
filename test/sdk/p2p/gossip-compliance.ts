import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import type { Gossip } from '../../../sdk/p2p/gossip.ts';
import { GOSSIP_LIMITS } from '../../../sdk/p2p/limits.ts';
import { failure, until } from './outcomes.ts';
import { TOPIC } from './topic.ts';

export interface GossipHarness {
  peers: { id: string; gossip: Gossip }[];
  stop(): Promise<void>;
}

const accept = async (): Promise<'accept'> => 'accept';

export function gossipCompliance(name: string, open: () => Promise<GossipHarness>): void {
  describe(`gossip: ${name}`, () => {
    let net: GossipHarness;

    beforeEach(async () => {
      net = await open();
    });
    afterEach(() => net.stop());

    const peer = (index: number): { id: string; gossip: Gossip } => {
      const found = net.peers[index];
      if (found === undefined) throw new RangeError(`no peer ${index}`);
      return found;
    };
    /** Everyone subscribes; resolves to what each has heard so far, once all are known to all. */
    async function everyoneListens(validate: () => Promise<'accept' | 'ignore' | 'reject'>): Promise<string[][]> {
      const heard = net.peers.map((): string[] => []);
      for (const [index, { gossip }] of net.peers.entries()) {
        await gossip.subscribe(TOPIC, validate, (data, from) => heard[index]?.push(`${from} ${Buffer.from(data)}`));
      }
      const signal = AbortSignal.timeout(5_000);
      await Promise.all(net.peers.map(({ gossip }) => gossip.waitForPeers(TOPIC, net.peers.length - 1, signal)));
      return heard;
    }
    const say = (index: number, text: string): Promise<void> => peer(index).gossip.publish(TOPIC, Buffer.from(text));

    it('brings an accepted message to everyone else once, with its author', async () => {
      const heard = await everyoneListens(accept);
      await say(0, 'one');
      await until(() => heard.slice(1).every((messages) => messages.length > 0));
      await say(1, 'two');
      await until(() => heard[0]?.length === 1);
      expect(heard[0]).to.deep.equal([`${peer(1).id} two`]);
      for (const messages of heard.slice(2)) {
        await until(() => messages.length === 2);
        expect(messages).to.deep.equal([`${peer(0).id} one`, `${peer(1).id} two`]);
      }
    });

    for (const verdict of ['ignore', 'reject'] as const) {
      it(`hands no message on whose verdict is ${verdict}`, async () => {
        const judged: string[] = [];
        const heard = await everyoneListens(async () => {
          judged.push(verdict);
          return verdict;
        });
        await say(0, 'one');
        await until(() => judged.length >= net.peers.length - 1);
        expect(heard.flat()).to.deep.equal([]);
      });
    }

    it('silences a peer after three rejected messages, and not after ignored ones', async () => {
      const heard: string[] = [];
      const judged: string[] = [];
      await peer(1).gossip.subscribe(
        TOPIC,
        async (data) => {
          judged.push(String(Buffer.from(data)));
          if (data.length === 1) return 'reject';
          return data.length === 2 ? 'ignore' : 'accept';
        },
        (data) => heard.push(String(Buffer.from(data))),
      );
      await peer(0).gossip.waitForPeers(TOPIC, 1, AbortSignal.timeout(5_000));
      for (const text of ['aa', 'bb', 'cc', 'dd', 'valid', 'e', 'f', 'g']) {
        await say(0, text);
        await until(() => judged.includes(text));
      }
      await until(() => peer(1).gossip.score(peer(0).id) < -80);
      const judgedNow = async (text: string): Promise<boolean> => {
        await say(0, text);
        await setTimeout(200);
        return judged.includes(text);
      };
      // The real one reconsiders whom it listens to once a second.
      for (let attempt = 0; await judgedNow(`attempt ${attempt}`); attempt += 1) expect(attempt).to.be.below(10);
      expect(heard[0]).to.equal('valid');
    });

    it('does not make the sender pay when the validator fails', async () => {
      let judged = 0;
      await everyoneListens(async () => {
        judged += 1;
        throw new Error('bug');
      });
      for (const text of ['a', 'b', 'c', 'd']) await say(0, text);
      await until(() => judged >= 4 * (net.peers.length - 1));
      expect(peer(1).gossip.score(peer(0).id)).to.be.at.least(0);
    });

    it('hears nothing after it has unsubscribed', async () => {
      const heard = await everyoneListens(accept);
      const extra: string[] = [];
      const unsubscribe = await peer(0).gossip.subscribe(`${TOPIC}/b`, accept, () => extra.push('heard'));
      unsubscribe();
      await say(1, 'on the other topic');
      await until(() => heard[0]?.length === 1);
      await peer(1).gossip.publish(`${TOPIC}/b`, Buffer.from('late'));
      await say(1, 'after it');
      await until(() => heard[0]?.length === 2);
      expect(extra).to.deep.equal([]);
    });

    it('refuses unknown topics, second subscriptions and large messages', async () => {
      const { gossip } = peer(0);
      expect((await failure(gossip.publish('/other', Buffer.from('x')))).code).to.equal('TOPIC_NOT_ALLOWED');
      expect((await failure(gossip.subscribe('/other', accept, () => {}))).code).to.equal('TOPIC_NOT_ALLOWED');
      await gossip.subscribe(TOPIC, accept, () => {});
      expect((await failure(gossip.subscribe(TOPIC, accept, () => {}))).code).to.equal('TOPIC_TAKEN');
      const large = Buffer.alloc(GOSSIP_LIMITS.maxMessageBytes + 1);
      expect((await failure(gossip.publish(TOPIC, large))).code).to.equal('MESSAGE_TOO_LARGE');
    });

    it('publishes alone, and gives up waiting for peers with the reason of the signal', async () => {
      await say(0, 'nobody listens');
      const error = await failure(peer(0).gossip.waitForPeers(TOPIC, 1, AbortSignal.timeout(20)));
      expect(error.name).to.equal('TimeoutError');
    });
  }).timeout(10_000);
}
