import { expect } from 'chai';
import fc from 'fast-check';
import { createBook, stakePerPrice } from '../../market/book.ts';
import type { Demand, Offer, SignedDemand, SignedOffer } from '../../market/orders.ts';
import { cellAt } from '../../market/place.ts';
import { NOW_SEC, ONE, sampleDemand, sampleOffer } from './samples.ts';

const NEAR = cellAt(-22.88, -43.18);
const HARBOUR = cellAt(-22.93, -43.33);
const BERLIN = cellAt(52.52, 13.4);

function offer(peer: string, changes: Partial<Offer> = {}): SignedOffer {
  return { kind: 'offer', order: sampleOffer({ peerId: `12D3KooWPeerOf${peer}`, ...changes }), signature: '0x' };
}

function demand(peer: string, changes: Partial<Demand> = {}): SignedDemand {
  return { kind: 'demand', order: sampleDemand({ peerId: `12D3KooWPeerOf${peer}`, ...changes }), signature: '0x' };
}

describe('book', () => {
  it('shows offers in reach, nearest first, and those beyond the distance only from around the place', () => {
    const book = createBook();
    const [far, near, own, abroad] = [
      offer('far', { cell: HARBOUR }),
      offer('near', { cell: NEAR }),
      offer('own'),
      offer('abroad', { cell: BERLIN }),
    ];
    for (const each of [far, near, own, abroad]) book.add(each);
    expect(book.offersFor(sampleDemand({ maxDistanceM: 3000 }))).to.deep.equal([own, near, far]);
    expect(book.offersFor(sampleDemand({ maxDistanceM: 20_000_000 }))).to.deep.equal([own, near, far, abroad]);
    expect(book.offers()).to.have.length(4);
  });

  it('keeps offers and demands apart', () => {
    const book = createBook();
    book.add(offer('a'));
    book.add(demand('a'));
    expect([book.offers().length, book.demands().length, book.size]).to.deep.equal([1, 1, 2]);
  });

  it('replaces an order by a newer one of the same peer, also from another place', () => {
    const book = createBook();
    book.add(offer('a'));
    const moved = offer('a', { cell: BERLIN, issuedAt: NOW_SEC });
    expect(book.add(moved)).to.deep.equal({ kept: true, reason: 'replaced', evicted: null });
    expect(book.offers()).to.deep.equal([moved]);
    expect(book.add(offer('a'))).to.include({ kept: false, reason: 'older' });
    expect(book.offers()).to.deep.equal([moved]);
  });

  it('forgets what was removed or has expired', () => {
    const book = createBook();
    const [first] = [offer('a'), book.add(offer('a')), book.add(offer('b', { expiresAt: NOW_SEC + 10 }))];
    expect(book.expire(NOW_SEC + 9)).to.equal(0);
    expect(book.expire(NOW_SEC + 10)).to.equal(1);
    expect(book.remove('offer', first.order.provider.toLowerCase(), first.order.peerId)).to.equal(true);
    expect(book.remove('offer', first.order.provider, first.order.peerId)).to.equal(false);
    expect(book.size).to.equal(0);
  });

  it('drops the offer with the least stake for its price when a topic is full', () => {
    const book = createBook({ maxPerTopic: 2 });
    const [dear, fair, cheap] = [9000n, 1000n, 10n].map((activeWeiPerSec) =>
      offer(`${activeWeiPerSec}`, { activeWeiPerSec }),
    );
    if (dear === undefined || fair === undefined || cheap === undefined) throw new Error('three offers expected');
    book.add(dear);
    book.add(fair);
    expect(book.add(cheap)).to.deep.equal({ kept: true, reason: 'added', evicted: dear });
    expect(book.add(dear)).to.include({ kept: false, reason: 'full' });
    expect(book.offers()).to.have.members([fair, cheap]);
  });

  it('does not let demands push the offers out', () => {
    const book = createBook({ maxPerTopic: 3 });
    const kept = offer('a', { maxProviderStake: 1n });
    book.add(kept);
    for (const peer of ['b', 'c', 'd', 'e']) book.add(demand(peer, { maxActiveWeiPerSec: ONE }));
    expect(book.offers()).to.deep.equal([kept]);
    expect(book.size).to.equal(3);
  });

  it('refuses one more place when it has as many as it may', () => {
    const book = createBook({ maxTopics: 1 });
    book.add(offer('a'));
    expect(book.add(offer('b', { cell: BERLIN }))).to.include({ kept: false, reason: 'full' });
    book.expire(NOW_SEC + 600);
    expect(book.add(offer('b', { cell: BERLIN })), 'once the first place is empty').to.include({ kept: true });
  });

  it('never holds more than its limits, whatever comes', () => {
    const arrival = fc.record({ peer: fc.nat(30), price: fc.bigInt(1n, 1000n), age: fc.nat(5), kind: fc.boolean() });
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: 80 }), (arrivals) => {
        const book = createBook({ maxPerTopic: 5 });
        for (const { peer, price, age, kind } of arrivals) {
          const issuedAt = NOW_SEC - age;
          const changes = { issuedAt, activeWeiPerSec: price };
          book.add(kind ? offer(`${peer}`, changes) : demand(`${peer}`, { issuedAt, maxActiveWeiPerSec: price }));
          expect(book.size).to.be.at.most(5);
          expect(book.size).to.equal(book.offers().length + book.demands().length);
        }
      }),
    );
  });

  it('values more stake and a lower price', () => {
    const value = (changes: Partial<Offer>) => stakePerPrice(offer('a', changes));
    expect(value({ maxProviderStake: 2n * ONE }) > value({ maxProviderStake: ONE })).to.equal(true);
    expect(value({ activeWeiPerSec: 10n }) > value({ activeWeiPerSec: 11n })).to.equal(true);
  });
});
