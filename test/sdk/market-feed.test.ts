import { expect } from 'chai';
import { escrowDomain } from '../../market/eip712.ts';
import { encodeOrder } from '../../market/order-codec.ts';
import type { SignedDemand, SignedOrder } from '../../market/orders.ts';
import { signDemand, signOffer } from '../../market/sign-order.ts';
import { ordersTopic } from '../../market/topics.ts';
import { silentLog } from '../../sdk/log.ts';
import { type MarketFeed, startMarketFeed } from '../../sdk/market-feed.ts';
import { type FakeClock, fakeClock } from '../fakes/clock.ts';
import { fakeGossipNetwork } from '../fakes/pubsub.ts';
import {
  CELL,
  CUSTOMER,
  CUSTOMER_PEER,
  DOMAIN,
  ESCROW,
  NOW_MS,
  NOW_SEC,
  ONE,
  PROVIDER,
  sampleDemand,
  sampleOffer,
  testSigner,
} from '../market/samples.ts';

const TOPIC = ordersTopic(DOMAIN.chainId, CELL);

async function makeFeed(balances: Record<string, bigint> = {}) {
  const clock: FakeClock = fakeClock(NOW_MS);
  const network = fakeGossipNetwork();
  const stop = new AbortController();
  let asked = 0;
  let isReachable = true;
  const account = async (_token: string, owner: string) => {
    asked += 1;
    if (!isReachable) throw new Error('no chain');
    return { balance: balances[owner] ?? 100n * ONE, honoured: 0, breached: 0, disputesLost: 0, value: 0n };
  };
  const feed: MarketFeed = await startMarketFeed({
    pubsub: network.join('listener'),
    chain: { account, chainId: DOMAIN.chainId },
    domain: DOMAIN,
    clock,
    log: silentLog(),
    cell: CELL,
    signal: stop.signal,
  });
  const stranger = network.join('stranger');
  const say = async (order: SignedOrder, topic = TOPIC): Promise<void> => {
    await stranger.publish(topic, encodeOrder(order));
    await clock.tick(0);
  };
  const setReachable = (value: boolean): void => {
    isReachable = value;
  };
  return { clock, feed, say, stop, setReachable, asked: () => asked };
}

describe('market feed', () => {
  it('puts a good offer into the book and tells of a good demand', async () => {
    const { feed, say } = await makeFeed();
    const heard: SignedDemand[] = [];
    const off = feed.onDemand((demand) => heard.push(demand));
    await say(await signOffer(PROVIDER, sampleOffer()));
    await say(await signDemand(CUSTOMER, sampleDemand()));
    expect(feed.book.offers()).to.have.lengthOf(1);
    expect(heard.map(({ order }) => order.peerId)).to.deep.equal([CUSTOMER_PEER]);
    off();
    await say(await signDemand(CUSTOMER, sampleDemand({ issuedAt: NOW_SEC - 1 })));
    expect(heard).to.have.lengthOf(1);
    expect(feed.counters()).to.include({ OK: 3 });
  });

  const otherChain = testSigner(2, escrowDomain(1, ESCROW));
  const bad: [name: string, code: string, order: () => Promise<SignedOrder>][] = [
    [
      'signed by somebody else',
      'BAD_SIGNATURE',
      async () => ({
        kind: 'offer',
        order: sampleOffer(),
        signature: await testSigner(9).sign('Offer', sampleOffer()),
      }),
    ],
    ['signed for another chain', 'BAD_SIGNATURE', () => signOffer(otherChain, sampleOffer())],
    [
      'expired',
      'EXPIRED',
      () => signOffer(PROVIDER, sampleOffer({ issuedAt: NOW_SEC - 700, expiresAt: NOW_SEC - 100 })),
    ],
    ['from the future', 'FROM_THE_FUTURE', () => signOffer(PROVIDER, sampleOffer({ issuedAt: NOW_SEC + 300 }))],
    [
      'promising more stake than there is',
      'UNFUNDED',
      () => signOffer(PROVIDER, sampleOffer({ maxProviderStake: 101n * ONE })),
    ],
  ];
  for (const [name, code, make] of bad) {
    it(`lets no order through that is ${name}`, async () => {
      const { feed, say } = await makeFeed();
      const order = await make();
      await say(order);
      expect(feed.book.size).to.equal(0);
      expect(feed.counters()).to.deep.equal({ [code]: 1 });
    });
  }

  it('lets a replayed order through once', async () => {
    const { feed, say } = await makeFeed();
    const offer = await signOffer(PROVIDER, sampleOffer());
    await say(offer);
    await say(offer);
    expect(feed.counters()).to.deep.equal({ OK: 1, SEEN: 1 });
    expect(feed.book.size).to.equal(1);
  });

  it('refuses an order in the topic of another place', async () => {
    const { feed, say } = await makeFeed();
    const far = sampleOffer({ cell: '87a8a072affffff' });
    await say(await signOffer(PROVIDER, far));
    expect(feed.counters()).to.deep.equal({ WRONG_TOPIC: 1 });
  });

  it('ignores orders while the chain cannot be asked, and hears them again when it can', async () => {
    const { feed, say, setReachable } = await makeFeed();
    const offer = await signOffer(PROVIDER, sampleOffer());
    setReachable(false);
    await say(offer);
    expect(feed.counters()).to.deep.equal({ STAKE_UNKNOWN: 1 });
    setReachable(true);
    await say(offer);
    expect(feed.book.size).to.equal(1);
  });

  it('asks the chain once for many orders of one owner', async () => {
    const { say, asked } = await makeFeed();
    for (let index = 0; index < 5; index += 1) {
      await say(await signOffer(PROVIDER, sampleOffer({ issuedAt: NOW_SEC - 10 + index })));
    }
    expect(asked()).to.equal(1);
  });

  it('forgets orders that expire, and stops with its signal', async () => {
    const { clock, feed, say, stop } = await makeFeed();
    await say(await signOffer(PROVIDER, sampleOffer({ expiresAt: NOW_SEC + 60 })));
    await clock.tick(66_000);
    expect(feed.book.size).to.equal(0);
    stop.abort();
    expect(clock.pending()).to.equal(0);
  });
});
