import { expect } from 'chai';
import { ESCROW_ABI } from '../../../sdk/chain/abi.ts';
import { type Anvil, anvilWallet, startAnvil } from '../../fixtures/anvil.ts';
import { deployEscrow, mint, openCall, testChain, testTerms } from '../../fixtures/escrow.ts';
import { faultyRpc } from '../../fixtures/faulty-rpc.ts';

describe('a transaction that fails in its block', function () {
  this.timeout(30_000);
  let anvil: Anvil;
  before(async () => {
    anvil = await startAnvil();
  });
  after(() => anvil.stop());

  it('throws the error of the contract with its values, and again for the same key, without sending again', async () => {
    const { escrow, token } = await deployEscrow(anvil);
    const [customerWallet, providerWallet] = [anvilWallet(0), anvilWallet(1)];
    const line = faultyRpc(anvil.url);
    const customer = testChain(anvil, escrow, customerWallet);
    const provider = testChain(anvil, escrow, providerWallet, { rpc: line.rpc });
    for (const chain of [customer, provider]) {
      await mint(anvil, token, chain.sender, 1000n);
      await chain.submit('deposit', { name: 'depositWithPermit', token, amount: 1000n });
    }
    const terms = testTerms(await customer.nowSec(), { customer: customer.sender, provider: provider.sender, token });
    const call = await openCall(escrow, terms, customerWallet, providerWallet);

    await anvil.rpc('evm_setAutomine', [false]);
    const opening = provider.submit('open', call).catch((reason) => reason);
    const sent = () => line.count('eth_sendRawTransaction');
    while (sent() < 2) await anvil.rpc('eth_blockNumber', []);
    // The customer takes its money out first: its transaction pays more and comes before the opening in the block.
    await anvil.rpc('anvil_setNextBlockBaseFeePerGas', ['0x1']);
    await withdrawFirst(anvil, escrow, token);
    await anvil.rpc('evm_mine', []);

    const error = await opening;
    expect(error).to.include({ code: 'TX_REVERTED' });
    expect(error.context).to.deep.include({ intent: 'open', error: 'AgreementEscrowInsufficientBalance' });
    expect(error.context.values).to.deep.include({ owner: customer.sender, balance: '0', needed: '1000' });
    expect(error.remedy).to.contain('Deposit');
    const again = await provider.submit('open', call).catch((reason) => reason);
    expect(again.context).to.deep.equal(error.context);
    expect(sent()).to.equal(2);
  });
});

async function withdrawFirst(anvil: Anvil, escrow: string, token: string): Promise<void> {
  const { address } = anvilWallet(0);
  const data = ESCROW_ABI.encodeFunctionData('withdraw', [token, 1000n, address]);
  const fees = { maxFeePerGas: '0x174876e800', maxPriorityFeePerGas: '0x174876e800' };
  await anvil.rpc('eth_sendTransaction', [{ from: address, to: escrow, data, gas: '0x493e0', ...fees }]);
}
