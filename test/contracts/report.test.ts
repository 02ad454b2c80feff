import { expect } from 'chai';
import {
  balances,
  ENDING,
  FUNDS,
  idOf,
  loadFixture,
  marketFixture,
  OUTCOME,
  openAgreement,
  PROVIDER_STAKE,
  reputationOf,
  STATUS,
  time,
  WINDOW_SEC,
} from './support/market.ts';

describe('AgreementEscrow report, answer and concede', () => {
  it('report reverts for everybody but the customer', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    for (const sender of [market.provider, market.stranger]) {
      await expect(market.escrow.connect(sender).report(terms, '')).to.be.revertedWithCustomError(
        market.escrow,
        'AgreementEscrowNotAuthorized',
      );
    }
  });

  it('report reverts when time has decided', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await time.setNextBlockTimestamp(terms.endsAt + WINDOW_SEC);
    await expect(market.escrow.connect(market.customer).report(terms, '')).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowTooLate',
    );
  });

  it('gives the provider one window, and then the customer everything', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await expect(market.escrow.connect(market.customer).report(terms, 'ipfs://evidence'))
      .to.emit(market.escrow, 'AgreementReported')
      .withArgs(idOf(market, terms), 'ipfs://evidence');
    const exitsAt = (await time.latest()) + WINDOW_SEC;
    expect(Array.from(await market.escrow.statusOf(terms))).to.deep.equal([STATUS.reported, 0n, BigInt(exitsAt)]);
    await time.setNextBlockTimestamp(exitsAt);
    await expect(market.escrow.connect(market.provider).answer(terms, ''))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowTooLate')
      .withArgs(idOf(market, terms), exitsAt);
    await market.escrow.expire(terms);
    expect(await reputationOf(market, 'provider')).to.deep.equal([0n, 1n, 0n, 0n]);
  });

  it('answer reverts without a report, and for everybody but the provider', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await expect(market.escrow.connect(market.provider).answer(terms, ''))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowUnexpectedStatus')
      .withArgs(idOf(market, terms), STATUS.open, 0b0001000);
    await market.escrow.connect(market.customer).report(terms, '');
    await expect(market.escrow.connect(market.customer).answer(terms, '')).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowNotAuthorized',
    );
  });

  it('an answered report lapses, and cannot be repeated', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await market.escrow.connect(market.customer).report(terms, '');
    await expect(market.escrow.connect(market.provider).answer(terms, 'ipfs://log'))
      .to.emit(market.escrow, 'AgreementAnswered')
      .withArgs(idOf(market, terms), 'ipfs://log');
    expect((await market.escrow.statusOf(terms)).status).to.equal(STATUS.answered);
    await time.increase(WINDOW_SEC);
    expect(Array.from(await market.escrow.statusOf(terms))).to.deep.equal([
      STATUS.open,
      0n,
      BigInt(terms.endsAt + WINDOW_SEC),
    ]);
    await expect(market.escrow.connect(market.customer).report(terms, ''))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowReportedBefore')
      .withArgs(idOf(market, terms));
  });

  it('an answered report holds up the end until its window has passed', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await time.setNextBlockTimestamp(terms.endsAt + WINDOW_SEC - 2);
    await market.escrow.connect(market.customer).report(terms, '');
    await market.escrow.connect(market.provider).answer(terms, '');
    const exitsAt = (await time.latest()) + WINDOW_SEC;
    expect((await market.escrow.statusOf(terms)).exitsAt).to.equal(exitsAt);
    await time.setNextBlockTimestamp(exitsAt - 1);
    await expect(market.escrow.expire(terms)).to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowTooEarly');
    await time.setNextBlockTimestamp(exitsAt);
    await market.escrow.expire(terms);
    expect(await balances(market)).to.deep.equal({ customer: FUNDS, provider: FUNDS });
  });

  it('concede reverts for everybody but the provider', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await expect(market.escrow.connect(market.customer).concede(terms)).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowNotAuthorized',
    );
  });

  it('concede gives everything to the customer', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await expect(market.escrow.connect(market.provider).concede(terms))
      .to.emit(market.escrow, 'AgreementEnded')
      .withArgs(idOf(market, terms), 0n, OUTCOME.breached, ENDING.conceded);
    expect(await balances(market)).to.deep.equal({
      customer: FUNDS + PROVIDER_STAKE,
      provider: FUNDS - PROVIDER_STAKE,
    });
  });
});
