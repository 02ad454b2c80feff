import { expect } from 'chai';
import type { Offer, SignedOffer } from '../../market/orders.ts';
import { cellAt } from '../../market/place.ts';
import { type OfferFacts, type RankContext, rankOffers } from '../../market/rank-offers.ts';
import { NOW_SEC, sampleDemand, sampleOffer, testSigner } from './samples.ts';

const FACTS: OfferFacts = {
  freeStakeWei: null,
  reputationPermille: 700,
  minReputationPermille: 400,
  rttMs: 20,
  faultDomain: 'elsewhere',
};

function offer(number: number, changes: Partial<Offer> = {}): SignedOffer {
  const provider = testSigner(number).address;
  const order = sampleOffer({ provider, peerId: `12D3KooWPeerNumber${number}`, ...changes });
  return { kind: 'offer', order, signature: '0x' };
}

function context(facts: Record<string, Partial<OfferFacts>> = {}): RankContext {
  return {
    nowSec: NOW_SEC,
    factsOf: (each) => ({ ...FACTS, ...facts[each.order.provider] }),
    usedFaultDomains: new Set(['here']),
  };
}

describe('rank-offers', () => {
  const [one, two] = [offer(11), offer(12)];
  const better: [name: string, change: Partial<Offer>, facts: Partial<OfferFacts>][] = [
    ['cheaper', { activeWeiPerSec: 900n }, {}],
    ['quicker to reach', {}, { rttMs: 19 }],
    ['measured', {}, {}],
    ['of better repute', {}, { reputationPermille: 701 }],
    ['in another fault domain', {}, {}],
    ['nearer', {}, {}],
  ];
  const worse: Record<string, [Partial<Offer>, Partial<OfferFacts>]> = {
    measured: [{}, { rttMs: null }],
    'in another fault domain': [{}, { faultDomain: 'here' }],
    nearer: [{ cell: cellAt(-22.88, -43.18) }, {}],
  };
  for (const [name, changes, facts] of better) {
    it(`prefers the one that is ${name}`, () => {
      const [lesserChanges, lesserFacts] = worse[name] ?? [{}, {}];
      for (const [good, bad] of [[11, 12] as const, [12, 11] as const]) {
        const offers = [offer(bad, lesserChanges), offer(good, changes)];
        const known = { [testSigner(good).address]: facts, [testSigner(bad).address]: lesserFacts };
        const { ranked } = rankOffers(sampleDemand(), offers, context(known));
        expect(ranked.map((each) => each.offer)).to.deep.equal([...offers].reverse());
      }
    });
  }

  it('tells how each score came about', () => {
    const { ranked } = rankOffers(sampleDemand(), [one], context());
    expect(ranked[0]?.breakdown).to.deep.equal([
      {
        name: 'price',
        score: 0.5,
        reason: 'less than 0.000001 per hour on stand-by, less than 0.000001 per hour active',
      },
      { name: 'distance', score: 1, reason: '0 m away' },
      { name: 'round trip', score: 50 / 70, reason: 'round trip 20.0 ms' },
      { name: 'reputation', score: 0.7, reason: 'reputation 700 of 1000' },
      { name: 'spread', score: 1, reason: 'fails independently of this device' },
    ]);
    expect(ranked[0]?.score).to.be.closeTo((4 * 0.5 + 2 + 2 * (50 / 70) + 3 * 0.7 + 3) / 14, 1e-12);
  });

  it('keeps what does not fit apart, with all reasons', () => {
    const far = offer(13, { cell: cellAt(-22.95, -43.4), tiers: ['cold'] });
    const { ranked, refused } = rankOffers(sampleDemand(), [far, one], context());
    expect(ranked.map((each) => each.offer)).to.deep.equal([one]);
    expect(refused.map((each) => each.offer)).to.deep.equal([far]);
    expect(refused[0]?.verdict.reasons.map(({ code }) => code)).to.deep.equal(['TOO_FAR', 'TIER_MISSING']);
  });

  it('gives the same order however the offers came in', () => {
    const forth = rankOffers(sampleDemand(), [one, two], context()).ranked.map((each) => each.offer);
    const back = rankOffers(sampleDemand(), [two, one], context()).ranked.map((each) => each.offer);
    expect(forth).to.deep.equal(back);
  });

  it('judges by the strategy it is given', () => {
    const strategy = {
      weights: { uptime: 1 },
      judge: (_demand: unknown, { order }: SignedOffer) => [
        { name: 'uptime', score: order.resources.uptimePermille / 1000, reason: 'uptime' },
        { name: 'unweighted', score: 1, reason: 'counts for nothing' },
      ],
    };
    const steady = offer(14, {
      activeWeiPerSec: 1900n,
      resources: { ...sampleOffer().resources, uptimePermille: 999 },
    });
    const { ranked } = rankOffers(sampleDemand(), [one, steady], { ...context(), strategy });
    expect(ranked.map(({ score }) => score)).to.deep.equal([0.999, 0.995]);
  });
});
