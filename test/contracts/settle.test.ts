import { expect } from 'chai';
import { AbiCoder, keccak256 } from 'ethers';
import {
  balances,
  bothSign,
  CUSTOMER_STAKE,
  ENDING,
  FUNDS,
  idOf,
  loadFixture,
  type Market,
  marketFixture,
  NO_SIGNATURE,
  networkHelpers,
  OUTCOME,
  openAgreement,
  PROVIDER_STAKE,
  reputationOf,
  STATUS,
  settleTerms,
  termsOf,
} from './support/market.ts';

const POT = CUSTOMER_STAKE + PROVIDER_STAKE;
const EARNED = 4_000_000n;

const MAX_VALUE = 2n ** 80n - 1n;

/** Where an owner's word is stored: `_accounts[token][owner]`, a mapping that is found by its content. */
async function accountSlot(market: Market, owner: string): Promise<{ key: string; balance: bigint }> {
  const { balance } = await market.escrow.accountOf(market.tokenAddress, owner);
  const coder = AbiCoder.defaultAbiCoder();
  for (let slot = 0; slot < 16; slot += 1) {
    const ofToken = keccak256(coder.encode(['address', 'uint256'], [market.tokenAddress, slot]));
    const key = keccak256(coder.encode(['address', 'bytes32'], [owner, ofToken]));
    if (BigInt(await networkHelpers.getStorageAt(market.escrowAddress, key)) === balance) return { key, balance };
  }
  throw new Error('the account is nowhere in storage');
}

describe('AgreementEscrow settle', () => {
  it('reverts for more than both stakes', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await expect(settleTerms(market, terms, POT + 1n))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowPotExceeded')
      .withArgs(idOf(market, terms), POT, POT + 1n);
  });

  it('reverts for an agreement that is not there, or no longer', async () => {
    const market = await loadFixture(marketFixture);
    const unopened = await termsOf(market);
    const ended = await openAgreement(market);
    await settleTerms(market, ended, 0n);
    for (const [terms, status] of [
      [unopened, STATUS.none],
      [ended, STATUS.ended],
    ] as const) {
      await expect(settleTerms(market, terms, 0n))
        .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowUnexpectedStatus')
        .withArgs(idOf(market, terms), status, 0b0111110);
    }
  });

  for (const party of ['customer', 'provider'] as const) {
    it(`reverts without the ${party}`, async () => {
      const market = await loadFixture(marketFixture);
      const terms = await openAgreement(market);
      const settlement = { agreementId: idOf(market, terms), toProvider: 1n, outcome: OUTCOME.neutral };
      const signatures = await bothSign(market, 'Settlement', settlement);
      signatures[party === 'customer' ? 0 : 1] = NO_SIGNATURE;
      await expect(
        market.escrow.connect(market.stranger).settle(terms, 1n, OUTCOME.neutral, ...signatures),
      ).to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowNotAuthorized');
      await market.escrow.connect(market[party]).settle(terms, 1n, OUTCOME.neutral, ...signatures);
    });
  }

  it('reverts when another split or outcome was signed', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    const settlement = { agreementId: idOf(market, terms), toProvider: 5n, outcome: OUTCOME.neutral };
    const signatures = await bothSign(market, 'Settlement', settlement);
    await expect(market.escrow.settle(terms, 6n, OUTCOME.neutral, ...signatures)).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowNotAuthorized',
    );
    await expect(market.escrow.settle(terms, 5n, OUTCOME.honoured, ...signatures)).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowNotAuthorized',
    );
  });

  for (const [name, toProvider] of [
    ['all to the provider', POT],
    ['all to the customer', 0n],
    ['a split', PROVIDER_STAKE + EARNED],
  ] as const) {
    it(`pays ${name}`, async () => {
      const market = await loadFixture(marketFixture);
      const terms = await openAgreement(market);
      await expect(settleTerms(market, terms, toProvider, OUTCOME.honoured))
        .to.emit(market.escrow, 'AgreementEnded')
        .withArgs(idOf(market, terms), toProvider, OUTCOME.honoured, ENDING.settled);
      expect(await balances(market)).to.deep.equal({
        customer: FUNDS - CUSTOMER_STAKE + POT - toProvider,
        provider: FUNDS - PROVIDER_STAKE + toProvider,
      });
    });
  }

  for (const [name, outcome, customer, provider] of [
    ['neutral', OUTCOME.neutral, [0n, 0n, 0n, EARNED], [0n, 0n, 0n, EARNED]],
    ['honoured', OUTCOME.honoured, [1n, 0n, 0n, EARNED], [1n, 0n, 0n, EARNED]],
    ['breached', OUTCOME.breached, [0n, 0n, 0n, 0n], [0n, 1n, 0n, 0n]],
  ] as const) {
    it(`moves reputation for an outcome that is ${name}`, async () => {
      const market = await loadFixture(marketFixture);
      await settleTerms(market, await openAgreement(market), PROVIDER_STAKE + EARNED, outcome);
      expect(await reputationOf(market, 'customer')).to.deep.equal(customer);
      expect(await reputationOf(market, 'provider')).to.deep.equal(provider);
    });
  }

  it('counts value up to the top of its field, and pays on', async () => {
    const market = await loadFixture(marketFixture);
    const stake = MAX_VALUE - 5n;
    await market.token.mint(market.customer.address, 2n * stake);
    await market.token.connect(market.customer).approve(market.escrowAddress, 2n * stake);
    await market.escrow.connect(market.customer).deposit(market.tokenAddress, 2n * stake);
    for (const value of [stake, MAX_VALUE]) {
      const terms = await openAgreement(market, { customerStake: stake, providerStake: 0n });
      await settleTerms(market, terms, stake, OUTCOME.honoured);
      for (const party of ['customer', 'provider'] as const) {
        expect((await reputationOf(market, party))[3]).to.equal(value);
      }
    }
    expect(await reputationOf(market, 'customer')).to.deep.equal([2n, 0n, 0n, MAX_VALUE]);
    expect(await balances(market)).to.deep.equal({ customer: FUNDS, provider: FUNDS + 2n * stake });
  });

  it('counts agreements up to the top of the field, and leaves the others alone', async () => {
    const market = await loadFixture(marketFixture);
    const { balance, ...slot } = await accountSlot(market, market.provider.address);
    const top = (0xffffn << 208n) | (0xffffn << 224n) | balance;
    await networkHelpers.setStorageAt(market.escrowAddress, slot.key, top);
    await settleTerms(market, await openAgreement(market), PROVIDER_STAKE + EARNED, OUTCOME.honoured);
    await settleTerms(market, await openAgreement(market), PROVIDER_STAKE, OUTCOME.breached);
    expect(await reputationOf(market, 'provider')).to.deep.equal([0xffffn, 0xffffn, 0n, EARNED]);
  });

  it('settleMany settles all of them', async () => {
    const market = await loadFixture(marketFixture);
    const requests = [];
    for (let i = 0; i < 2; i += 1) {
      const terms = await openAgreement(market);
      const settlement = { agreementId: idOf(market, terms), toProvider: 1n, outcome: OUTCOME.neutral };
      const [customerSignature, providerSignature] = await bothSign(market, 'Settlement', settlement);
      requests.push({ terms, toProvider: 1n, outcome: OUTCOME.neutral, customerSignature, providerSignature });
    }
    await market.escrow.settleMany(requests);
    for (const { terms } of requests) expect((await market.escrow.statusOf(terms)).status).to.equal(STATUS.ended);
  });
});
