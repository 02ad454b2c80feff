import { expect } from 'chai';
import {
  arbitrationBy,
  balances,
  ENDING,
  ethers,
  FUNDS,
  hashOf,
  idOf,
  loadFixture,
  marketFixture,
  OUTCOME,
  openAgreement,
  PROVIDER_STAKE,
  time,
} from './support/market.ts';

const COST_WEI = 10n ** 17n;
const BREACHED = 2n;
const OPENING_ID = 0n;

describe('AgreementEscrow with arbitrators of others', () => {
  it('follows the ERC-792 authors’ centralized arbitrator', async () => {
    const market = await loadFixture(marketFixture);
    const [owner] = await ethers.getSigners();
    const arbitrator = await ethers.deployContract('ForeignArbitrator', [], owner);
    const arbitration = arbitrationBy(await arbitrator.getAddress());
    const terms = await openAgreement(market, { arbitrationHash: hashOf(arbitration) });
    await market.escrow.connect(market.customer).dispute(terms, arbitration, { value: COST_WEI });
    await arbitrator.rule(OPENING_ID, BREACHED);
    await expect(market.escrow.connect(market.stranger).expire(terms))
      .to.emit(market.escrow, 'AgreementEnded')
      .withArgs(idOf(market, terms), 0n, OUTCOME.breached, ENDING.ruled);
    expect((await balances(market)).customer).to.equal(FUNDS + PROVIDER_STAKE);
  });

  it('follows an appealable arbitrator’s last word, not its first', async () => {
    const market = await loadFixture(marketFixture);
    const [owner] = await ethers.getSigners();
    const arbitrator = await ethers.deployContract('AppealableArbitrator', [], owner);
    const arbitration = arbitrationBy(await arbitrator.getAddress(), { maxFeeWei: 10n ** 18n });
    const terms = await openAgreement(market, { arbitrationHash: hashOf(arbitration) });
    const cost = await arbitrator.arbitrationCost('0x');
    await market.escrow.connect(market.customer).dispute(terms, arbitration, { value: cost });
    await arbitrator.giveRuling(OPENING_ID, 1);
    await expect(market.escrow.expire(terms)).to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowTooEarly');
    const appealCost = await arbitrator.appealCost(OPENING_ID, '0x');
    await arbitrator.connect(market.customer).appeal(OPENING_ID, '0x', { value: 2n * appealCost });
    await arbitrator.giveRuling(OPENING_ID, BREACHED);
    await time.increase(3_600);
    await arbitrator.executeRuling(OPENING_ID);
    await market.escrow.expire(terms);
    expect((await balances(market)).customer).to.equal(FUNDS + PROVIDER_STAKE);
  });

  it('executes a ruling once', async () => {
    const market = await loadFixture(marketFixture);
    const [owner] = await ethers.getSigners();
    const arbitrator = await ethers.deployContract('CompactArbitrator', [COST_WEI], owner);
    const arbitration = arbitrationBy(await arbitrator.getAddress());
    const terms = await openAgreement(market, { arbitrationHash: hashOf(arbitration) });
    await market.escrow.connect(market.provider).dispute(terms, arbitration, { value: COST_WEI });
    await arbitrator.rule(1, 1);
    await market.escrow.expire(terms);
    await expect(market.escrow.expire(terms)).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowUnexpectedStatus',
    );
  });
});
