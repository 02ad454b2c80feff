import { expect } from 'chai';
import { ZeroHash } from 'ethers';
import type { Terms } from '../../market/terms.ts';
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
  arbitrationBy,
  bothSign,
  CUSTOMER_STAKE,
  DAY,
  ethers,
  FUNDS,
  idOf,
  loadFixture,
  type Market,
  marketFixture,
  openAgreement,
  openTerms,
  STATUS,
  settleTerms,
  sign,
  termsOf,
  time,
} from './support/market.ts';

const HONOURED = 1n;

/** Small changes of the escrow that no other test noticed. */
describe('AgreementEscrow, where mutants survived', () => {
  async function nameAgent(market: Market, owner: 'customer' | 'provider', agent: string, cap = 0n) {
    const expiresAt = (await time.latest()) + 7 * DAY;
    await market.escrow.connect(market[owner]).setAgent(agent, market.tokenAddress, expiresAt, cap);
    return expiresAt;
  }

  describe('what an agent is charged', () => {
    it('is nothing for a claim', async () => {
      const market = await loadFixture(marketFixture);
      await nameAgent(market, 'provider', market.agent.address);
      const terms = await openAgreement(market);
      const receipt = { agreementId: idOf(market, terms), earned: 5n };
      const signature = await sign(market.domain, market.customer, 'Receipt', receipt);
      await expect(market.escrow.connect(market.agent).claim(terms, 5n, signature)).to.emit(
        market.escrow,
        'AgreementClaimed',
      );
    });

    it('is nothing for a provider’s amendment', async () => {
      const market = await loadFixture(marketFixture);
      await nameAgent(market, 'provider', market.agent.address);
      const terms = await openAgreement(market);
      const amendment = { agreementId: idOf(market, terms), customerStake: CUSTOMER_STAKE, endsAt: terms.endsAt + 1 };
      const byCustomer = await sign(market.domain, market.customer, 'Amendment', amendment);
      const byAgent = await sign(market.domain, market.agent, 'Amendment', amendment);
      const amend = market.escrow.amend(terms, CUSTOMER_STAKE, terms.endsAt + 1, byCustomer, byAgent);
      await expect(amend).to.emit(market.escrow, 'AgreementAmended');
    });

    it('is nothing for a report or an answer', async () => {
      const market = await loadFixture(marketFixture);
      await nameAgent(market, 'customer', market.agent.address);
      await nameAgent(market, 'provider', market.agent.address);
      const terms = await openAgreement(market);
      const { escrow, agent } = market;
      await expect(escrow.connect(agent).report(terms, '')).to.emit(escrow, 'AgreementReported');
      await expect(escrow.connect(agent).answer(terms, '')).to.emit(escrow, 'AgreementAnswered');
    });
  });

  describe('the last second', () => {
    it('of an agent is the one before its expiry', async () => {
      const market = await loadFixture(disputeFixture);
      const expiresAt = await nameAgent(market, 'customer', market.agent.address);
      const terms = await openAgreement(market, { endsAt: expiresAt + DAY });
      await time.setNextBlockTimestamp(expiresAt);
      await expect(market.escrow.connect(market.agent).report(terms, ''))
        .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowNotAuthorized')
        .withArgs(market.customer.address, market.agent.address, ZeroHash);
    });

    it('of an expiry that can be named is still to come', async () => {
      const market = await loadFixture(marketFixture);
      const now = (await time.latest()) + 10;
      await time.setNextBlockTimestamp(now);
      await expect(
        market.escrow.connect(market.customer).setAgent(market.agent.address, market.tokenAddress, now, 1n),
      ).to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowInvalidAgent');
    });

    it('of a term that can be opened is still to come', async () => {
      const market = await loadFixture(marketFixture);
      const endsAt = (await time.latest()) + 10;
      const terms = await termsOf(market, { endsAt });
      const signatures = await bothSign(market, 'Terms', terms);
      await time.setNextBlockTimestamp(endsAt);
      await expect(market.escrow.open(terms, ...signatures))
        .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowInvalidTerms')
        .withArgs(idOf(market, terms));
    });
  });

  describe('a status that does not allow the call is named', () => {
    const refused = async (market: Market, terms: Terms, call: Promise<unknown>, status: bigint) => {
      await expect(call)
        .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowUnexpectedStatus')
        .withArgs(idOf(market, terms), status, (allowed: bigint) => (allowed & (1n << status)) === 0n);
    };

    it('by claim, answer and submitEvidence after the end', async () => {
      const market = await loadFixture(disputeFixture);
      const terms = await openDisputable(market);
      await settleTerms(market, terms, 0n);
      const { escrow, customer, provider, arbitration } = market;
      const receipt = { agreementId: idOf(market, terms), earned: 5n };
      const signature = await sign(market.domain, customer, 'Receipt', receipt);
      await refused(market, terms, escrow.connect(provider).claim(terms, 5n, signature), STATUS.ended);
      await refused(market, terms, escrow.connect(provider).answer(terms, ''), STATUS.ended);
      await refused(market, terms, escrow.connect(customer).submitEvidence(terms, arbitration, ''), STATUS.ended);
    });

    it('by report and amend while the arbitrator is asked', async () => {
      const market = await loadFixture(disputeFixture);
      const terms = await openDisputable(market);
      await dispute(market, terms);
      await refused(market, terms, market.escrow.connect(market.customer).report(terms, ''), STATUS.disputed);
      const amendment = { agreementId: idOf(market, terms), customerStake: CUSTOMER_STAKE, endsAt: terms.endsAt + 1 };
      const signatures = await bothSign(market, 'Amendment', amendment);
      const amend = market.escrow.amend(terms, CUSTOMER_STAKE, terms.endsAt + 1, ...signatures);
      await refused(market, terms, amend, STATUS.disputed);
    });
  });

  it('names the customer and the token when its balance does not cover an amendment', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    const customerStake = 2n * FUNDS;
    const amendment = { agreementId: idOf(market, terms), customerStake, endsAt: terms.endsAt };
    const signatures = await bothSign(market, 'Amendment', amendment);
    const added = customerStake - CUSTOMER_STAKE;
    await expect(market.escrow.amend(terms, customerStake, terms.endsAt, ...signatures))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowInsufficientBalance')
      .withArgs(market.tokenAddress, market.customer.address, FUNDS - CUSTOMER_STAKE, added);
  });

  it('refuses an arbitrator that the terms do not name, whatever arbitration it shows', async () => {
    const market = await loadFixture(disputeFixture);
    await makeDirect(market);
    const terms = await openDisputable(market);
    await dispute(market, terms);
    const impostor = await ethers.deployContract('HostileArbitrator');
    const own = arbitrationBy(await impostor.getAddress());
    const { escrowAddress, provider } = market;
    await expect(
      impostor.ruleDirect(escrowAddress, terms, own, idOf(market, terms), HONOURED, provider.address),
    ).to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowArbitrationMismatch');
    await expect(ruleDirect(market, terms, HONOURED)).to.emit(market.escrow, 'AgreementEnded');
  });

  it('tells which dispute was ruled on, and how', async () => {
    const market = await loadFixture(disputeFixture);
    const terms = await openDisputable(market);
    await market.arbitrator.setNextDispute(77n);
    await dispute(market, terms);
    await expect(market.arbitrator.rulePlain(market.escrowAddress, 77n, HONOURED))
      .to.emit(market.escrow, 'Ruling')
      .withArgs(market.arbitration.arbitrator, 77n, HONOURED);
  });

  it('touches no credit when exactly the fee is sent', async () => {
    const market = await loadFixture(disputeFixture);
    const terms = await openDisputable(market);
    await expect(dispute(market, terms)).not.to.emit(market.escrow, 'FeesCredited');
  });

  it('takes a fee that is exactly what is credited', async () => {
    const market = await loadFixture(disputeFixture);
    await dispute(market, await openDisputable(market), market.customer, 2n * FEE_WEI);
    await market.arbitrator.setNextDispute(DISPUTE_ID + 1n);
    const terms = await openDisputable(market);
    await expect(dispute(market, terms, market.customer, 0n))
      .to.emit(market.escrow, 'FeesCredited')
      .withArgs(market.customer.address, 0n);
  });

  it('counts a provider as itself, also where it is the customer’s agent', async () => {
    const market = await loadFixture(disputeFixture);
    await nameAgent(market, 'customer', market.provider.address);
    const terms = await termsOf(market, { arbitrationHash: (await openDisputable(market)).arbitrationHash });
    await openTerms(market, terms);
    await expect(dispute(market, terms, market.provider))
      .to.emit(market.escrow, 'AgreementDisputed')
      .withArgs(idOf(market, terms), true, () => true, FEE_WEI);
  });
});
