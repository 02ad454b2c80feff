import { expect } from 'chai';
import {
  bothSign,
  ethers,
  FUNDS,
  loadFixture,
  type Market,
  marketFixture,
  openTerms,
  termsOf,
  time,
  WINDOW_SEC,
} from './support/market.ts';

/** Mirror of `enum Behaviour` of the mock. */
const BEHAVIOURS = [
  'standard',
  'no return value',
  'returns false',
  'reverts on zero',
  'fee on transfer',
  'fee on top',
  'blacklist',
  'paused',
  'hook on move',
  'reverts on large approve',
  'success without moving',
] as const;
type Behaviour = (typeof BEHAVIOURS)[number];
const numberOf = (behaviour: Behaviour) => BEHAVIOURS.indexOf(behaviour);

const AMOUNT = 1_000_000n;
const STAKE = 400_000n;

async function zooFixture() {
  const market = await marketFixture();
  const zoo = async (behaviour: Behaviour, decimals = 18) => {
    const token = await ethers.deployContract('ZooToken', [decimals, numberOf(behaviour)]);
    for (const owner of [market.customer, market.provider]) {
      await token.mint(owner.address, 10n * AMOUNT);
      await token.connect(owner).approve(market.escrowAddress, 10n * AMOUNT);
    }
    return { token, address: await token.getAddress() };
  };
  return { ...market, zoo };
}
type Zoo = Awaited<ReturnType<typeof zooFixture>>;
type ZooToken = Awaited<ReturnType<Zoo['zoo']>>;

const deposits = async (market: Zoo, address: string) => {
  for (const owner of [market.customer, market.provider]) await market.escrow.connect(owner).deposit(address, AMOUNT);
};

async function open(market: Market, token: string) {
  const terms = await termsOf(market, { token, customerStake: STAKE, providerStake: STAKE });
  await openTerms(market, terms);
  return terms;
}

async function settleAll(market: Market, terms: Awaited<ReturnType<typeof open>>) {
  const agreementId = await market.escrow.idOf(terms);
  const signatures = await bothSign(market, 'Settlement', { agreementId, toProvider: 2n * STAKE, outcome: 1n });
  await market.escrow.settle(terms, 2n * STAKE, 1n, ...signatures);
}

const credited = async (market: Market, token: string, owner: { address: string }) =>
  (await market.escrow.accountOf(token, owner.address)).balance;

/** What no token may change: others' money in another token can still be moved in and out. */
async function expectOthersUnharmed(market: Market) {
  await market.escrow.connect(market.stranger).withdraw(market.tokenAddress, FUNDS, market.stranger.address);
  await market.escrow.connect(market.stranger).deposit(market.tokenAddress, FUNDS);
  expect(await market.token.balanceOf(market.escrowAddress)).to.equal(3n * FUNDS);
}

/** The whole way: both deposit, one agreement is settled, everything is withdrawn. */
async function expectWholeWay(market: Zoo, { token, address }: ZooToken) {
  await deposits(market, address);
  await settleAll(market, await open(market, address));
  await market.escrow.connect(market.customer).withdraw(address, AMOUNT - STAKE, market.customer.address);
  await market.escrow.connect(market.provider).withdraw(address, AMOUNT + STAKE, market.provider.address);
  expect(await token.balanceOf(market.escrowAddress)).to.equal(0n);
}

describe('token zoo', () => {
  for (const [name, behaviour, decimals] of [
    ['a standard token', 'standard', 18],
    ['no return value', 'no return value', 18],
    ['reverts on zero amounts', 'reverts on zero', 18],
    ['reverts on large approvals', 'reverts on large approve', 18],
    ['0 decimals', 'standard', 0],
    ['36 decimals', 'standard', 36],
  ] as const) {
    it(`${name}: works`, async () => {
      const market = await loadFixture(zooFixture);
      await expectWholeWay(market, await market.zoo(behaviour, decimals));
      await expectOthersUnharmed(market);
    });
  }

  for (const [name, behaviour, error] of [
    ['a fee on transfer', 'fee on transfer', 'AgreementEscrowTransferMismatch'],
    ['success without moving', 'success without moving', 'AgreementEscrowTransferMismatch'],
    ['returns false', 'returns false', 'SafeERC20FailedOperation'],
  ] as const) {
    it(`${name}: is refused at the deposit`, async () => {
      const market = await loadFixture(zooFixture);
      const { address } = await market.zoo(behaviour);
      await expect(market.escrow.connect(market.customer).deposit(address, AMOUNT)).to.be.revertedWithCustomError(
        market.escrow,
        error,
      );
      expect(await credited(market, address, market.customer)).to.equal(0n);
      await expectOthersUnharmed(market);
    });
  }

  it('an address without code: is refused at the deposit', async () => {
    const market = await loadFixture(zooFixture);
    await expect(market.escrow.connect(market.customer).deposit(market.agent.address, AMOUNT)).to.revert(ethers);
  });

  for (const [name, behaviour] of [
    ['a fee switched on later', 'fee on top'],
    ['paused', 'paused'],
    ['an upgrade that moves nothing any more', 'success without moving'],
    ['an upgrade that returns false', 'returns false'],
  ] as const) {
    it(`${name}: agreements still end, and withdrawals wait until it is over`, async () => {
      const market = await loadFixture(zooFixture);
      const { token, address } = await market.zoo('standard');
      await deposits(market, address);
      const terms = await open(market, address);
      await token.setBehaviour(numberOf(behaviour));
      await time.increaseTo(terms.endsAt + WINDOW_SEC);
      await market.escrow.expire(terms);
      await expect(market.escrow.connect(market.customer).withdraw(address, AMOUNT, market.customer.address)).to.revert(
        ethers,
      );
      expect(await credited(market, address, market.customer)).to.equal(AMOUNT);
      await expectOthersUnharmed(market);
      await token.setBehaviour(numberOf('standard'));
      await market.escrow.connect(market.customer).withdraw(address, AMOUNT, market.customer.address);
    });
  }

  it('a receiver’s fee switched on later: the receiver bears it, nobody else', async () => {
    const market = await loadFixture(zooFixture);
    const { token, address } = await market.zoo('standard');
    await deposits(market, address);
    await token.setBehaviour(numberOf('fee on transfer'));
    await market.escrow.connect(market.customer).withdraw(address, AMOUNT, market.customer.address);
    await market.escrow.connect(market.provider).withdraw(address, AMOUNT, market.provider.address);
    expect(await token.balanceOf(market.customer.address)).to.equal(10n * AMOUNT - AMOUNT / 100n);
  });

  it('blacklists one party: the other is paid and can withdraw', async () => {
    const market = await loadFixture(zooFixture);
    const { token, address } = await market.zoo('blacklist');
    await deposits(market, address);
    const terms = await open(market, address);
    await token.setBlacklisted(market.customer.address);
    await settleAll(market, terms);
    await expect(
      market.escrow.connect(market.customer).withdraw(address, 1n, market.customer.address),
    ).to.be.revertedWith('blacklisted');
    await market.escrow.connect(market.provider).withdraw(address, AMOUNT + STAKE, market.provider.address);
    await market.escrow.connect(market.customer).withdraw(address, AMOUNT - STAKE, market.agent.address);
  });

  it('rebases up: nobody is credited more, everybody gets what it put in', async () => {
    const market = await loadFixture(zooFixture);
    const { token, address } = await market.zoo('standard');
    await deposits(market, address);
    await token.rebase(2n * 10n ** 18n);
    for (const owner of [market.customer, market.provider]) {
      expect(await credited(market, address, owner)).to.equal(AMOUNT);
      await market.escrow.connect(owner).withdraw(address, AMOUNT, owner.address);
    }
  });

  it('rebases down: the loss stays with its own holders', async () => {
    const market = await loadFixture(zooFixture);
    const { token, address } = await market.zoo('standard');
    await deposits(market, address);
    await token.rebase(5n * 10n ** 17n);
    await market.escrow.connect(market.customer).withdraw(address, AMOUNT, market.customer.address);
    await expect(market.escrow.connect(market.provider).withdraw(address, AMOUNT, market.provider.address)).to.revert(
      ethers,
    );
    await expectOthersUnharmed(market);
  });

  for (const entry of ['deposit', 'withdraw', 'withdrawFees', 'dispute'] as const) {
    it(`re-enters ${entry} while tokens move: refused`, async () => {
      const market = await loadFixture(zooFixture);
      const { token, address } = await market.zoo('hook on move');
      const account = await ethers.deployContract('ContractAccount', [market.agent.address]);
      const owner = await account.getAddress();
      await token.mint(owner, 10n * AMOUNT);
      const { interface: calls } = market.escrow;
      const arbitration = [market.agent.address, 0n, 1, 0, '0x'];
      const reentry = {
        deposit: () => calls.encodeFunctionData('deposit', [address, 1n]),
        withdraw: () => calls.encodeFunctionData('withdraw', [address, 1n, owner]),
        withdrawFees: () => calls.encodeFunctionData('withdrawFees', [owner]),
        dispute: () => calls.encodeFunctionData('dispute', [terms, arbitration as never]),
      };
      const terms = await termsOf(market, { token: address });
      await account.execute(address, 0, token.interface.encodeFunctionData('approve', [market.escrowAddress, AMOUNT]));
      await token.setHook(market.escrowAddress, reentry[entry]());
      await account.execute(market.escrowAddress, 0, calls.encodeFunctionData('deposit', [address, AMOUNT]));
      expect(await token.hookSucceeded()).to.equal(false);
      expect(await credited(market, address, { address: owner })).to.equal(AMOUNT);
    });
  }

  it('a hook that ends an agreement while tokens move changes nothing about the deposit', async () => {
    const market = await loadFixture(zooFixture);
    const { token, address } = await market.zoo('standard');
    await deposits(market, address);
    const terms = await open(market, address);
    await time.increaseTo(terms.endsAt + WINDOW_SEC);
    await token.setBehaviour(numberOf('hook on move'));
    await token.setHook(market.escrowAddress, market.escrow.interface.encodeFunctionData('expire', [terms]));
    await market.escrow.connect(market.customer).deposit(address, AMOUNT);
    expect(await credited(market, address, market.customer)).to.equal(2n * AMOUNT);
    expect(await credited(market, address, market.provider)).to.equal(AMOUNT);
  });
});
