import { expect } from 'chai';
import { dispute, disputeFixture, FEE_WEI, makeDirect, openDisputable } from './support/disputes.ts';
import { ethers, hashOf, loadFixture, marketFixture, openAgreement, STATUS, settleTerms } from './support/market.ts';

const AMOUNT = 1_000n;

/** Small changes of where money moves that no other test noticed: see test/solidity/mutation.md. */
describe('AgreementEscrow money, where mutants survived', () => {
  describe('an arbitrator’s fee that the escrow holds', () => {
    it('goes back to who advanced it when the parties settle meanwhile', async () => {
      for (const by of ['customer', 'provider'] as const) {
        const market = await loadFixture(disputeFixture);
        await makeDirect(market);
        const terms = await openDisputable(market);
        await dispute(market, terms, market[by]);
        await settleTerms(market, terms, 0n);
        expect(await market.escrow.feesOf(market[by].address)).to.equal(FEE_WEI);
      }
    });

    it('is not paid again to the next agreement of the lane', async () => {
      const market = await loadFixture(disputeFixture);
      await makeDirect(market);
      const arbitrationHash = hashOf(market.arbitration);
      const first = await openDisputable(market);
      await dispute(market, first);
      await settleTerms(market, first, 0n);
      const { lane, openBy } = first;
      for (const [round, end] of [
        [1, 'settle'],
        [2, 'concede'],
      ] as const) {
        const terms = await openAgreement(market, { lane, openBy: openBy + round, arbitrationHash });
        if (end === 'settle') await settleTerms(market, terms, 0n);
        else await market.escrow.connect(market.provider).concede(terms);
        expect((await market.escrow.statusOf(terms)).status).to.equal(STATUS.ended);
      }
      expect(await market.escrow.feesOf(market.customer.address)).to.equal(FEE_WEI);
      expect(await market.escrow.feesOf(market.provider.address)).to.equal(0n);
      const held = await ethers.provider.getBalance(market.escrowAddress);
      expect(held).to.equal(FEE_WEI);
    });
  });

  it('says how much arrived when a token takes a fee, and how much left', async () => {
    const market = await loadFixture(marketFixture);
    const { escrow, escrowAddress, customer } = market;
    const zoo = await ethers.deployContract('ZooToken', [18, 0]);
    const zooAddress = await zoo.getAddress();
    await zoo.mint(customer.address, 10n * AMOUNT);
    await zoo.connect(customer).approve(escrowAddress, 10n * AMOUNT);
    await escrow.connect(customer).deposit(zooAddress, 2n * AMOUNT);
    for (const [behaviour, call, moved] of [
      [4n, 'deposit', AMOUNT - AMOUNT / 100n],
      [5n, 'withdraw', AMOUNT + AMOUNT / 100n],
    ] as const) {
      await zoo.setBehaviour(behaviour);
      const vault = escrow.connect(customer);
      const sent =
        call === 'deposit' ? vault.deposit(zooAddress, AMOUNT) : vault.withdraw(zooAddress, AMOUNT, customer.address);
      await expect(sent)
        .to.be.revertedWithCustomError(escrow, 'AgreementEscrowTransferMismatch')
        .withArgs(zooAddress, AMOUNT, moved);
    }
  });

  for (const outer of ['deposit', 'depositWithPermit', 'withdraw'] as const) {
    it(`nobody enters the vault while ${outer} moves tokens, not even for another token`, async () => {
      const market = await loadFixture(marketFixture);
      const { escrow, escrowAddress, token, customer, stranger } = market;
      const zoo = await ethers.deployContract('ZooToken', [18, 0]);
      const zooAddress = await zoo.getAddress();
      await zoo.mint(customer.address, 4n * AMOUNT);
      await zoo.connect(customer).approve(escrowAddress, 4n * AMOUNT);
      await escrow.connect(customer).deposit(zooAddress, AMOUNT);

      // An account of another token's holder, which anybody may tell what to call.
      const account = await ethers.deployContract('ContractAccount', [stranger.address]);
      const accountAddress = await account.getAddress();
      await token.mint(accountAddress, AMOUNT);
      const execute = (target: string, data: string) =>
        account.interface.encodeFunctionData('execute', [target, 0n, data]);
      await account.execute(
        market.tokenAddress,
        0n,
        token.interface.encodeFunctionData('approve', [escrowAddress, AMOUNT]),
      );
      const inner = escrow.interface.encodeFunctionData('deposit', [market.tokenAddress, 1n]);
      await zoo.setHook(accountAddress, execute(escrowAddress, inner));
      await zoo.setBehaviour(8n);

      const vault = escrow.connect(customer);
      const zero = `0x${'00'.repeat(32)}`;
      if (outer === 'deposit') await vault.deposit(zooAddress, AMOUNT);
      else if (outer === 'withdraw') await vault.withdraw(zooAddress, AMOUNT, customer.address);
      else await vault.depositWithPermit(zooAddress, AMOUNT, 0n, 27, zero, zero);
      expect(await zoo.hookSucceeded()).to.equal(false);
      expect((await escrow.accountOf(market.tokenAddress, accountAddress)).balance).to.equal(0n);
      await account.execute(escrowAddress, 0n, inner);
      expect((await escrow.accountOf(market.tokenAddress, accountAddress)).balance).to.equal(1n);
    });
  }
});
