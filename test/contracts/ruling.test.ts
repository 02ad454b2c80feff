import { expect } from 'chai';
import {
  DISPUTE_ID,
  dispute,
  disputeFixture,
  FEE_WEI,
  makeDirect,
  openDisputable,
  ruleDirect,
} from './support/disputes.ts';
import {
  balances,
  CUSTOMER_STAKE,
  claimBy,
  ENDING,
  ethers,
  FUNDS,
  hashOf,
  idOf,
  loadFixture,
  OUTCOME,
  openAgreement,
  PROVIDER_STAKE,
  RULING_WINDOW_SEC,
  reputationOf,
  STATUS,
  time,
} from './support/market.ts';

const EARNED = 4_000_000n;
const SHARE = CUSTOMER_STAKE / 10n;
const HONOURED = 1n;
const BREACHED = 2n;

describe('AgreementEscrow ruling', () => {
  const claimed = PROVIDER_STAKE + EARNED;
  const rulings: [string, bigint, 'customer' | 'provider', bigint, bigint, bigint[], bigint[]][] = [
    ['honours against the customer', 1n, 'customer', claimed, OUTCOME.honoured, [0n, 0n, 1n], [1n, 0n, 0n]],
    ['honours, with the fee share', 1n, 'provider', claimed + SHARE, OUTCOME.honoured, [0n, 0n, 1n], [1n, 0n, 0n]],
    ['breaches', 2n, 'customer', 0n, OUTCOME.breached, [0n, 0n, 0n], [0n, 1n, 1n]],
    ['breaches whoever asked', 2n, 'provider', 0n, OUTCOME.breached, [0n, 0n, 0n], [0n, 1n, 1n]],
    ['refuses to say', 0n, 'customer', claimed, OUTCOME.neutral, [0n, 0n, 0n], [0n, 0n, 0n]],
    ['says something unknown', 3n, 'customer', claimed, OUTCOME.neutral, [0n, 0n, 0n], [0n, 0n, 0n]],
    ['says 256', 256n, 'customer', claimed, OUTCOME.neutral, [0n, 0n, 0n], [0n, 0n, 0n]],
  ];
  for (const [name, ruling, by, toProvider, outcome, customer, provider] of rulings) {
    for (const direct of [false, true]) {
      it(`${name} (${direct ? 'in one transaction' : 'plain ERC-792'})`, async () => {
        const market = await loadFixture(disputeFixture);
        if (direct) await makeDirect(market);
        const terms = await openDisputable(market);
        await claimBy(market, terms, EARNED);
        await dispute(market, terms, market[by]);
        if (!direct) await market.arbitrator.rulePlain(market.escrowAddress, DISPUTE_ID, ruling);
        const end = direct ? ruleDirect(market, terms, ruling) : market.escrow.connect(market.stranger).expire(terms);
        await expect(end)
          .to.emit(market.escrow, 'AgreementEnded')
          .withArgs(idOf(market, terms), toProvider, outcome, ENDING.ruled);
        expect(await balances(market)).to.deep.equal({
          customer: FUNDS + PROVIDER_STAKE - toProvider,
          provider: FUNDS - PROVIDER_STAKE + toProvider,
        });
        expect((await reputationOf(market, 'customer')).slice(0, 3)).to.deep.equal(customer);
        expect((await reputationOf(market, 'provider')).slice(0, 3)).to.deep.equal(provider);
      });
    }
  }

  it('never takes more than the customer’s stake for claim and fee share together', async () => {
    const market = await loadFixture(disputeFixture);
    await makeDirect(market);
    const terms = await openDisputable(market);
    await claimBy(market, terms, CUSTOMER_STAKE - 1n);
    await dispute(market, terms, market.provider);
    await ruleDirect(market, terms, HONOURED);
    expect(await balances(market)).to.deep.equal({
      customer: FUNDS - CUSTOMER_STAKE,
      provider: FUNDS + CUSTOMER_STAKE,
    });
  });

  it('plain: reverts for a sender that has no such dispute, also a second time', async () => {
    const market = await loadFixture(disputeFixture);
    const terms = await openDisputable(market);
    await expect(market.escrow.connect(market.stranger).rule(DISPUTE_ID, 1))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowUnknownDispute')
      .withArgs(market.stranger.address, DISPUTE_ID);
    await dispute(market, terms);
    await expect(market.arbitrator.rulePlain(market.escrowAddress, DISPUTE_ID, HONOURED))
      .to.emit(market.escrow, 'Ruling')
      .withArgs(market.arbitration.arbitrator, DISPUTE_ID, HONOURED);
    expect((await market.escrow.statusOf(terms)).exitsAt).to.equal(await time.latest());
    await expect(market.arbitrator.rulePlain(market.escrowAddress, DISPUTE_ID, BREACHED)).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowUnknownDispute',
    );
  });

  it('plain: a ruling that comes too late, or after a settlement, or for an older agreement says nothing', async () => {
    const market = await loadFixture(disputeFixture);
    const terms = await openDisputable(market);
    await dispute(market, terms);
    await time.setNextBlockTimestamp((await time.latest()) + RULING_WINDOW_SEC);
    await market.arbitrator.rulePlain(market.escrowAddress, DISPUTE_ID, BREACHED);
    await expect(market.escrow.expire(terms))
      .to.emit(market.escrow, 'AgreementEnded')
      .withArgs(idOf(market, terms), PROVIDER_STAKE, OUTCOME.neutral, ENDING.silent);

    const settled = await openDisputable(market);
    await market.arbitrator.setNextDispute(2);
    await dispute(market, settled);
    await market.escrow.connect(market.provider).concede(settled);
    await market.arbitrator.rulePlain(market.escrowAddress, 2, BREACHED);
    expect((await market.escrow.statusOf(settled)).status).to.equal(STATUS.ended);

    const older = await openDisputable(market);
    await market.arbitrator.setNextDispute(3);
    await dispute(market, older);
    await market.escrow.connect(market.provider).concede(older);
    const lane = { lane: older.lane, openBy: older.openBy + 1, arbitrationHash: hashOf(market.arbitration) };
    const next = await openAgreement(market, lane);
    await market.arbitrator.setNextDispute(4);
    await dispute(market, next);
    await market.arbitrator.rulePlain(market.escrowAddress, 3, BREACHED);
    expect((await market.escrow.statusOf(next)).exitsAt).to.be.greaterThan(await time.latest());
  });

  it('direct: reverts for anybody but the arbitrator, for other terms, and without a dispute', async () => {
    const market = await loadFixture(disputeFixture);
    await makeDirect(market);
    const terms = await openDisputable(market);
    await expect(ruleDirect(market, terms, HONOURED)).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowUnexpectedStatus',
    );
    await dispute(market, terms);
    const call = [terms, market.arbitration, idOf(market, terms), HONOURED, market.stranger.address] as const;
    await expect(market.escrow.connect(market.customer).ruleAgreement(...call))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowUnknownDispute')
      .withArgs(market.customer.address, idOf(market, terms));
    const other = await openDisputable(market);
    await dispute(market, other);
    await expect(
      market.arbitrator.ruleDirect(
        market.escrowAddress,
        other,
        market.arbitration,
        idOf(market, terms),
        HONOURED,
        market.stranger.address,
      ),
    ).to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowUnknownDispute');
  });

  it('direct: reverts when the window is over', async () => {
    const market = await loadFixture(disputeFixture);
    await makeDirect(market);
    const terms = await openDisputable(market);
    await dispute(market, terms);
    await time.increase(RULING_WINDOW_SEC);
    await expect(ruleDirect(market, terms, HONOURED)).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowTooLate',
    );
  });

  it('direct: says how it ruled', async () => {
    const market = await loadFixture(disputeFixture);
    await makeDirect(market);
    const terms = await openDisputable(market);
    await dispute(market, terms);
    await expect(ruleDirect(market, terms, BREACHED))
      .to.emit(market.escrow, 'Ruling')
      .withArgs(await market.arbitrator.getAddress(), idOf(market, terms), BREACHED);
  });

  it('direct: pays the fee to whom the ruling names', async () => {
    const market = await loadFixture(disputeFixture);
    await makeDirect(market);
    const terms = await openDisputable(market);
    await dispute(market, terms);
    expect(await ethers.provider.getBalance(market.escrowAddress)).to.equal(FEE_WEI);
    await ruleDirect(market, terms, HONOURED);
    expect(await market.escrow.feesOf(market.stranger.address)).to.equal(FEE_WEI);
  });

  it('direct: rounds the fee up to whole gwei', async () => {
    const market = await loadFixture(disputeFixture);
    await market.arbitrator.set(FEE_WEI + 1n, false, true);
    const terms = await openDisputable(market);
    await dispute(market, terms, market.customer, 2n * FEE_WEI);
    await ruleDirect(market, terms, HONOURED);
    expect(await market.escrow.feesOf(market.stranger.address)).to.equal(FEE_WEI + 10n ** 9n);
  });

  for (const by of ['customer', 'provider'] as const) {
    it(`direct: gives the ${by} its fee back when the arbitrator is silent, at a settlement and when conceded`, async () => {
      const market = await loadFixture(disputeFixture);
      await makeDirect(market);
      const [silent, conceded] = [await openDisputable(market), await openDisputable(market)];
      await dispute(market, silent, market[by]);
      await dispute(market, conceded, market[by]);
      await market.escrow.connect(market.provider).concede(conceded);
      expect(await market.escrow.feesOf(market[by].address)).to.equal(FEE_WEI);
      await time.increase(RULING_WINDOW_SEC);
      await market.escrow.expire(silent);
      expect(await market.escrow.feesOf(market[by].address)).to.equal(2n * FEE_WEI);
    });
  }

  it('direct: a fee of nothing is credited to nobody', async () => {
    const market = await loadFixture(disputeFixture);
    await market.arbitrator.set(0, false, true);
    const [ruled, conceded] = [await openDisputable(market), await openDisputable(market)];
    for (const terms of [ruled, conceded]) await dispute(market, terms, market.customer, 0n);
    await expect(ruleDirect(market, ruled, HONOURED)).not.to.emit(market.escrow, 'FeesCredited');
    await expect(market.escrow.connect(market.provider).concede(conceded)).not.to.emit(market.escrow, 'FeesCredited');
  });

  it('an arbitrator that re-enters gains nothing', async () => {
    const market = await loadFixture(disputeFixture);
    const terms = await openDisputable(market);
    const { escrow } = market;
    // It has something to withdraw.
    const earned = await openDisputable(market);
    await makeDirect(market);
    await dispute(market, earned);
    const payee = await market.arbitrator.getAddress();
    await market.arbitrator.ruleDirect(escrow, earned, market.arbitration, idOf(market, earned), HONOURED, payee);
    expect(await escrow.feesOf(payee)).to.equal(FEE_WEI);
    await market.arbitrator.set(FEE_WEI, false, false);
    for (const data of [
      escrow.interface.encodeFunctionData('rule', [DISPUTE_ID, BREACHED]),
      escrow.interface.encodeFunctionData('expire', [terms]),
      escrow.interface.encodeFunctionData('withdrawFees', [market.stranger.address]),
    ]) {
      await market.arbitrator.setReentry(data);
      const snapshot = await ethers.provider.send('evm_snapshot', []);
      await dispute(market, terms);
      expect(await market.arbitrator.reentered()).to.equal(false);
      expect((await escrow.statusOf(terms)).status).to.equal(STATUS.disputed);
      await ethers.provider.send('evm_revert', [snapshot]);
    }
  });
});
