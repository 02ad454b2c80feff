import { expect } from 'chai';
import { MaxUint256, Signature, ZeroHash } from 'ethers';
import { dispute, disputeFixture, makeDirect, openDisputable, ruleDirect } from './support/disputes.ts';
import {
  type Account,
  ethers,
  FUNDS,
  loadFixture,
  type Market,
  marketFixture,
  OUTCOME,
  openAgreement,
  openTerms,
  PROVIDER_STAKE,
  settleTerms,
  termsOf,
  time,
} from './support/market.ts';

const AMOUNT = 1_000n;

/** ERC-2612 permit of the fixture's token for the escrow. */
async function permitOf(market: Market, owner: Account, amount: bigint, deadline = MaxUint256): Promise<Signature> {
  const domain = {
    name: 'EaaS test token',
    version: '1',
    chainId: market.domain.chainId,
    verifyingContract: market.tokenAddress,
  };
  const types = {
    Permit: [
      { name: 'owner', type: 'address' },
      { name: 'spender', type: 'address' },
      { name: 'value', type: 'uint256' },
      { name: 'nonce', type: 'uint256' },
      { name: 'deadline', type: 'uint256' },
    ],
  };
  const nonce = await market.token.nonces(owner.address);
  const value = { owner: owner.address, spender: market.escrowAddress, value: amount, nonce, deadline };
  return Signature.from(await owner.signTypedData(domain, types, value));
}

describe('AgreementEscrow vault', () => {
  describe('deposit', () => {
    it('reverts for nothing', async () => {
      const { escrow, tokenAddress, customer } = await loadFixture(marketFixture);
      await expect(escrow.connect(customer).deposit(tokenAddress, 0)).to.be.revertedWithCustomError(
        escrow,
        'AgreementEscrowZeroAmount',
      );
    });

    it('reverts when the escrow would hold more than an account can count', async () => {
      const { escrow, token, tokenAddress, escrowAddress, customer } = await loadFixture(marketFixture);
      const top = 2n ** 96n - 3n * FUNDS;
      await token.mint(customer.address, top);
      await token.connect(customer).approve(escrowAddress, MaxUint256);
      await expect(escrow.connect(customer).deposit(tokenAddress, top))
        .to.be.revertedWithCustomError(escrow, 'AgreementEscrowVaultFull')
        .withArgs(tokenAddress, 2n ** 96n);
      await escrow.connect(customer).deposit(tokenAddress, top - 1n);
    });

    it('credits the sender what arrived', async () => {
      const { escrow, token, tokenAddress, customer } = await loadFixture(marketFixture);
      await expect(escrow.connect(customer).deposit(tokenAddress, AMOUNT))
        .to.emit(escrow, 'Deposited')
        .withArgs(tokenAddress, customer.address, AMOUNT);
      expect((await escrow.accountOf(tokenAddress, customer.address)).balance).to.equal(FUNDS + AMOUNT);
      expect(await token.balanceOf(escrow)).to.equal(3n * FUNDS + AMOUNT);
    });
  });

  describe('depositWithPermit', () => {
    it('deposits without an approval', async () => {
      const market = await loadFixture(marketFixture);
      const { escrow, token, tokenAddress, customer } = market;
      await token.connect(customer).approve(escrow, 0);
      const { v, r, s } = await permitOf(market, customer, AMOUNT);
      await escrow.connect(customer).depositWithPermit(tokenAddress, AMOUNT, MaxUint256, v, r, s);
      expect((await escrow.accountOf(tokenAddress, customer.address)).balance).to.equal(FUNDS + AMOUNT);
    });

    it('deposits when somebody else has submitted the permit first', async () => {
      const market = await loadFixture(marketFixture);
      const { escrow, token, tokenAddress, escrowAddress, customer, stranger } = market;
      await token.connect(customer).approve(escrow, 0);
      const { v, r, s } = await permitOf(market, customer, AMOUNT);
      await token.connect(stranger).permit(customer.address, escrowAddress, AMOUNT, MaxUint256, v, r, s);
      await escrow.connect(customer).depositWithPermit(tokenAddress, AMOUNT, MaxUint256, v, r, s);
      expect((await escrow.accountOf(tokenAddress, customer.address)).balance).to.equal(FUNDS + AMOUNT);
    });

    it('reverts with neither a permit nor an allowance', async () => {
      const { escrow, token, tokenAddress, customer } = await loadFixture(marketFixture);
      await token.connect(customer).approve(escrow, 0);
      const call = escrow.connect(customer).depositWithPermit(tokenAddress, AMOUNT, 0, 27, ZeroHash, ZeroHash);
      await expect(call).to.be.revertedWithCustomError(token, 'ERC20InsufficientAllowance');
    });
  });

  describe('withdraw', () => {
    it('reverts for nothing', async () => {
      const { escrow, tokenAddress, customer } = await loadFixture(marketFixture);
      await expect(escrow.connect(customer).withdraw(tokenAddress, 0, customer.address)).to.be.revertedWithCustomError(
        escrow,
        'AgreementEscrowZeroAmount',
      );
    });

    it('reverts above the free balance, which does not count locked stakes', async () => {
      const market = await loadFixture(marketFixture);
      const { escrow, tokenAddress, customer } = market;
      const terms = await openAgreement(market);
      const free = FUNDS - terms.customerStake;
      await expect(escrow.connect(customer).withdraw(tokenAddress, free + 1n, customer.address))
        .to.be.revertedWithCustomError(escrow, 'AgreementEscrowInsufficientBalance')
        .withArgs(tokenAddress, customer.address, free, free + 1n);
      await escrow.connect(customer).withdraw(tokenAddress, free, customer.address);
    });

    it('reverts towards the escrow itself', async () => {
      const { escrow, tokenAddress, escrowAddress, customer } = await loadFixture(marketFixture);
      await expect(escrow.connect(customer).withdraw(tokenAddress, AMOUNT, escrowAddress))
        .to.be.revertedWithCustomError(escrow, 'AgreementEscrowTransferMismatch')
        .withArgs(tokenAddress, AMOUNT, 0);
    });

    it('pays any receiver from the sender', async () => {
      const { escrow, token, tokenAddress, customer, others } = await loadFixture(marketFixture);
      const to = others[0]?.address ?? '';
      await expect(escrow.connect(customer).withdraw(tokenAddress, AMOUNT, to))
        .to.emit(escrow, 'Withdrawn')
        .withArgs(tokenAddress, customer.address, to, AMOUNT);
      expect(await token.balanceOf(to)).to.equal(AMOUNT);
      expect((await escrow.accountOf(tokenAddress, customer.address)).balance).to.equal(FUNDS - AMOUNT);
    });
  });

  describe('revoke', () => {
    it('reverts when it does not reach further than before', async () => {
      const { escrow, tokenAddress, customer } = await loadFixture(marketFixture);
      await escrow.connect(customer).revoke(tokenAddress, 100);
      for (const until of [100, 99]) {
        await expect(escrow.connect(customer).revoke(tokenAddress, until))
          .to.be.revertedWithCustomError(escrow, 'AgreementEscrowRevocationStale')
          .withArgs(100, until);
      }
    });

    for (const party of ['customer', 'provider'] as const) {
      it(`voids what the ${party} has signed, up to that openBy and no further`, async () => {
        const market = await loadFixture(marketFixture);
        const terms = await termsOf(market);
        const until = terms.openBy;
        await expect(market.escrow.connect(market[party]).revoke(market.tokenAddress, until))
          .to.emit(market.escrow, 'Revoked')
          .withArgs(market.tokenAddress, market[party].address, until);
        await expect(openTerms(market, terms))
          .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowTermsRevoked')
          .withArgs(await market.escrow.idOf(terms), market[party].address, until);
        await openTerms(market, { ...terms, openBy: until + 1 });
      });
    }

    it('leaves the rest of the account alone', async () => {
      const market = await loadFixture(disputeFixture);
      await makeDirect(market);
      const { escrow, tokenAddress, provider } = market;
      for (const outcome of [OUTCOME.honoured, OUTCOME.honoured, OUTCOME.honoured, OUTCOME.breached]) {
        await settleTerms(market, await openAgreement(market), PROVIDER_STAKE + 5n, outcome);
      }
      const ruled = await openDisputable(market);
      await dispute(market, ruled);
      await ruleDirect(market, ruled, 2n);

      const { balance, value } = await escrow.accountOf(tokenAddress, provider.address);
      const until = await time.latest();
      await escrow.connect(provider).revoke(tokenAddress, until);
      const account = await escrow.accountOf(tokenAddress, provider.address);
      expect(value).to.equal(15n);
      expect(Array.from(account)).to.deep.equal([balance, value, BigInt(until), 3n, 2n, 1n]);
    });
  });

  describe('withdrawFees', () => {
    it('reverts with nothing credited', async () => {
      const { escrow, customer } = await loadFixture(marketFixture);
      await expect(escrow.connect(customer).withdrawFees(customer.address))
        .to.be.revertedWithCustomError(escrow, 'AgreementEscrowNoFees')
        .withArgs(customer.address);
    });
  });

  it('takes no native currency', async () => {
    const { escrowAddress, customer } = await loadFixture(marketFixture);
    await expect(customer.sendTransaction({ to: escrowAddress, value: 1n })).to.revert(ethers);
  });
});
