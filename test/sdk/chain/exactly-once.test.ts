import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Wallet } from 'ethers';
import { systemClock } from '../../../node/clock.ts';
import type { ChainClient } from '../../../sdk/chain/client.ts';
import { fakeKeyValue } from '../../fakes/key-value.ts';
import { type Anvil, anvilWallet, startAnvil } from '../../fixtures/anvil.ts';
import { deployEscrow, mint, testChain } from '../../fixtures/escrow.ts';
import { faultyRpc } from '../../fixtures/faulty-rpc.ts';

const wallet = anvilWallet(0);
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'no error',
    (error) => error.code,
  );

describe('exactly once on anvil', function () {
  this.timeout(30_000);
  let anvil: Anvil;
  let escrow: string;
  let token: string;
  let snapshot: unknown;
  before(async () => {
    anvil = await startAnvil();
    ({ escrow, token } = await deployEscrow(anvil));
    await mint(anvil, token, wallet.address, 10_000n);
  });
  beforeEach(async () => {
    snapshot = await anvil.rpc('evm_snapshot', []);
  });
  afterEach(async () => {
    await anvil.rpc('evm_revert', [snapshot]);
    await anvil.rpc('evm_setAutomine', [true]);
  });
  after(() => anvil.stop());

  const deposit = (chain: ChainClient, key: string, amount = 100n) =>
    chain.submit(key, { name: 'depositWithPermit', token, amount });
  const deposited = async () => (await testChain(anvil, escrow, wallet).account(token, wallet.address)).balance;

  it('sends one transaction for a key that is asked for many times at once', async () => {
    const chain = testChain(anvil, escrow, wallet);
    const results = await Promise.all([1, 2, 3, 4, 5].map(() => deposit(chain, 'same')));
    expect(new Set(results.map(({ hash }) => hash)).size).to.equal(1);
    expect(await deposited()).to.equal(100n);
  });

  it('gives different keys different nonces, also when asked for at once', async () => {
    const chain = testChain(anvil, escrow, wallet);
    await Promise.all(Array.from({ length: 8 }, (_, n) => deposit(chain, `key ${n}`)));
    expect(await deposited()).to.equal(800n);
  });

  for (const applied of [true, false]) {
    it(`sends nothing when the disk fails while storing it (write ${applied ? 'applied' : 'lost'})`, async () => {
      const store = fakeKeyValue();
      store.failWrite(1, applied);
      const line = faultyRpc(anvil.url);
      expect(await codeOf(deposit(testChain(anvil, escrow, wallet, { store, rpc: line.rpc }), 'k'))).to.equal(
        'STORE_FAILED',
      );
      expect(line.count('eth_sendRawTransaction')).to.equal(0);
      await deposit(testChain(anvil, escrow, wallet, { store: fakeKeyValue(store.data) }), 'k');
      expect(await deposited()).to.equal(100n);
    });
  }

  it('sends the stored bytes after a crash between storing and sending', async () => {
    const store = fakeKeyValue();
    const line = faultyRpc(anvil.url);
    const crash = new AbortController();
    line.fail('eth_sendRawTransaction', 'request lost', 1000);
    const dying = codeOf(
      testChain(anvil, escrow, wallet, { store, rpc: line.rpc }).submit(
        'k',
        { name: 'depositWithPermit', token, amount: 100n },
        { signal: crash.signal },
      ),
    );
    while (line.count('eth_sendRawTransaction') === 0) await systemClock().sleep(5);
    crash.abort();
    expect(await dying).to.equal('CHAIN_UNREACHABLE');
    const after = faultyRpc(anvil.url);
    await deposit(testChain(anvil, escrow, wallet, { store, rpc: after.rpc }), 'k', 999n);
    const rawOf = ({ calls }: typeof line) => calls.find(({ method }) => method === 'eth_sendRawTransaction')?.params;
    expect(rawOf(after)).to.deep.equal(rawOf(line));
    expect(await deposited()).to.equal(100n);
  });

  it('sends nothing again after a crash between sending and the receipt', async () => {
    const store = fakeKeyValue();
    const line = faultyRpc(anvil.url);
    line.fail('eth_getTransactionReceipt', { answers: null }, 3);
    store.failWrite(2, false);
    expect(await codeOf(deposit(testChain(anvil, escrow, wallet, { store, rpc: line.rpc }), 'k'))).to.equal(
      'STORE_FAILED',
    );
    await testChain(anvil, escrow, wallet, { store: fakeKeyValue(store.data) }).resume();
    await deposit(testChain(anvil, escrow, wallet, { store: fakeKeyValue(store.data) }), 'k');
    expect(await deposited()).to.equal(100n);
  });

  const lossy = [
    { method: 'eth_estimateGas', fault: 'request lost' },
    { method: 'eth_feeHistory', fault: 'answer lost' },
    { method: 'eth_getTransactionCount', fault: 'request lost' },
    { method: 'eth_sendRawTransaction', fault: 'request lost' },
    { method: 'eth_sendRawTransaction', fault: 'answer lost', callsAtLeast: 1 },
    { method: 'eth_getTransactionReceipt', fault: 'request lost' },
    { method: 'eth_getTransactionReceipt', fault: 'answer lost' },
    { method: 'eth_getBlockByNumber', fault: 'request lost' },
  ] as const;
  for (const { method, fault, ...rest } of lossy) {
    it(`goes on after three times ${fault} of ${method}`, async () => {
      const line = faultyRpc(anvil.url);
      line.fail(method, fault, 3);
      await deposit(testChain(anvil, escrow, wallet, { rpc: line.rpc, pollIntervalMs: 5 }), 'k');
      expect(await deposited()).to.equal(100n);
      expect(line.count(method)).to.be.at.least('callsAtLeast' in rest ? rest.callsAtLeast : 4);
    });
  }

  it('sends again what the chain forgot, and what must come before it', async () => {
    await anvil.rpc('evm_setAutomine', [false]);
    const line = faultyRpc(anvil.url);
    const chain = testChain(anvil, escrow, wallet, { rpc: line.rpc, resendAfterMs: 60 });
    line.fail('eth_sendRawTransaction', { answers: '0x' }, 1);
    const expiresAt = (await chain.nowSec()) + 600;
    const agents = [anvilWallet(1).address, anvilWallet(2).address];
    const both = Promise.all(
      agents.map((agent) => chain.submit(agent, { name: 'setAgent', agent, token, expiresAt, cap: 1n })),
    );
    while (line.count('eth_sendRawTransaction') < 4) await systemClock().sleep(10);
    await anvil.rpc('evm_mine', []);
    const [first, second] = await both;
    expect(first?.blockNumber).to.equal(second?.blockNumber);
    for (const agent of agents) expect(await chain.isAgent(wallet.address, agent)).to.equal(true);
  });

  it('replaces a transaction whose fees are too low under the same nonce', async () => {
    await anvil.rpc('evm_setAutomine', [false]);
    const store = fakeKeyValue();
    const chain = testChain(anvil, escrow, wallet, { store, bumpAfterMs: 60 });
    const result = deposit(chain, 'k');
    while (![...store.data.keys()].some((key) => key.includes('/pending/'))) await systemClock().sleep(5);
    for (let block = 0; block < 4; block += 1) {
      await anvil.rpc('anvil_setNextBlockBaseFeePerGas', ['0x2540be400']);
      await anvil.rpc('evm_mine', []);
    }
    const versions = () => [...store.data.values()].join().match(/"raw"/g)?.length ?? 0;
    while (versions() < 2) await systemClock().sleep(10);
    await systemClock().sleep(50);
    await anvil.rpc('evm_mine', []);
    await result;
    expect(Number(await anvil.rpc('eth_getTransactionCount', [wallet.address, 'latest']))).to.equal(1);
    expect(await deposited()).to.equal(100n);
  });

  it('waits while the chain asks more than the cap', async () => {
    await anvil.rpc('anvil_setNextBlockBaseFeePerGas', ['0x174876e800']);
    const chain = testChain(anvil, escrow, wallet, { maxFeePerGasWei: 50_000_000_000n });
    const call = { name: 'depositWithPermit' as const, token, amount: 100n };
    const error = await chain.submit('k', call, { signal: AbortSignal.timeout(200) }).catch((reason) => reason);
    expect(error).to.include({ code: 'CHAIN_UNREACHABLE' });
    expect(error.message).to.contain('the cap is 50000000000');
    await anvil.rpc('anvil_setNextBlockBaseFeePerGas', ['0x1']);
    await deposit(chain, 'k');
    expect(await deposited()).to.equal(100n);
  });

  it('says that another program used the nonce, once it is certain', async () => {
    await anvil.rpc('evm_setAutomine', [false]);
    const chain = testChain(anvil, escrow, wallet);
    const call = { name: 'depositWithPermit' as const, token, amount: 100n };
    expect(await codeOf(chain.submit('k', call, { signal: AbortSignal.timeout(200) }))).to.equal('CHAIN_UNREACHABLE');
    await anvil.rpc('anvil_dropAllTransactions', []);
    const fees = { maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 10n ** 10n };
    const foreign = { type: 2, chainId: 31337, nonce: 0, gasLimit: 21_000n, to: wallet.address, ...fees };
    const raw = await wallet.signTransaction(foreign);
    await anvil.rpc('eth_sendRawTransaction', [raw]);
    await anvil.rpc('evm_mine', []);
    await anvil.rpc('evm_setAutomine', [true]);
    expect(await codeOf(chain.submit('k', call))).to.equal('TX_DISPLACED');
    expect(await codeOf(chain.submit('k', call))).to.equal('TX_DISPLACED');
    expect(await deposited()).to.equal(0n);
    await deposit(chain, 'another');
    expect(await deposited()).to.equal(100n);
  });

  it('says that the account cannot pay for gas, and sends once it can', async () => {
    const poor = Wallet.createRandom();
    await mint(anvil, token, poor.address, 100n);
    const chain = testChain(anvil, escrow, poor);
    const error = await deposit(chain, 'k').catch((reason) => reason);
    expect(error).to.include({ code: 'TX_UNFUNDED' });
    expect(error.remedy).to.contain(poor.address);
    await anvil.rpc('anvil_setBalance', [poor.address, '0xde0b6b3a7640000']);
    await deposit(chain, 'k');
    expect((await chain.account(token, poor.address)).balance).to.equal(100n);
  });

  it('goes on after the chain was restarted with its data', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'eaas-anvil-'));
    const args = ['--state', join(dir, 'state.json'), '--no-mining'];
    const first = await startAnvil({ args });
    try {
      await first.rpc('evm_setAutomine', [true]);
      const deployed = await deployEscrow(first);
      await mint(first, deployed.token, wallet.address, 100n);
      await first.rpc('evm_setAutomine', [false]);
      const chain = testChain(first, deployed.escrow, wallet, { resendAfterMs: 200 });
      const call = { name: 'depositWithPermit' as const, token: deployed.token, amount: 100n };
      const result = chain.submit('k', call);
      while (BigInt(String(await first.rpc('eth_getTransactionCount', [wallet.address, 'pending']))) === 0n) {
        await systemClock().sleep(10);
      }
      await first.stop();
      const second = await startAnvil({ port: first.port, args: args.slice(0, 2) });
      await result;
      expect((await chain.account(deployed.token, wallet.address)).balance).to.equal(100n);
      await second.stop();
    } finally {
      await first.stop();
      await rm(dir, { recursive: true, force: true });
    }
  });

  it('refuses to guess a nonce on a chain that was started anew', async () => {
    const store = fakeKeyValue();
    await deposit(testChain(anvil, escrow, wallet, { store }), 'k');
    await anvil.rpc('evm_revert', [snapshot]);
    snapshot = await anvil.rpc('evm_snapshot', []);
    const call = { name: 'depositWithPermit' as const, token, amount: 100n };
    const again = testChain(anvil, escrow, wallet, { store });
    const error = await again.submit('other', call, { signal: AbortSignal.timeout(200) }).catch((reason) => reason);
    expect(error).to.include({ code: 'CHAIN_UNREACHABLE' });
    expect(error.cause.remedy).to.contain('new data folder');
  });
});
