import { expect } from 'chai';
import { disputeFixture, openDisputable } from './support/disputes.ts';
import { idOf, loadFixture } from './support/market.ts';

describe('AgreementEscrow evidence', () => {
  it('names its meta-evidence when it is deployed', async () => {
    const market = await loadFixture(disputeFixture);
    const [event] = await market.escrow.queryFilter(market.escrow.filters.MetaEvidence());
    expect(Array.from(event?.args ?? [])).to.deep.equal([0n, 'ipfs://meta-evidence.json']);
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
