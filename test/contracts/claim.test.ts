import { expect } from 'chai';
import {
  CUSTOMER_STAKE,
  claimBy,
  idOf,
  loadFixture,
  marketFixture,
  NO_SIGNATURE,
  openAgreement,
  STATUS,
  sign,
  time,
  WINDOW_SEC,
} from './support/market.ts';

const EARNED = 4_000_000n;

describe('AgreementEscrow claim', () => {
  it('reverts when the provider does not send it', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    const receipt = { agreementId: idOf(market, terms), earned: EARNED };
    const signature = await sign(market.domain, market.customer, 'Receipt', receipt);
    await expect(market.escrow.connect(market.stranger).claim(terms, EARNED, signature)).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowNotAuthorized',
    );
  });

  it('reverts without the customer’s receipt', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    const receipt = { agreementId: idOf(market, terms), earned: EARNED };
    const own = await sign(market.domain, market.provider, 'Receipt', receipt);
    for (const signature of [own, NO_SIGNATURE]) {
      await expect(
        market.escrow.connect(market.provider).claim(terms, EARNED, signature),
      ).to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowNotAuthorized');
    }
  });

  it('reverts when a receipt adds nothing', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await claimBy(market, terms, EARNED);
    await expect(claimBy(market, terms, EARNED))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowReceiptStale')
      .withArgs(idOf(market, terms), EARNED, EARNED);
    await claimBy(market, terms, CUSTOMER_STAKE + 5n);
    await expect(claimBy(market, terms, CUSTOMER_STAKE + 6n))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowReceiptStale')
      .withArgs(idOf(market, terms), CUSTOMER_STAKE, CUSTOMER_STAKE + 6n);
  });

  it('reverts when time has decided', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await time.setNextBlockTimestamp(terms.endsAt + WINDOW_SEC);
    await expect(claimBy(market, terms, EARNED))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowTooLate')
      .withArgs(idOf(market, terms), terms.endsAt + WINDOW_SEC);
  });

  it('is final when the term ends, at the earliest', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await expect(claimBy(market, terms, EARNED))
      .to.emit(market.escrow, 'AgreementClaimed')
      .withArgs(idOf(market, terms), EARNED);
    expect(Array.from(await market.escrow.statusOf(terms))).to.deep.equal([
      STATUS.claimed,
      EARNED,
      BigInt(terms.endsAt),
    ]);
  });

  it('is final one window after the first claim, however often it is improved', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await time.setNextBlockTimestamp(terms.endsAt + 5);
    await claimBy(market, terms, EARNED);
    await claimBy(market, terms, EARNED + 1n);
    const exitsAt = BigInt(terms.endsAt + 5 + WINDOW_SEC);
    expect(Array.from(await market.escrow.statusOf(terms))).to.deep.equal([STATUS.claimed, EARNED + 1n, exitsAt]);
  });

  it('of nothing still claims the provider’s stake', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await claimBy(market, terms, 0n);
    expect((await market.escrow.statusOf(terms)).status).to.equal(STATUS.claimed);
    await expect(claimBy(market, terms, 0n)).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowReceiptStale',
    );
  });

  it('is possible while a report is pending and while it is answered', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await market.escrow.connect(market.customer).report(terms, '');
    await claimBy(market, terms, EARNED);
    expect((await market.escrow.statusOf(terms)).status).to.equal(STATUS.reported);
    await market.escrow.connect(market.provider).answer(terms, '');
    await claimBy(market, terms, EARNED + 1n);
    expect((await market.escrow.statusOf(terms)).status).to.equal(STATUS.answered);
    await time.increase(WINDOW_SEC);
    expect((await market.escrow.statusOf(terms)).status).to.equal(STATUS.claimed);
  });
});
