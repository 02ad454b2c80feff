import { expect } from 'chai';
import { keccak256, ZeroHash } from 'ethers';
import { agreementIdOf, digestOf, escrowDomain, signerOf } from '../../../market/eip712.ts';
import { httpRpc } from '../../../sdk/chain/rpc.ts';
import { walletSigner } from '../../../sdk/chain/signer.ts';
import { ANVIL_CHAIN_ID, type Anvil, anvilWallet, startAnvil } from '../../fixtures/anvil.ts';
import { deployEscrow, idOf, mint, openCall, testChain, testTerms } from '../../fixtures/escrow.ts';
import { chainCompliance } from './compliance.ts';

const customerWallet = anvilWallet(0);
const providerWallet = anvilWallet(1);

describe('createChain on anvil', function () {
  this.timeout(30_000);
  let anvil: Anvil;
  let escrow: string;
  let token: string;
  let snapshot: unknown;
  before(async () => {
    anvil = await startAnvil();
    ({ escrow, token } = await deployEscrow(anvil));
    for (const { address } of [customerWallet, providerWallet]) await mint(anvil, token, address, 10_000n);
  });
  beforeEach(async () => {
    snapshot = await anvil.rpc('evm_snapshot', []);
  });
  afterEach(() => anvil.rpc('evm_revert', [snapshot]));
  after(() => anvil.stop());

  describe('as a Chain', () => {
    chainCompliance(async () => ({
      token,
      customerWallet,
      providerWallet,
      customer: testChain(anvil, escrow, customerWallet),
      provider: testChain(anvil, escrow, providerWallet),
      async pass(sec) {
        await anvil.rpc('evm_increaseTime', [sec]);
      },
    }));
  });

  describe('check', () => {
    it('refuses another chain', async () => {
      const chain = testChain(anvil, escrow, customerWallet, { chainId: 1 });
      const error = await chain.check().catch((reason) => reason);
      expect(error).to.include({ code: 'CHAIN_WRONG_ID' });
      expect(error.message).to.contain(`${ANVIL_CHAIN_ID}, not 1`);
    });

    it('refuses an address without a contract', async () => {
      const error = await testChain(anvil, customerWallet.address, customerWallet)
        .check()
        .catch((reason) => reason);
      expect(error).to.include({ code: 'CONTRACT_MISSING' });
      expect(error.remedy).to.contain('chain.escrow');
    });

    it('says that nothing answers, without the secrets of the URL', async () => {
      const rpcUrl = 'http://user:hunter2@127.0.0.1:1/v3/hunter2?key=hunter2';
      const error = await testChain({ url: rpcUrl }, escrow, customerWallet)
        .check()
        .catch((reason) => reason);
      expect(error).to.include({ code: 'CHAIN_UNREACHABLE' });
      expect(error.message).to.contain('http://127.0.0.1:1').and.not.to.contain('hunter2');
    });
  });

  it('finds an agreement by the id that this program computes, with its terms', async () => {
    const { event, terms } = await openedStory(7);
    expect(event?.name).to.equal('AgreementOpened');
    expect(event?.values.terms).to.deep.equal({
      ...terms,
      openBy: BigInt(terms.openBy),
      endsAt: BigInt(terms.endsAt),
      responseWindowSec: BigInt(terms.responseWindowSec),
      lane: BigInt(terms.lane),
    });
  });

  it('tells the story of one agreement from its events, also past a limit on block ranges', async () => {
    const { chain, terms } = await openedStory(7);
    await chain.submit('report', { name: 'report', terms, evidence: 'ipfs://e' });
    const limited = testChain(anvil, escrow, customerWallet, { rpc: limitedRanges(anvil.url, 2) });
    const story = await limited.story(idOf(escrow, terms));
    expect(story.map(({ name }) => name)).to.deep.equal(['AgreementOpened', 'AgreementReported']);
    expect(story[1]?.values).to.deep.equal({ id: idOf(escrow, terms), evidence: 'ipfs://e' });
    expect(story[1]?.blockTimestampSec).to.be.at.least(story[0]?.blockTimestampSec ?? Number.NaN);
    expect(await limited.story(keccak256('0x'))).to.deep.equal([]);
  });

  /** Opens an agreement and reads its first event. */
  async function openedStory(lane: number) {
    const chain = testChain(anvil, escrow, customerWallet);
    const provider = testChain(anvil, escrow, providerWallet);
    for (const side of [chain, provider]) await side.submit('d', { name: 'depositWithPermit', token, amount: 1000n });
    const parties = { customer: chain.sender, provider: provider.sender, token };
    const terms = testTerms(await chain.nowSec(), { ...parties, lane });
    await chain.submit('open', await openCall(escrow, terms, customerWallet, providerWallet));
    const [event] = await chain.story(agreementIdOf(escrowDomain(ANVIL_CHAIN_ID, escrow), terms));
    return { chain, terms, event };
  }

  describe('walletSigner', () => {
    it('signs what signerOf recognises', async () => {
      const domain = escrowDomain(ANVIL_CHAIN_ID, escrow);
      const receipt = { agreementId: digestOf(domain, 'Receipt', { agreementId: ZeroHash, earned: 1n }), earned: 5n };
      const signer = walletSigner(customerWallet, domain);
      const signature = await signer.sign('Receipt', receipt);
      expect(signerOf(domain, 'Receipt', receipt, signature)).to.equal(signer.address);
      expect(signerOf(domain, 'Receipt', { ...receipt, earned: 6n }, signature)).not.to.equal(signer.address);
    });
  });
});

/** A server that refuses ranges of more than `blocks` blocks. */
function limitedRanges(url: string, blocks: number) {
  const rpc = httpRpc(url, 5000);
  return (method: string, params: unknown[]) => {
    const { fromBlock, toBlock } = (params[0] ?? {}) as { fromBlock?: string; toBlock?: string };
    const isTooWide = method === 'eth_getLogs' && Number(toBlock) - Number(fromBlock) >= blocks;
    return rpc(isTooWide ? 'eth_noSuchRange' : method, params);
  };
}
