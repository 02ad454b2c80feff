import { expect } from 'chai';
import type { Terms } from '../../market/terms.ts';
import {
  balances,
  CUSTOMER_STAKE,
  claimBy,
  ENDING,
  FUNDS,
  idOf,
  loadFixture,
  type Market,
  marketFixture,
  OUTCOME,
  openAgreement,
  PROVIDER_STAKE,
  reputationOf,
  termsOf,
  time,
  WINDOW_SEC,
} from './support/market.ts';

const POT = CUSTOMER_STAKE + PROVIDER_STAKE;
const EARNED = 4_000_000n;

describe('AgreementEscrow expire', () => {
  it('reverts before the status can be ended by time', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await time.setNextBlockTimestamp(terms.endsAt + WINDOW_SEC - 1);
    await expect(market.escrow.expire(terms))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowTooEarly')
      .withArgs(idOf(market, terms), terms.endsAt + WINDOW_SEC);
    await time.setNextBlockTimestamp(terms.endsAt + WINDOW_SEC);
    await market.escrow.connect(market.stranger).expire(terms);
  });

  it('pays nothing of what was claimed under the lane’s agreement before', async () => {
    const market = await loadFixture(marketFixture);
    const first = await openAgreement(market);
    await claimBy(market, first, EARNED);
    await market.escrow.connect(market.provider).concede(first);
    const before = await balances(market);
    const next = await openAgreement(market, { lane: first.lane, openBy: first.openBy + 1 });
    expect((await market.escrow.statusOf(next)).claimed).to.equal(0n);
    await time.increaseTo(next.endsAt + WINDOW_SEC);
    await market.escrow.expire(next);
    expect(await balances(market)).to.deep.equal(before);
  });

  it('reverts for what never was', async () => {
    const market = await loadFixture(marketFixture);
    await expect(market.escrow.expire(await termsOf(market))).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowUnexpectedStatus',
    );
  });

  const ends: [string, bigint, bigint, bigint, bigint, (market: Market, terms: Terms) => Promise<unknown>][] = [
    ['refunds both when nobody claimed', PROVIDER_STAKE, OUTCOME.neutral, ENDING.lapsed, 0n, async () => {}],
    [
      'pays a claim that nobody objected to',
      PROVIDER_STAKE + EARNED,
      OUTCOME.honoured,
      ENDING.claimed,
      1n,
      (market, terms) => claimBy(market, terms, EARNED),
    ],
    [
      'gives everything to the customer when the provider did not answer',
      0n,
      OUTCOME.breached,
      ENDING.unanswered,
      0n,
      async (market, terms) => {
        await claimBy(market, terms, EARNED);
        await market.escrow.connect(market.customer).report(terms, '');
      },
    ],
    [
      'pays the claim when a report was answered and not disputed',
      PROVIDER_STAKE + EARNED,
      OUTCOME.honoured,
      ENDING.claimed,
      1n,
      async (market, terms) => {
        await claimBy(market, terms, EARNED);
        await market.escrow.connect(market.customer).report(terms, '');
        await market.escrow.connect(market.provider).answer(terms, '');
      },
    ],
  ];
  for (const [name, toProvider, outcome, ending, honoured, prepare] of ends) {
    it(name, async () => {
      const market = await loadFixture(marketFixture);
      const terms = await openAgreement(market);
      await prepare(market, terms);
      await time.setNextBlockTimestamp(terms.endsAt + WINDOW_SEC);
      await expect(market.escrow.connect(market.stranger).expire(terms))
        .to.emit(market.escrow, 'AgreementEnded')
        .withArgs(idOf(market, terms), toProvider, outcome, ending);
      expect(await balances(market)).to.deep.equal({
        customer: FUNDS - CUSTOMER_STAKE + POT - toProvider,
        provider: FUNDS - PROVIDER_STAKE + toProvider,
      });
      expect((await reputationOf(market, 'provider'))[0]).to.equal(honoured);
      expect((await reputationOf(market, 'customer'))[0]).to.equal(honoured);
    });
  }
});
