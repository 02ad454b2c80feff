import { expect } from 'chai';
import type { Arbitration, Terms } from '../../market/terms.ts';
import {
  arbitrationBy,
  balances,
  bothSign,
  CUSTOMER_STAKE,
  claimBy,
  ENDING,
  ethers,
  FUNDS,
  hashOf,
  idOf,
  loadFixture,
  type Market,
  marketFixture,
  OUTCOME,
  openAgreement,
  PROVIDER_STAKE,
  RULING_WINDOW_SEC,
  STATUS,
  time,
  WINDOW_SEC,
} from './support/market.ts';

const FEE_WEI = 10n ** 15n;
const EARNED = 4_000_000n;
const SHARE = CUSTOMER_STAKE / 10n;
const HONOURED = 1n;
const BREACHED = 2n;
const DISPUTE_ID = 1n;

/** A market with an arbitrator that does what the test tells it, plain ERC-792 unless told otherwise. */
async function disputeFixture() {
  const market = await marketFixture();
  const arbitrator = await ethers.deployContract('HostileArbitrator');
  await arbitrator.set(FEE_WEI, false, false);
  const arbitration = arbitrationBy(await arbitrator.getAddress());
  return { ...market, arbitrator, arbitration };
}
type Disputed = Awaited<ReturnType<typeof disputeFixture>>;

const openDisputable = (market: Disputed, arbitration: Arbitration = market.arbitration) =>
  openAgreement(market, { arbitrationHash: hashOf(arbitration) });

const dispute = (market: Disputed, terms: Terms, by = market.customer, value = FEE_WEI) =>
  market.escrow.connect(by).dispute(terms, market.arbitration, { value });

async function makeDirect(market: Disputed) {
  await market.arbitrator.set(FEE_WEI, false, true);
}

const ruleDirect = (market: Disputed, terms: Terms, ruling: bigint) =>
  market.arbitrator.ruleDirect(
    market.escrowAddress,
    terms,
    market.arbitration,
    idOf(market, terms),
    ruling,
    market.stranger.address,
  );

const counters = async (market: Market, party: 'customer' | 'provider') => {
  const { honoured, breached, disputesLost } = await market.escrow.accountOf(
    market.tokenAddress,
    market[party].address,
  );
  return [honoured, breached, disputesLost];
};

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
    expect((await market.escrow.statusOf(terms)).toArray()).to.deep.equal([STATUS.disputed, 0n, BigInt(rulingBy)]);
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
        expect(await counters(market, 'customer')).to.deep.equal(customer);
        expect(await counters(market, 'provider')).to.deep.equal(provider);
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
    await time.increase(RULING_WINDOW_SEC);
    await market.arbitrator.rulePlain(market.escrowAddress, DISPUTE_ID, BREACHED);
    await expect(market.escrow.expire(terms))
      .to.emit(market.escrow, 'AgreementEnded')
      .withArgs(idOf(market, terms), PROVIDER_STAKE, OUTCOME.neutral, ENDING.silent);

    const settled = await openDisputable(market);
    await market.arbitrator.setNextDispute(2);
    await dispute(market, settled);
    await market.escrow.connect(market.provider).concede(settled);
    const lane = { lane: settled.lane, openBy: settled.openBy + 1, arbitrationHash: hashOf(market.arbitration) };
    const next = await openAgreement(market, lane);
    await market.arbitrator.setNextDispute(3);
    await dispute(market, next);
    await market.arbitrator.rulePlain(market.escrowAddress, 2, BREACHED);
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

describe('AgreementEscrow evidence', () => {
  it('names its meta-evidence when it is deployed', async () => {
    const market = await loadFixture(disputeFixture);
    const [event] = await market.escrow.queryFilter(market.escrow.filters.MetaEvidence());
    expect(event?.args.toArray()).to.deep.equal([0n, 'ipfs://meta-evidence.json']);
  });

  it('submitEvidence reverts for strangers, for another arbitration and after the end', async () => {
    const market = await loadFixture(disputeFixture);
    const terms = await openDisputable(market);
    await expect(
      market.escrow.connect(market.stranger).submitEvidence(terms, market.arbitration, ''),
    ).to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowNotAuthorized');
    const other = { ...market.arbitration, feeShareBps: 1 };
    await expect(market.escrow.connect(market.customer).submitEvidence(terms, other, '')).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowArbitrationMismatch',
    );
    await market.escrow.connect(market.provider).concede(terms);
    await expect(
      market.escrow.connect(market.customer).submitEvidence(terms, market.arbitration, ''),
    ).to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowUnexpectedStatus');
  });

  for (const party of ['customer', 'provider'] as const) {
    it(`submitEvidence publishes what the ${party} says`, async () => {
      const market = await loadFixture(disputeFixture);
      const terms = await openDisputable(market);
      await expect(market.escrow.connect(market[party]).submitEvidence(terms, market.arbitration, 'ipfs://log'))
        .to.emit(market.escrow, 'Evidence')
        .withArgs(market.arbitration.arbitrator, idOf(market, terms), market[party].address, 'ipfs://log');
    });
  }
});
