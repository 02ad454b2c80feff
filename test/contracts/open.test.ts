import { expect } from 'chai';
import { ZeroAddress } from 'ethers';
import {
  balances,
  bothSign,
  CUSTOMER_STAKE,
  FUNDS,
  idOf,
  loadFixture,
  type Market,
  marketFixture,
  NO_SIGNATURE,
  openAgreement,
  openTerms,
  PROVIDER_STAKE,
  STATUS,
  sign,
  termsOf,
  time,
  WINDOW_SEC,
} from './support/market.ts';

async function endAtOnce(market: Market, terms: Awaited<ReturnType<typeof termsOf>>) {
  await market.escrow.connect(market.provider).concede(terms);
}

describe('AgreementEscrow open', () => {
  describe('given terms that contradict themselves', () => {
    const cases: [string, (market: Market, now: number) => Parameters<typeof termsOf>[1]][] = [
      ['one party on both sides', (market) => ({ provider: market.customer.address })],
      ['no response window', () => ({ responseWindowSec: 0 })],
      ['a term that is over', (_, now) => ({ endsAt: now })],
      ['an openBy beyond 2106', () => ({ openBy: 2 ** 32 })],
    ];
    for (const [name, changes] of cases) {
      it(`reverts for ${name}`, async () => {
        const market = await loadFixture(marketFixture);
        const terms = await termsOf(market, changes(market, await time.latest()));
        await expect(openTerms(market, terms))
          .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowInvalidTerms')
          .withArgs(idOf(market, terms));
      });
    }
  });

  it('reverts for the zero address, which a malformed signature recovers to', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await termsOf(market, { customer: ZeroAddress, customerStake: 0n });
    const byProvider = await sign(market.domain, market.provider, 'Terms', terms);
    await expect(market.escrow.open(terms, '0x12', byProvider))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowNotAuthorized')
      .withArgs(ZeroAddress, ZeroAddress, idOf(market, terms));
  });

  it('reverts after openBy, and not in its last second', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await termsOf(market);
    const signatures = await bothSign(market, 'Terms', terms);
    await time.setNextBlockTimestamp(terms.openBy + 1);
    await expect(market.escrow.open(terms, ...signatures))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowOpenByPassed')
      .withArgs(idOf(market, terms), terms.openBy);
    const later = await termsOf(market);
    const laterSignatures = await bothSign(market, 'Terms', later);
    await time.setNextBlockTimestamp(later.openBy);
    await market.escrow.open(later, ...laterSignatures);
  });

  it('takes an openBy in the last second that a lane can count', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market, { openBy: 2 ** 32 - 1 });
    expect((await market.escrow.statusOf(terms)).status).to.equal(STATUS.open);
  });

  it('reverts while the lane holds an open agreement', async () => {
    const market = await loadFixture(marketFixture);
    const { lane, openBy } = await openAgreement(market);
    await expect(openTerms(market, await termsOf(market, { lane, openBy: openBy + 1 })))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowLaneBusy')
      .withArgs(market.provider.address, lane);
  });

  it('reverts for terms that were opened before, however they ended', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await endAtOnce(market, terms);
    await expect(openTerms(market, terms))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowLaneUsed')
      .withArgs(market.provider.address, terms.lane, terms.openBy);
  });

  it('takes a lane again for terms with a later openBy', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await endAtOnce(market, terms);
    const next = await openAgreement(market, { lane: terms.lane, openBy: terms.openBy + 1 });
    expect((await market.escrow.statusOf(next)).status).to.equal(STATUS.open);
    expect((await market.escrow.statusOf(terms)).status).to.equal(STATUS.ended);
    const twin = await termsOf(market, { lane: next.lane, openBy: next.openBy });
    expect((await market.escrow.statusOf(twin)).status, 'can never be opened').to.equal(STATUS.ended);
    const later = { ...twin, openBy: next.openBy + 1 };
    expect((await market.escrow.statusOf(later)).status, 'can still be opened').to.equal(STATUS.none);
  });

  it('keeps equal lanes of two providers apart', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    const other = { ...terms, provider: market.stranger.address };
    const byCustomer = await sign(market.domain, market.customer, 'Terms', other);
    await market.escrow.connect(market.stranger).open(other, byCustomer, NO_SIGNATURE);
    expect((await market.escrow.statusOf(terms)).status).to.equal(STATUS.open);
  });

  for (const party of ['customer', 'provider'] as const) {
    it(`reverts when the ${party}’s balance does not cover its stake`, async () => {
      const market = await loadFixture(marketFixture);
      const terms = await termsOf(market, { [`${party}Stake`]: FUNDS + 1n });
      await expect(openTerms(market, terms))
        .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowInsufficientBalance')
        .withArgs(market.tokenAddress, market[party].address, FUNDS, FUNDS + 1n);
    });

    it(`reverts without the ${party}’s signature`, async () => {
      const market = await loadFixture(marketFixture);
      const terms = await termsOf(market);
      const signatures = await bothSign(market, 'Terms', terms);
      signatures[party === 'customer' ? 0 : 1] = await sign(market.domain, market.stranger, 'Terms', terms);
      await expect(market.escrow.open(terms, ...signatures))
        .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowNotAuthorized')
        .withArgs(market[party].address, market.stranger.address, idOf(market, terms));
    });

    it(`is sent by the ${party} without a signature of its own`, async () => {
      const market = await loadFixture(marketFixture);
      const terms = await termsOf(market);
      const signatures = await bothSign(market, 'Terms', terms);
      signatures[party === 'customer' ? 0 : 1] = NO_SIGNATURE;
      await market.escrow.connect(market[party]).open(terms, ...signatures);
      expect((await market.escrow.statusOf(terms)).status).to.equal(STATUS.open);
    });
  }

  it('locks both stakes and says so with all terms', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await termsOf(market);
    const tx = await openTerms(market, terms);
    await expect(tx).to.emit(market.escrow, 'AgreementOpened').withArgs(idOf(market, terms), Object.values(terms));
    expect(await balances(market)).to.deep.equal({
      customer: FUNDS - CUSTOMER_STAKE,
      provider: FUNDS - PROVIDER_STAKE,
    });
    const status = await market.escrow.statusOf(terms);
    expect(Array.from(status)).to.deep.equal([STATUS.open, 0n, BigInt(terms.endsAt + WINDOW_SEC)]);
  });

  it('opens with stakes of zero', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market, { customerStake: 0n, providerStake: 0n });
    expect((await market.escrow.statusOf(terms)).status).to.equal(STATUS.open);
  });

  it('openMany opens all of them', async () => {
    const market = await loadFixture(marketFixture);
    const all = [await termsOf(market), await termsOf(market)];
    const requests = [];
    for (const terms of all) {
      const [customerSignature, providerSignature] = await bothSign(market, 'Terms', terms);
      requests.push({ terms, customerSignature, providerSignature });
    }
    await market.escrow.openMany(requests);
    for (const terms of all) expect((await market.escrow.statusOf(terms)).status).to.equal(STATUS.open);
  });

  it('openMany opens none of them when one fails', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await termsOf(market);
    const [customerSignature, providerSignature] = await bothSign(market, 'Terms', terms);
    const request = { terms, customerSignature, providerSignature };
    await expect(market.escrow.openMany([request, request])).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowLaneBusy',
    );
    expect((await market.escrow.statusOf(terms)).status).to.equal(STATUS.none);
  });
});
