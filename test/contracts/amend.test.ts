import { expect } from 'chai';
import type { Terms } from '../../market/terms.ts';
import {
  balances,
  bothSign,
  CUSTOMER_STAKE,
  claimBy,
  DAY,
  FUNDS,
  idOf,
  loadFixture,
  type Market,
  marketFixture,
  NO_SIGNATURE,
  openAgreement,
  PROVIDER_STAKE,
  STATUS,
  settleTerms,
  time,
  WINDOW_SEC,
} from './support/market.ts';

describe('AgreementEscrow amend', () => {
  async function amend(market: Market, terms: Terms, customerStake: bigint, endsAt: number) {
    const amendment = { agreementId: idOf(market, terms), customerStake, endsAt };
    const signatures = await bothSign(market, 'Amendment', amendment);
    return market.escrow.connect(market.stranger).amend(terms, customerStake, endsAt, ...signatures);
  }

  it('reverts when it takes back or changes nothing', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    for (const [stake, endsAt] of [
      [CUSTOMER_STAKE, terms.endsAt],
      [CUSTOMER_STAKE - 1n, terms.endsAt + 1],
      [CUSTOMER_STAKE + 1n, terms.endsAt - 1],
    ] as const) {
      await expect(amend(market, terms, stake, endsAt))
        .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowAmendmentStale')
        .withArgs(idOf(market, terms), CUSTOMER_STAKE, terms.endsAt);
    }
  });

  it('reverts a second time', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await amend(market, terms, CUSTOMER_STAKE + 1n, terms.endsAt);
    await expect(amend(market, terms, CUSTOMER_STAKE + 1n, terms.endsAt)).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowAmendmentStale',
    );
  });

  it('reverts while a report is pending, and when time has decided', async () => {
    const market = await loadFixture(marketFixture);
    const other = await openAgreement(market);
    await market.escrow.connect(market.customer).report(other, '');
    await expect(amend(market, other, CUSTOMER_STAKE, other.endsAt + DAY))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowUnexpectedStatus')
      .withArgs(idOf(market, other), STATUS.reported, 0b0000110);
    const terms = await openAgreement(market);
    await time.setNextBlockTimestamp(terms.endsAt + WINDOW_SEC);
    await expect(amend(market, terms, CUSTOMER_STAKE, terms.endsAt + DAY))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowTooLate')
      .withArgs(idOf(market, terms), terms.endsAt + WINDOW_SEC);
  });

  it('reverts without one of the signatures or the balance', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await expect(amend(market, terms, FUNDS + 1n, terms.endsAt)).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowInsufficientBalance',
    );
    for (const party of ['customer', 'provider'] as const) {
      const call = market.escrow.connect(market[party]);
      await expect(
        call.amend(terms, CUSTOMER_STAKE + 1n, terms.endsAt, NO_SIGNATURE, NO_SIGNATURE),
      ).to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowNotAuthorized');
    }
  });

  it('raises the stake and extends the term, for every end that follows', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    const [stake, endsAt] = [CUSTOMER_STAKE + 9n, terms.endsAt + DAY];
    await expect(amend(market, terms, stake, endsAt))
      .to.emit(market.escrow, 'AgreementAmended')
      .withArgs(idOf(market, terms), stake, endsAt);
    expect((await balances(market)).customer).to.equal(FUNDS - stake);
    expect((await market.escrow.statusOf(terms)).exitsAt).to.equal(endsAt + WINDOW_SEC);
    await claimBy(market, terms, stake + 1n);
    expect(Array.from(await market.escrow.statusOf(terms))).to.deep.equal([STATUS.claimed, stake, BigInt(endsAt)]);
    await amend(market, terms, stake + 1n, endsAt);
    await settleTerms(market, terms, PROVIDER_STAKE + stake + 1n);
    expect(await balances(market)).to.deep.equal({ customer: FUNDS - stake - 1n, provider: FUNDS + stake + 1n });
  });

  it('extends the term alone', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await amend(market, terms, CUSTOMER_STAKE, terms.endsAt + 1);
    expect((await market.escrow.statusOf(terms)).exitsAt).to.equal(terms.endsAt + 1 + WINDOW_SEC);
    expect((await balances(market)).customer).to.equal(FUNDS - CUSTOMER_STAKE);
  });

  it('is forgotten by the next agreement of the lane', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await amend(market, terms, CUSTOMER_STAKE + 9n, terms.endsAt + DAY);
    await settleTerms(market, terms, 0n);
    const next = await openAgreement(market, { lane: terms.lane, openBy: terms.openBy + 1 });
    expect((await market.escrow.statusOf(next)).exitsAt).to.equal(next.endsAt + WINDOW_SEC);
    await settleTerms(market, next, 0n);
    expect(await balances(market)).to.deep.equal({
      customer: FUNDS + 2n * PROVIDER_STAKE,
      provider: FUNDS - 2n * PROVIDER_STAKE,
    });
  });
});
