import { expect } from 'chai';
import type { Terms } from '../../market/terms.ts';
import { DISPUTE_ID, dispute, disputeFixture, FEE_WEI, makeDirect, openDisputable } from './support/disputes.ts';
import {
  arbitrationBy,
  bothSign,
  claimBy,
  ethers,
  hashOf,
  idOf,
  loadFixture,
  OUTCOME,
  openAgreement,
  RULING_WINDOW_SEC,
  STATUS,
  settleTerms,
  time,
  WINDOW_SEC,
} from './support/market.ts';

const EARNED = 4_000_000n;

describe('AgreementEscrow dispute', () => {
  it('reverts with another arbitration than the terms name, and for terms that name none', async () => {
    const market = await loadFixture(disputeFixture);
    const terms = await openDisputable(market);
    const other = { ...market.arbitration, maxFeeWei: market.arbitration.maxFeeWei + 1n };
    await expect(market.escrow.connect(market.customer).dispute(terms, other, { value: FEE_WEI }))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowArbitrationMismatch')
      .withArgs(idOf(market, terms), hashOf(market.arbitration), hashOf(other));
    await expect(dispute(market, await openAgreement(market))).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowArbitrationMismatch',
    );
  });

  it('reverts for everybody but the parties', async () => {
    const market = await loadFixture(disputeFixture);
    await expect(dispute(market, await openDisputable(market), market.stranger)).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowNotAuthorized',
    );
  });

  it('reverts when the arbitrator asks more than the terms allow, and time still decides', async () => {
    const market = await loadFixture(disputeFixture);
    const terms = await openDisputable(market);
    const { maxFeeWei } = market.arbitration;
    await market.arbitrator.set(maxFeeWei + 1n, false, false);
    await expect(dispute(market, terms, market.customer, maxFeeWei + 1n))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowFeeAboveCap')
      .withArgs(idOf(market, terms), maxFeeWei + 1n, maxFeeWei);
    await time.increaseTo(terms.endsAt + WINDOW_SEC);
    await market.escrow.expire(terms);
  });

  it('reverts when the fee is not paid', async () => {
    const market = await loadFixture(disputeFixture);
    const terms = await openDisputable(market);
    await expect(dispute(market, terms, market.customer, FEE_WEI - 1n))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowFeeUnpaid')
      .withArgs(idOf(market, terms), FEE_WEI, FEE_WEI - 1n);
  });

  it('reverts a second time, and when time has decided', async () => {
    const market = await loadFixture(disputeFixture);
    const terms = await openDisputable(market);
    await dispute(market, terms);
    await expect(dispute(market, terms, market.provider))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowUnexpectedStatus')
      .withArgs(idOf(market, terms), STATUS.disputed, 0b0011110);
    const late = await openDisputable(market);
    await time.setNextBlockTimestamp(late.endsAt + WINDOW_SEC);
    await expect(dispute(market, late)).to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowTooLate');
  });

  it('reverts with an arbitrator that refuses, and time still decides', async () => {
    const market = await loadFixture(disputeFixture);
    const terms = await openDisputable(market);
    await market.arbitrator.set(FEE_WEI, true, false);
    await expect(dispute(market, terms)).to.be.revertedWith('refused');
    await time.increaseTo(terms.endsAt + WINDOW_SEC);
    await market.escrow.expire(terms);
  });

  it('reverts with an arbitrator that is no contract, and time still decides', async () => {
    const market = await loadFixture(disputeFixture);
    const arbitration = arbitrationBy(market.stranger.address);
    const terms = await openDisputable(market, arbitration);
    await expect(market.escrow.connect(market.customer).dispute(terms, arbitration, { value: FEE_WEI })).to.revert(
      ethers,
    );
    await time.increaseTo(terms.endsAt + WINDOW_SEC);
    await market.escrow.expire(terms);
  });

  it('credits what was paid too much, uses it next time and pays it out', async () => {
    const market = await loadFixture(disputeFixture);
    const { escrow, customer } = market;
    await expect(dispute(market, await openDisputable(market), customer, 3n * FEE_WEI))
      .to.emit(escrow, 'FeesCredited')
      .withArgs(customer.address, 2n * FEE_WEI);
    await market.arbitrator.setNextDispute(2);
    await dispute(market, await openDisputable(market), customer, 0n);
    expect(await escrow.feesOf(customer.address)).to.equal(FEE_WEI);
    const tx = escrow.connect(customer).withdrawFees(market.stranger.address);
    await expect(tx).to.changeEtherBalance(ethers, market.stranger, FEE_WEI);
    await expect(tx).to.emit(escrow, 'FeesWithdrawn').withArgs(customer.address, market.stranger.address, FEE_WEI);
    expect(await ethers.provider.getBalance(market.escrowAddress)).to.equal(0n);
  });

  it('credits nobody with a fee that a plain arbitrator has got, however the agreement ends', async () => {
    for (const end of ['settle', 'concede', 'silence', 'ruling'] as const) {
      const market = await loadFixture(disputeFixture);
      const terms = await openDisputable(market);
      await dispute(market, terms);
      if (end === 'settle') await settleTerms(market, terms, 0n);
      else if (end === 'concede') await market.escrow.connect(market.provider).concede(terms);
      else {
        if (end === 'ruling') await market.arbitrator.rulePlain(market.escrowAddress, DISPUTE_ID, 1n);
        else await time.increase(RULING_WINDOW_SEC);
        await market.escrow.expire(terms);
      }
      expect(await ethers.provider.getBalance(market.escrowAddress)).to.equal(0n);
      for (const party of [market.customer, market.provider]) {
        expect(await market.escrow.feesOf(party.address), end).to.equal(0n);
      }
    }
  });

  it('lets nobody in while fees are paid out', async () => {
    const market = await loadFixture(disputeFixture);
    await makeDirect(market);
    const { escrow, token, arbitrator, arbitration, escrowAddress, tokenAddress } = market;
    const account = await ethers.deployContract('ContractAccount', [market.stranger.address]);
    const accountAddress = await account.getAddress();
    const terms = await openDisputable(market);
    await dispute(market, terms);
    await arbitrator.ruleDirect(escrowAddress, terms, arbitration, idOf(market, terms), 1n, accountAddress);
    await token.mint(accountAddress, 1n);
    await account.execute(tokenAddress, 0n, token.interface.encodeFunctionData('approve', [escrowAddress, 1n]));
    const deposit = escrow.interface.encodeFunctionData('deposit', [tokenAddress, 1n]);
    await account.setReentry(escrowAddress, deposit);
    const withdraw = escrow.interface.encodeFunctionData('withdrawFees', [accountAddress]);
    await account.execute(escrowAddress, 0n, withdraw);
    expect(await ethers.provider.getBalance(accountAddress)).to.equal(FEE_WEI);
    expect(await account.reentered()).to.equal(false);
    await account.execute(escrowAddress, 0n, deposit);
  });

  it('withdrawFees reverts towards a receiver that refuses', async () => {
    const market = await loadFixture(disputeFixture);
    await dispute(market, await openDisputable(market), market.customer, 2n * FEE_WEI);
    const refuser = await market.token.getAddress();
    await expect(market.escrow.connect(market.customer).withdrawFees(refuser))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowFeeTransferFailed')
      .withArgs(refuser, FEE_WEI);
  });

  it('starts the ruling window and says where the evidence belongs', async () => {
    const market = await loadFixture(disputeFixture);
    const terms = await openDisputable(market);
    const tx = await dispute(market, terms, market.provider);
    const rulingBy = (await time.latest()) + RULING_WINDOW_SEC;
    const { arbitrator } = market.arbitration;
    await expect(tx).to.emit(market.escrow, 'AgreementDisputed').withArgs(idOf(market, terms), true, rulingBy, FEE_WEI);
    await expect(tx).to.emit(market.escrow, 'Dispute').withArgs(arbitrator, DISPUTE_ID, 0n, idOf(market, terms));
    expect(await market.arbitrator.choices()).to.equal(2n);
    expect(Array.from(await market.escrow.statusOf(terms))).to.deep.equal([STATUS.disputed, 0n, BigInt(rulingBy)]);
  });

  it('is possible from a claim, a report and an answer', async () => {
    const market = await loadFixture(disputeFixture);
    const { escrow, customer, provider } = market;
    for (const [index, prepare] of [
      (terms: Terms) => claimBy(market, terms, EARNED),
      (terms: Terms) => escrow.connect(customer).report(terms, ''),
      async (terms: Terms) => {
        await escrow.connect(customer).report(terms, '');
        await escrow.connect(provider).answer(terms, '');
      },
    ].entries()) {
      const terms = await openDisputable(market);
      await prepare(terms);
      await market.arbitrator.setNextDispute(index + 10);
      await dispute(market, terms, provider);
      expect((await escrow.statusOf(terms)).status).to.equal(STATUS.disputed);
    }
  });

  it('lets the provider improve its claim, the parties settle, and the provider concede', async () => {
    const market = await loadFixture(disputeFixture);
    const terms = await openDisputable(market);
    await dispute(market, terms);
    await claimBy(market, terms, EARNED);
    expect((await market.escrow.statusOf(terms)).claimed).to.equal(EARNED);
    const settlement = { agreementId: idOf(market, terms), toProvider: 1n, outcome: OUTCOME.neutral };
    await market.escrow.settle(terms, 1n, OUTCOME.neutral, ...(await bothSign(market, 'Settlement', settlement)));
    const other = await openDisputable(market);
    await dispute(market, other);
    await market.escrow.connect(market.provider).concede(other);
  });

  it('by an agent counts as its owner’s', async () => {
    const market = await loadFixture(disputeFixture);
    const terms = await openDisputable(market);
    const until = (await time.latest()) + 1_000_000;
    await market.escrow.connect(market.customer).setAgent(market.agent.address, market.tokenAddress, until, 0);
    await expect(dispute(market, terms, market.agent))
      .to.emit(market.escrow, 'AgreementDisputed')
      .withArgs(idOf(market, terms), false, (value: bigint) => value > 0n, FEE_WEI);
    const other = await openDisputable(market);
    await market.escrow.connect(market.provider).setAgent(market.stranger.address, market.tokenAddress, until, 0);
    await market.arbitrator.setNextDispute(2);
    await expect(dispute(market, other, market.stranger))
      .to.emit(market.escrow, 'AgreementDisputed')
      .withArgs(idOf(market, other), true, (value: bigint) => value > 0n, FEE_WEI);
  });
});
