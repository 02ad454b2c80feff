import { expect } from 'chai';
import { ZeroAddress } from 'ethers';
import type { Terms } from '../../market/terms.ts';
import {
  type Account,
  arbitrationBy,
  balances,
  DAY,
  ethers,
  FUNDS,
  hashOf,
  idOf,
  loadFixture,
  marketFixture,
  openAgreement,
  PROVIDER_STAKE,
  time,
} from './support/market.ts';

const FEE_GWEI = 1_000_000n;
const FEE_WEI = FEE_GWEI * 10n ** 9n;
const DELAY_SEC = 3 * DAY;
const TIMEOUT_SEC = 5 * DAY;
const BREACHED = 2n;

async function panelFixture() {
  const market = await marketFixture();
  const sorted = market.others.slice(0, 4).sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
  const [first, second, third, fourth] = sorted as [Account, Account, Account, Account];
  const members = [first.address, second.address, third.address];
  const panel = await ethers.deployContract('PanelArbitrator', [members, 2, FEE_GWEI, DELAY_SEC, TIMEOUT_SEC]);
  const panelAddress = await panel.getAddress();
  const domain = { ...market.domain, name: 'EaaS PanelArbitrator', verifyingContract: panelAddress };
  return { ...market, panel, panelAddress, panelDomain: domain, first, second, third, fourth };
}
type Panel = Awaited<ReturnType<typeof panelFixture>>;

const RULING = {
  Ruling: [
    { name: 'arbitrable', type: 'address' },
    { name: 'disputeID', type: 'uint256' },
    { name: 'ruling', type: 'uint256' },
    { name: 'payee', type: 'address' },
  ],
};
const CHANGE = {
  Change: [
    { name: 'nonce', type: 'uint256' },
    { name: 'added', type: 'address[]' },
    { name: 'removed', type: 'address[]' },
    { name: 'threshold', type: 'uint8' },
    { name: 'feeGwei', type: 'uint40' },
  ],
};

const signRuling = (panel: Panel, signers: Account[], arbitrable: string, disputeID: bigint | string, ruling: bigint) =>
  Promise.all(
    signers.map((signer) =>
      signer.signTypedData(panel.panelDomain, RULING, { arbitrable, disputeID, ruling, payee: panel.stranger.address }),
    ),
  );

type Change = { nonce: number; added: string[]; removed: string[]; threshold: number; feeGwei: bigint };
const signChange = (panel: Panel, signers: Account[], change: Change) =>
  Promise.all(signers.map((signer) => signer.signTypedData(panel.panelDomain, CHANGE, change)));

/** A plain ERC-792 dispute of a contract account that accepts any ruling. */
async function plainDispute(panel: Panel) {
  const arbitrable = await ethers.deployContract('RecordingArbitrable');
  await arbitrable.raise(panel.panelAddress, 2, { value: FEE_WEI });
  return { arbitrable, address: await arbitrable.getAddress() };
}

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

  it('has no appeal', async () => {
    const { panel } = await loadFixture(panelFixture);
    await expect(panel.appeal(0, '0x')).to.be.revertedWithCustomError(panel, 'PanelArbitratorNoAppeal').withArgs(0n);
    expect(await panel.appealCost(0, '0x')).to.equal(2n ** 256n - 1n);
    expect((await panel.appealPeriod(0)).toArray()).to.deep.equal([0n, 0n]);
  });

  it('announces what it can do', async () => {
    const { panel } = await loadFixture(panelFixture);
    expect(await panel.supportsInterface('0x01ffc9a7')).to.equal(true);
    expect(await panel.supportsInterface(panel.interface.getFunction('agreementFee').selector)).to.equal(true);
    expect(await panel.supportsInterface('0xffffffff')).to.equal(false);
    expect(await panel.arbitrationCost('0x')).to.equal(FEE_WEI);
    expect(await panel.agreementFee('0x')).to.equal(FEE_WEI);
  });
});

describe('PanelArbitrator members', () => {
  const changeOf = (panel: Panel, changes: Partial<Change> = {}): Change => ({
    nonce: 0,
    added: [panel.fourth.address],
    removed: [panel.first.address],
    threshold: 3,
    feeGwei: 5n,
    ...changes,
  });

  async function schedule(panel: Panel, change: Change) {
    return panel.panel.scheduleChange(change, await signChange(panel, [panel.second, panel.third], change));
  }

  it('cannot be deployed with an impossible threshold or the same member twice', async () => {
    const panel = await loadFixture(panelFixture);
    const { first, second } = panel;
    const deploy = (members: string[], threshold: number) =>
      ethers.deployContract('PanelArbitrator', [members, threshold, 1, 1, 1]);
    for (const threshold of [0, 3]) {
      await expect(deploy([first.address, second.address], threshold)).to.be.revertedWithCustomError(
        panel.panel,
        'PanelArbitratorInvalidThreshold',
      );
    }
    for (const members of [[first.address, first.address], [ZeroAddress]]) {
      await expect(deploy(members, 1)).to.be.revertedWithCustomError(panel.panel, 'PanelArbitratorInvalidMember');
    }
  });

  it('change after the delay, announced by their own signatures', async () => {
    const panel = await loadFixture(panelFixture);
    const change = changeOf(panel);
    await schedule(panel, change);
    const { changeHash, applicableAt } = await panel.panel.scheduledChange();
    expect(applicableAt).to.equal((await time.latest()) + DELAY_SEC);
    await expect(panel.panel.applyChange(change))
      .to.be.revertedWithCustomError(panel.panel, 'PanelArbitratorChangeNotReady')
      .withArgs(changeHash, applicableAt);
    await time.increase(DELAY_SEC);
    await expect(panel.panel.connect(panel.stranger).applyChange(change))
      .to.emit(panel.panel, 'ChangeApplied')
      .withArgs(changeHash, 3n, 3n, 5n);
    expect((await panel.panel.config()).toArray()).to.deep.equal([3n, 3n, 5n, 1n]);
    expect(await panel.panel.isMember(panel.first.address)).to.equal(false);
    expect(await panel.panel.isMember(panel.fourth.address)).to.equal(true);
    await expect(panel.panel.applyChange(change)).to.be.revertedWithCustomError(
      panel.panel,
      'PanelArbitratorChangeNotReady',
    );
  });

  it('revert for a change with another nonce, or another change than the announced one', async () => {
    const panel = await loadFixture(panelFixture);
    const wrong = changeOf(panel, { nonce: 1 });
    await expect(schedule(panel, wrong))
      .to.be.revertedWithCustomError(panel.panel, 'PanelArbitratorNonceMismatch')
      .withArgs(0n, 1n);
    await schedule(panel, changeOf(panel));
    await expect(schedule(panel, changeOf(panel))).to.be.revertedWithCustomError(
      panel.panel,
      'PanelArbitratorNonceMismatch',
    );
    await time.increase(DELAY_SEC);
    await expect(panel.panel.applyChange(changeOf(panel, { feeGwei: 6n }))).to.be.revertedWithCustomError(
      panel.panel,
      'PanelArbitratorChangeNotReady',
    );
  });

  for (const [name, changes, error] of [
    ['removes nobody', (panel: Panel) => ({ removed: [panel.fourth.address] }), 'PanelArbitratorInvalidMember'],
    ['adds a member again', (panel: Panel) => ({ added: [panel.second.address] }), 'PanelArbitratorInvalidMember'],
    ['asks for more than all', () => ({ threshold: 4 }), 'PanelArbitratorInvalidThreshold'],
  ] as const) {
    it(`cannot apply a change that ${name}`, async () => {
      const panel = await loadFixture(panelFixture);
      const change = changeOf(panel, changes(panel) as Partial<Change>);
      await schedule(panel, change);
      await time.increase(DELAY_SEC);
      await expect(panel.panel.applyChange(change)).to.be.revertedWithCustomError(panel.panel, error);
    });
  }
});
