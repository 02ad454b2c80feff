import { expect } from 'chai';
import { fakeChain } from '../../fakes/chain.ts';
import { fakeClock } from '../../fakes/clock.ts';
import { anvilWallet } from '../../fixtures/anvil.ts';
import { chainCompliance } from './compliance.ts';

const token = '0x00000000000000000000000000000000000070C3';

describe('fakeChain', () => {
  chainCompliance(async () => {
    const clock = fakeClock(1_800_000_000_000);
    const chain = fakeChain(clock);
    const [customerWallet, providerWallet] = [anvilWallet(0), anvilWallet(1)];
    for (const { address } of [customerWallet, providerWallet]) chain.mint(token, address, 10_000n);
    return {
      token,
      customerWallet,
      providerWallet,
      customer: chain.connect(customerWallet.address),
      provider: chain.connect(providerWallet.address),
      pass: (sec) => clock.tick(sec * 1000),
    };
  });

  it('is unreachable when told so', async () => {
    const chain = fakeChain(fakeClock(0));
    const { address } = anvilWallet(0);
    chain.setReachable(false);
    expect(
      await chain
        .connect(address)
        .nowSec()
        .then(String, (error) => error.code),
    ).to.equal('CHAIN_UNREACHABLE');
    chain.setReachable(true);
    expect(await chain.connect(address).nowSec()).to.equal(0);
  });
});
