import { expect } from 'chai';
import { ZeroAddress } from 'ethers';
import type { Terms } from '../../market/terms.ts';
import {
  arbitrationBy,
  balances,
  ethers,
  FUNDS,
  hashOf,
  idOf,
  loadFixture,
  openAgreement,
  PROVIDER_STAKE,
  time,
} from './support/market.ts';
import { FEE_WEI, type Panel, panelFixture, plainDispute, signRuling } from './support/panel.ts';

const BREACHED = 2n;
/** The selectors of IArbitrator's seven functions, combined as ERC-165 says. */
const ERC_792 = '0x2ef5e458';

describe('PanelArbitrator rulings on agreements', () => {
  async function disputed(panel: Panel): Promise<{ terms: Terms; arbitration: ReturnType<typeof arbitrationBy> }> {
    const arbitration = arbitrationBy(panel.panelAddress);
    const terms = await openAgreement(panel, { arbitrationHash: hashOf(arbitration) });
    await panel.escrow.connect(panel.customer).dispute(terms, arbitration, { value: FEE_WEI });
    return { terms, arbitration };
  }

  it('rules and pays in one transaction that anyone sends', async () => {
    const panel = await loadFixture(panelFixture);
    const { terms, arbitration } = await disputed(panel);
    const id = idOf(panel, terms);
    const signatures = await signRuling(panel, [panel.first, panel.third], panel.escrowAddress, id, BREACHED);
    const payee = panel.stranger.address;
    await panel.panel
      .connect(panel.stranger)
      .ruleAgreement(panel.escrowAddress, terms, arbitration, id, BREACHED, payee, signatures);
    expect((await balances(panel)).customer).to.equal(FUNDS + PROVIDER_STAKE);
    expect(await panel.escrow.feesOf(payee)).to.equal(FEE_WEI);
  });

  it('reverts for signatures on another agreement, ruling, payee or escrow', async () => {
    const panel = await loadFixture(panelFixture);
    const { terms, arbitration } = await disputed(panel);
    const other = await disputed(panel);
    const [id, otherId] = [idOf(panel, terms), idOf(panel, other.terms)];
    const members = [panel.first, panel.second];
    const signatures = await signRuling(panel, members, panel.escrowAddress, id, BREACHED);
    const payee = panel.stranger.address;
    const rule = (...args: Parameters<typeof panel.panel.ruleAgreement>) => panel.panel.ruleAgreement(...args);
    const { escrowAddress } = panel;
    await expect(rule(escrowAddress, terms, arbitration, id, 1n, payee, signatures)).to.be.revertedWithCustomError(
      panel.panel,
      'PanelArbitratorInvalidSigner',
    );
    await expect(
      rule(escrowAddress, terms, arbitration, id, BREACHED, panel.customer.address, signatures),
    ).to.be.revertedWithCustomError(panel.panel, 'PanelArbitratorInvalidSigner');
    await expect(
      rule(escrowAddress, other.terms, arbitration, otherId, BREACHED, payee, signatures),
    ).to.be.revertedWithCustomError(panel.panel, 'PanelArbitratorInvalidSigner');
    await expect(
      rule(escrowAddress, other.terms, arbitration, id, BREACHED, payee, signatures),
    ).to.be.revertedWithCustomError(panel.escrow, 'AgreementEscrowUnknownDispute');
    await expect(
      rule(panel.tokenAddress, terms, arbitration, id, BREACHED, payee, signatures),
    ).to.be.revertedWithCustomError(panel.panel, 'PanelArbitratorInvalidSigner');
  });

  for (const [name, pick] of [
    ['too few signatures', (panel: Panel) => [panel.first]],
    ['one member twice', (panel: Panel) => [panel.first, panel.first]],
    ['members out of order', (panel: Panel) => [panel.second, panel.first]],
    ['somebody else', (panel: Panel) => [panel.first, panel.fourth]],
  ] as const) {
    it(`reverts with ${name}`, async () => {
      const panel = await loadFixture(panelFixture);
      const { terms, arbitration } = await disputed(panel);
      const id = idOf(panel, terms);
      const signers = pick(panel);
      const signatures = await signRuling(panel, signers, panel.escrowAddress, id, BREACHED);
      const call = panel.panel.ruleAgreement(
        panel.escrowAddress,
        terms,
        arbitration,
        id,
        BREACHED,
        panel.stranger.address,
        signatures,
      );
      if (signers.length < 2) {
        await expect(call).to.be.revertedWithCustomError(panel.panel, 'PanelArbitratorTooFewSignatures').withArgs(1, 2);
      } else {
        await expect(call).to.be.revertedWithCustomError(panel.panel, 'PanelArbitratorInvalidSigner');
      }
    });
  }

  it('reverts for a malformed signature', async () => {
    const panel = await loadFixture(panelFixture);
    const { terms, arbitration } = await disputed(panel);
    const call = panel.panel.ruleAgreement(
      panel.escrowAddress,
      terms,
      arbitration,
      idOf(panel, terms),
      BREACHED,
      panel.stranger.address,
      ['0x', '0x1234'],
    );
    await expect(call).to.be.revertedWithCustomError(panel.panel, 'PanelArbitratorInvalidSigner').withArgs(ZeroAddress);
  });
});

describe('PanelArbitrator plain disputes', () => {
  it('reverts without exactly the fee, and for impossible choices', async () => {
    const panel = await loadFixture(panelFixture);
    await expect(panel.panel.createDispute(2, '0x', { value: FEE_WEI + 1n }))
      .to.be.revertedWithCustomError(panel.panel, 'PanelArbitratorFeeMismatch')
      .withArgs(FEE_WEI, FEE_WEI + 1n);
    for (const choices of [0n, 254n]) {
      await expect(panel.panel.createDispute(choices, '0x', { value: FEE_WEI }))
        .to.be.revertedWithCustomError(panel.panel, 'PanelArbitratorInvalidChoices')
        .withArgs(choices);
    }
    await panel.panel.createDispute(253, '0x', { value: FEE_WEI });
  });

  it('rules, tells the arbitrable and pays the payee', async () => {
    const panel = await loadFixture(panelFixture);
    const { arbitrable, address } = await plainDispute(panel);
    expect(await panel.panel.disputeStatus(0)).to.equal(0n);
    expect(await panel.panel.currentRuling(0)).to.equal(0n);
    const signatures = await signRuling(panel, [panel.first, panel.second], address, 0n, BREACHED);
    const { stranger } = panel;
    await expect(panel.panel.rule(0, BREACHED, stranger.address, signatures))
      .to.emit(panel.panel, 'DisputeRuled')
      .withArgs(0n, BREACHED, stranger.address);
    expect(await arbitrable.lastRuling()).to.equal(BREACHED);
    expect(await panel.panel.disputeStatus(0)).to.equal(2n);
    expect(await panel.panel.currentRuling(0)).to.equal(BREACHED);
    expect(await panel.panel.creditOf(stranger.address)).to.equal(FEE_WEI);
    await expect(panel.panel.connect(stranger).withdraw(panel.agent.address)).to.changeEtherBalance(
      ethers,
      panel.agent,
      FEE_WEI,
    );
    await expect(panel.panel.rule(0, BREACHED, stranger.address, signatures))
      .to.be.revertedWithCustomError(panel.panel, 'PanelArbitratorDisputeClosed')
      .withArgs(0n);
  });

  it('reverts for a ruling that is no choice, too late, or on nothing', async () => {
    const panel = await loadFixture(panelFixture);
    const { address } = await plainDispute(panel);
    const { ruleBy } = await panel.panel.disputeOf(0);
    const payee = panel.stranger.address;
    const third = await signRuling(panel, [panel.first, panel.second], address, 0n, 3n);
    await expect(panel.panel.rule(0, 3, payee, third))
      .to.be.revertedWithCustomError(panel.panel, 'PanelArbitratorInvalidRuling')
      .withArgs(0n, 3n, 2n);
    await expect(panel.panel.rule(1, 1, payee, third)).to.be.revertedWithCustomError(
      panel.panel,
      'PanelArbitratorDisputeClosed',
    );
    await time.increaseTo(ruleBy);
    await expect(panel.panel.rule(0, 1, payee, third))
      .to.be.revertedWithCustomError(panel.panel, 'PanelArbitratorRulingLate')
      .withArgs(0n, ruleBy);
  });

  it('gives the fee back when it stays silent', async () => {
    const panel = await loadFixture(panelFixture);
    const { arbitrable, address } = await plainDispute(panel);
    const { ruleBy } = await panel.panel.disputeOf(0);
    await expect(panel.panel.refund(0))
      .to.be.revertedWithCustomError(panel.panel, 'PanelArbitratorRefundEarly')
      .withArgs(0n, ruleBy);
    await time.increaseTo(ruleBy);
    await expect(panel.panel.refund(0)).to.emit(panel.panel, 'DisputeRefunded').withArgs(0n, address, FEE_WEI);
    expect(await panel.panel.currentRuling(0)).to.equal(0n);
    await expect(arbitrable.collect(panel.panelAddress)).to.changeEtherBalance(ethers, panel.panel, -FEE_WEI);
    await expect(panel.panel.refund(0)).to.be.revertedWithCustomError(panel.panel, 'PanelArbitratorDisputeClosed');
  });

  it('withdraw reverts for nothing, and towards a receiver that refuses', async () => {
    const panel = await loadFixture(panelFixture);
    await expect(panel.panel.withdraw(panel.agent.address)).to.be.revertedWithCustomError(
      panel.panel,
      'PanelArbitratorNoCredit',
    );
    const { address } = await plainDispute(panel);
    const signatures = await signRuling(panel, [panel.first, panel.second], address, 0n, 1n);
    await panel.panel.rule(0, 1, panel.stranger.address, signatures);
    await expect(panel.panel.connect(panel.stranger).withdraw(panel.tokenAddress))
      .to.be.revertedWithCustomError(panel.panel, 'PanelArbitratorTransferFailed')
      .withArgs(panel.tokenAddress, FEE_WEI);
  });

  it('numbers disputes and announces each', async () => {
    const panel = await loadFixture(panelFixture);
    for (const number of [0n, 1n]) {
      const { address } = await plainDispute(panel);
      const [created] = (await panel.panel.queryFilter(panel.panel.filters.DisputeCreation())).slice(-1);
      expect(Array.from(created?.args ?? [])).to.deep.equal([number, address]);
      expect((await panel.panel.disputeOf(number)).arbitrable).to.equal(address);
    }
  });

  it('reverts without the signatures of its members', async () => {
    const panel = await loadFixture(panelFixture);
    const { address } = await plainDispute(panel);
    const payee = panel.stranger.address;
    const one = await signRuling(panel, [panel.first], address, 0n, BREACHED);
    await expect(panel.panel.rule(0, BREACHED, payee, one))
      .to.be.revertedWithCustomError(panel.panel, 'PanelArbitratorTooFewSignatures')
      .withArgs(1, 2);
    const two = await signRuling(panel, [panel.first, panel.second], address, 0n, BREACHED);
    await expect(panel.panel.rule(0, 1n, payee, two)).to.be.revertedWithCustomError(
      panel.panel,
      'PanelArbitratorInvalidSigner',
    );
  });

  it('rules until the second before its time is over, and refunds from then on', async () => {
    const panel = await loadFixture(panelFixture);
    const { address } = await plainDispute(panel);
    const { ruleBy } = await panel.panel.disputeOf(0);
    const signatures = await signRuling(panel, [panel.first, panel.second], address, 0n, 1n);
    await time.setNextBlockTimestamp(ruleBy - 1n);
    await expect(panel.panel.refund(0)).to.be.revertedWithCustomError(panel.panel, 'PanelArbitratorRefundEarly');
    await time.setNextBlockTimestamp(ruleBy);
    await expect(panel.panel.rule(0, 1n, panel.stranger.address, signatures)).to.be.revertedWithCustomError(
      panel.panel,
      'PanelArbitratorRulingLate',
    );
    await panel.panel.refund(0);
  });

  it('adds up what it owes, and pays it once', async () => {
    const panel = await loadFixture(panelFixture);
    const { stranger, agent } = panel;
    for (const id of [0n, 1n]) {
      const { address } = await plainDispute(panel);
      const signatures = await signRuling(panel, [panel.first, panel.second], address, id, 1n);
      await panel.panel.rule(id, 1n, stranger.address, signatures);
    }
    expect(await panel.panel.creditOf(stranger.address)).to.equal(2n * FEE_WEI);
    await expect(panel.panel.connect(stranger).withdraw(agent.address))
      .to.emit(panel.panel, 'CreditWithdrawn')
      .withArgs(stranger.address, agent.address, 2n * FEE_WEI);
    await expect(panel.panel.connect(stranger).withdraw(agent.address)).to.be.revertedWithCustomError(
      panel.panel,
      'PanelArbitratorNoCredit',
    );
  });

  it('adds up what goes back to one arbitrable', async () => {
    const panel = await loadFixture(panelFixture);
    const { arbitrable, address } = await plainDispute(panel);
    await arbitrable.raise(panel.panelAddress, 2, { value: FEE_WEI });
    await time.increaseTo((await panel.panel.disputeOf(1)).ruleBy);
    await panel.panel.refund(0);
    await panel.panel.refund(1);
    expect(await panel.panel.creditOf(address)).to.equal(2n * FEE_WEI);
  });

  it('has no appeal', async () => {
    const { panel } = await loadFixture(panelFixture);
    await expect(panel.appeal(0, '0x')).to.be.revertedWithCustomError(panel, 'PanelArbitratorNoAppeal').withArgs(0n);
    expect(await panel.appealCost(0, '0x')).to.equal(2n ** 256n - 1n);
    expect(Array.from(await panel.appealPeriod(0))).to.deep.equal([0n, 0n]);
  });

  it('announces what it can do', async () => {
    const { panel } = await loadFixture(panelFixture);
    expect(await panel.supportsInterface('0x01ffc9a7')).to.equal(true);
    expect(await panel.supportsInterface(panel.interface.getFunction('agreementFee').selector)).to.equal(true);
    expect(await panel.supportsInterface(ERC_792)).to.equal(true);
    expect(await panel.supportsInterface('0xffffffff')).to.equal(false);
    expect(await panel.arbitrationCost('0x')).to.equal(FEE_WEI);
    expect(await panel.agreementFee('0x')).to.equal(FEE_WEI);
  });
});
