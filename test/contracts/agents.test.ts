import { expect } from 'chai';
import { ZeroAddress, ZeroHash } from 'ethers';
import {
  bothSign,
  CUSTOMER_STAKE,
  DAY,
  idOf,
  loadFixture,
  type Market,
  marketFixture,
  NO_SIGNATURE,
  OUTCOME,
  openAgreement,
  PROVIDER_STAKE,
  sign,
  termsOf,
  time,
} from './support/market.ts';

const CAP = CUSTOMER_STAKE + 5n;

async function nameAgent(market: Market, owner: 'customer' | 'provider', cap = CAP, token = market.tokenAddress) {
  const expiresAt = (await time.latest()) + 7 * DAY;
  await market.escrow.connect(market[owner]).setAgent(market.agent.address, token, expiresAt, cap);
  return expiresAt;
}

async function openByAgent(market: Market, terms: Awaited<ReturnType<typeof termsOf>>) {
  const byAgent = await sign(market.domain, market.agent, 'Terms', terms);
  const byProvider = await sign(market.domain, market.provider, 'Terms', terms);
  return market.escrow.connect(market.stranger).open(terms, byAgent, byProvider);
}

describe('AgreementEscrow agents', () => {
  describe('setAgent', () => {
    it('reverts for nobody, for the owner itself and for an expiry that has passed', async () => {
      const { escrow, customer, agent, tokenAddress } = await loadFixture(marketFixture);
      const now = await time.latest();
      for (const [who, expiresAt] of [
        [ZeroAddress, now + DAY],
        [customer.address, now + DAY],
        [agent.address, now],
      ] as const) {
        await expect(escrow.connect(customer).setAgent(who, tokenAddress, expiresAt, 1))
          .to.be.revertedWithCustomError(escrow, 'AgreementEscrowInvalidAgent')
          .withArgs(who, expiresAt);
      }
    });

    it('names an agent with a token, an expiry and a cap', async () => {
      const market = await loadFixture(marketFixture);
      const { escrow, customer, agent, tokenAddress } = market;
      const expiresAt = await nameAgent(market, 'customer');
      const [named] = await escrow.queryFilter(escrow.filters.AgentSet());
      expect(Array.from(named?.args ?? [])).to.deep.equal([
        customer.address,
        agent.address,
        tokenAddress,
        BigInt(expiresAt),
        CAP,
      ]);
      expect(await escrow.isAgent(customer.address, agent.address)).to.equal(true);
      expect(await escrow.isAgent(agent.address, customer.address)).to.equal(false);
      const stored = await escrow.agentOf(customer.address, agent.address);
      expect(Array.from(stored)).to.deep.equal([tokenAddress, BigInt(expiresAt), CAP]);
      await time.increaseTo(expiresAt);
      expect(await escrow.isAgent(customer.address, agent.address)).to.equal(false);
    });
  });

  describe('revokeAgent', () => {
    it('ends the agent at once', async () => {
      const market = await loadFixture(marketFixture);
      const { escrow, customer, agent } = market;
      await nameAgent(market, 'customer');
      await expect(escrow.connect(customer).revokeAgent(agent.address))
        .to.emit(escrow, 'AgentRevoked')
        .withArgs(customer.address, agent.address);
      const terms = await termsOf(market);
      await expect(openByAgent(market, terms))
        .to.be.revertedWithCustomError(escrow, 'AgreementEscrowNotAuthorized')
        .withArgs(customer.address, agent.address, idOf(market, terms));
    });
  });

  describe('an agent', () => {
    it('opens for its owner and is charged the stake', async () => {
      const market = await loadFixture(marketFixture);
      await nameAgent(market, 'customer');
      await expect(openByAgent(market, await termsOf(market)))
        .to.emit(market.escrow, 'AgentCharged')
        .withArgs(market.customer.address, market.agent.address, CUSTOMER_STAKE);
      expect((await market.escrow.agentOf(market.customer.address, market.agent.address)).cap).to.equal(5n);
    });

    it('commits no more than its cap in all', async () => {
      const market = await loadFixture(marketFixture);
      await nameAgent(market, 'customer');
      await openByAgent(market, await termsOf(market));
      await expect(openByAgent(market, await termsOf(market)))
        .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowAgentCapExceeded')
        .withArgs(market.customer.address, market.agent.address, 5n, CUSTOMER_STAKE);
    });

    it('acts on its token only, and until its expiry only', async () => {
      const market = await loadFixture(marketFixture);
      const { escrow } = market;
      await nameAgent(market, 'customer', CAP, market.stranger.address);
      await expect(openByAgent(market, await termsOf(market))).to.be.revertedWithCustomError(
        escrow,
        'AgreementEscrowNotAuthorized',
      );
      await time.increaseTo(await nameAgent(market, 'customer'));
      await expect(openByAgent(market, await termsOf(market))).to.be.revertedWithCustomError(
        escrow,
        'AgreementEscrowNotAuthorized',
      );
    });

    it('is charged what a settlement gives away of its owner’s stake, and nothing else', async () => {
      const market = await loadFixture(marketFixture);
      await nameAgent(market, 'customer', 7n);
      const settle = async (given: bigint) => {
        const terms = await openAgreement(market);
        const toProvider = PROVIDER_STAKE + given;
        const settlement = { agreementId: idOf(market, terms), toProvider, outcome: OUTCOME.neutral };
        const [, byProvider] = await bothSign(market, 'Settlement', settlement);
        const byAgent = await sign(market.domain, market.agent, 'Settlement', settlement);
        return market.escrow.settle(terms, toProvider, OUTCOME.neutral, byAgent, byProvider);
      };
      await settle(-5n);
      await settle(0n);
      await settle(3n);
      await expect(settle(5n))
        .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowAgentCapExceeded')
        .withArgs(market.customer.address, market.agent.address, 4n, 5n);
    });

    it('of a provider is charged what a settlement gives away of the provider’s stake, not what it wins', async () => {
      const market = await loadFixture(marketFixture);
      await nameAgent(market, 'provider', 7n);
      const settle = async (given: bigint) => {
        const terms = await openAgreement(market);
        const toProvider = PROVIDER_STAKE - given;
        const settlement = { agreementId: idOf(market, terms), toProvider, outcome: OUTCOME.neutral };
        const [byCustomer] = await bothSign(market, 'Settlement', settlement);
        const byAgent = await sign(market.domain, market.agent, 'Settlement', settlement);
        return market.escrow.settle(terms, toProvider, OUTCOME.neutral, byCustomer, byAgent);
      };
      await expect(settle(-CUSTOMER_STAKE)).not.to.emit(market.escrow, 'AgentCharged');
      await expect(settle(3n))
        .to.emit(market.escrow, 'AgentCharged')
        .withArgs(market.provider.address, market.agent.address, 3n);
      await expect(settle(5n)).to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowAgentCapExceeded');
    });

    it('is charged for receipts only what they add', async () => {
      const market = await loadFixture(marketFixture);
      await nameAgent(market, 'customer', 10n);
      const terms = await openAgreement(market);
      const claim = async (earned: bigint) => {
        const receipt = { agreementId: idOf(market, terms), earned };
        const byAgent = await sign(market.domain, market.agent, 'Receipt', receipt);
        return market.escrow.connect(market.provider).claim(terms, earned, byAgent);
      };
      await claim(6n);
      await claim(10n);
      await expect(claim(11n)).to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowAgentCapExceeded');
    });

    it('is charged the whole stake when it concedes', async () => {
      const market = await loadFixture(marketFixture);
      const terms = await openAgreement(market);
      await nameAgent(market, 'provider', PROVIDER_STAKE - 1n);
      await expect(market.escrow.connect(market.agent).concede(terms))
        .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowAgentCapExceeded')
        .withArgs(market.provider.address, market.agent.address, PROVIDER_STAKE - 1n, PROVIDER_STAKE);
      await nameAgent(market, 'provider', PROVIDER_STAKE);
      await market.escrow.connect(market.agent).concede(terms);
    });

    it('reports and answers without any cap left', async () => {
      const market = await loadFixture(marketFixture);
      const terms = await openAgreement(market);
      await nameAgent(market, 'customer', 0n);
      await nameAgent(market, 'provider', 0n);
      await market.escrow.connect(market.agent).report(terms, '');
      await market.escrow.connect(market.agent).answer(terms, '');
    });

    it('cannot withdraw its owner’s balance', async () => {
      const market = await loadFixture(marketFixture);
      await nameAgent(market, 'customer');
      await expect(
        market.escrow.connect(market.agent).withdraw(market.tokenAddress, 1, market.agent.address),
      ).to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowInsufficientBalance');
    });
  });

  it('says who sent a call that needed another sender', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await termsOf(market);
    const byProvider = await sign(market.domain, market.provider, 'Terms', terms);
    await expect(market.escrow.connect(market.stranger).open(terms, NO_SIGNATURE, byProvider))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowNotAuthorized')
      .withArgs(market.customer.address, market.stranger.address, ZeroHash);
  });
});
