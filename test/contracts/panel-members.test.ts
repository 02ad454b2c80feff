import { expect } from 'chai';
import { toBeHex, ZeroAddress, ZeroHash } from 'ethers';
import { ethers, loadFixture, time } from './support/market.ts';
import { type Change, DELAY_SEC, type Panel, panelFixture, signChange } from './support/panel.ts';

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

  it('cannot be deployed with more members than it can count', async () => {
    const { panel } = await loadFixture(panelFixture);
    const members = Array.from({ length: 256 }, (_, i) => toBeHex(i + 1, 20));
    await expect(ethers.deployContract('PanelArbitrator', [members, 1, 1, 1, 1]))
      .to.be.revertedWithCustomError(panel, 'PanelArbitratorInvalidThreshold')
      .withArgs(1, 256);
    const all = await ethers.deployContract('PanelArbitrator', [members.slice(1), 255, 1, 1, 1]);
    expect((await all.config()).memberCount).to.equal(255n);
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
    expect(Array.from(await panel.panel.config())).to.deep.equal([3n, 3n, 5n, 1n]);
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

  it('revert for a change that too few of them, or others, have signed', async () => {
    const panel = await loadFixture(panelFixture);
    const { first, second, third, fourth } = panel;
    const change = changeOf(panel);
    const byOne = await signChange(panel, [second], change);
    await expect(panel.panel.scheduleChange(change, byOne))
      .to.be.revertedWithCustomError(panel.panel, 'PanelArbitratorTooFewSignatures')
      .withArgs(1, 2);
    for (const signers of [
      [first, fourth],
      [third, second],
      [second, second],
    ]) {
      const signatures = await signChange(panel, signers, change);
      await expect(panel.panel.scheduleChange(change, signatures)).to.be.revertedWithCustomError(
        panel.panel,
        'PanelArbitratorInvalidSigner',
      );
    }
    const forAnother = await signChange(panel, [second, third], changeOf(panel, { threshold: 1 }));
    await expect(panel.panel.scheduleChange(change, forAnother)).to.be.revertedWithCustomError(
      panel.panel,
      'PanelArbitratorInvalidSigner',
    );
  });

  it('say what is announced, who joins and who leaves', async () => {
    const panel = await loadFixture(panelFixture);
    const change = changeOf(panel);
    const scheduling = schedule(panel, change);
    await scheduling;
    const { changeHash, applicableAt } = await panel.panel.scheduledChange();
    await expect(scheduling).to.emit(panel.panel, 'ChangeScheduled').withArgs(changeHash, 0n, applicableAt);
    const members = await panel.panel.queryFilter(panel.panel.filters.MemberAdded());
    expect(members.map(({ args }) => args.member)).to.deep.equal([
      panel.first.address,
      panel.second.address,
      panel.third.address,
    ]);
    await time.setNextBlockTimestamp(applicableAt);
    const applying = panel.panel.applyChange(change);
    await expect(applying).to.emit(panel.panel, 'MemberAdded').withArgs(panel.fourth.address);
    await expect(applying).to.emit(panel.panel, 'MemberRemoved').withArgs(panel.first.address);
    expect(Array.from(await panel.panel.scheduledChange())).to.deep.equal([ZeroHash, 0n]);
  });

  it('replace an announced change by another one', async () => {
    const panel = await loadFixture(panelFixture);
    const first = changeOf(panel);
    const second = changeOf(panel, { nonce: 1, feeGwei: 6n });
    await schedule(panel, first);
    await schedule(panel, second);
    await time.increase(DELAY_SEC);
    await expect(panel.panel.applyChange(first)).to.be.revertedWithCustomError(
      panel.panel,
      'PanelArbitratorChangeNotReady',
    );
    await panel.panel.applyChange(second);
    expect(Array.from(await panel.panel.config())).to.deep.equal([3n, 3n, 6n, 2n]);
  });

  it('are one more or one fewer after a change that only adds or only removes', async () => {
    const panel = await loadFixture(panelFixture);
    const grown = changeOf(panel, { removed: [] });
    await schedule(panel, grown);
    await time.increase(DELAY_SEC);
    await panel.panel.applyChange(grown);
    expect((await panel.panel.config()).memberCount).to.equal(4n);
    const shrunk = changeOf(panel, { nonce: 1, added: [], threshold: 2 });
    const { second, third, fourth } = panel;
    const sorted = [second, third, fourth].sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
    await panel.panel.scheduleChange(shrunk, await signChange(panel, sorted, shrunk));
    await time.increase(DELAY_SEC);
    await panel.panel.applyChange(shrunk);
    expect((await panel.panel.config()).memberCount).to.equal(3n);
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
