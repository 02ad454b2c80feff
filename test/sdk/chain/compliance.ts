import { expect } from 'chai';
import { type BaseWallet, ZeroAddress } from 'ethers';
import { agreementIdOf, escrowDomain } from '../../../market/eip712.ts';
import type { Settlement, Terms } from '../../../market/terms.ts';
import { walletSigner } from '../../../sdk/chain/signer.ts';
import type { Chain } from '../../../sdk/ports.ts';
import { testTerms } from '../../fixtures/escrow.ts';

/** A chain, fresh for each test, seen by two accounts that hold 10,000 of the token each, outside the vault. */
export interface ChainSetting {
  token: string;
  customer: Chain;
  provider: Chain;
  customerWallet: BaseWallet;
  providerWallet: BaseWallet;
  /** Lets the chain's time pass. */
  pass(sec: number): Promise<void>;
}

const HELD = 10_000n;

/** What every `Chain` must do on the main paths. */
export function chainCompliance(setUp: () => Promise<ChainSetting>): void {
  let at: ChainSetting;
  let terms: Terms;
  beforeEach(async () => {
    at = await setUp();
    terms = testTerms(await at.customer.nowSec(), {
      customer: at.customer.sender,
      provider: at.provider.sender,
      token: at.token,
    });
  });

  const domain = () => escrowDomain(at.customer.chainId, at.customer.escrow);
  const customerSigns = () => walletSigner(at.customerWallet, domain());
  const providerSigns = () => walletSigner(at.providerWallet, domain());
  const deposit = (chain: Chain, amount: bigint) =>
    chain.submit(`deposit ${amount}`, { name: 'depositWithPermit', token: at.token, amount });
  const open = async () => {
    await deposit(at.customer, 1000n);
    await deposit(at.provider, 400n);
    const customerSignature = await customerSigns().sign('Terms', terms);
    return at.provider.submit('open', { name: 'open', terms, customerSignature, providerSignature: '0x' });
  };
  const claim = async (earned: bigint) => {
    const receipt = { agreementId: agreementIdOf(domain(), terms), earned };
    const customerSignature = await customerSigns().sign('Receipt', receipt);
    return at.provider.submit(`claim ${earned}`, { name: 'claim', terms, receipt, customerSignature });
  };
  const balances = async () => [
    (await at.customer.account(at.token, at.customer.sender)).balance,
    (await at.customer.account(at.token, at.provider.sender)).balance,
  ];
  const reverts = async (call: Promise<unknown>): Promise<unknown> => {
    const error = await call.then(
      () => null,
      (reason) => reason,
    );
    expect(error).to.include({ code: 'TX_REVERTED' });
    return error.context.error;
  };

  it('passes its own check', () => at.customer.check());

  it('moves tokens into the vault and out of it', async () => {
    await deposit(at.customer, 700n);
    expect(await at.customer.account(at.token, at.customer.sender)).to.deep.equal({
      balance: 700n,
      honoured: 0,
      breached: 0,
      disputesLost: 0,
      value: 0n,
    });
    const to = at.provider.sender;
    await at.customer.submit('withdraw', { name: 'withdraw', token: at.token, amount: 200n, to });
    expect(await at.customer.tokenBalance(at.token, at.customer.sender)).to.equal(HELD - 700n);
    expect(await at.customer.tokenBalance(at.token, to)).to.equal(HELD + 200n);
    expect((await balances())[0]).to.equal(500n);
  });

  it('answers a repeated key with the first transaction', async () => {
    const first = await deposit(at.customer, 700n);
    expect(await deposit(at.customer, 700n)).to.deep.equal(first);
    expect((await balances())[0]).to.equal(700n);
  });

  it('opens an agreement, locking both stakes', async () => {
    expect(await at.customer.agreement(terms)).to.deep.equal({ status: 'none', claimed: 0n, exitsAt: 0 });
    await open();
    expect(await at.customer.agreement(terms)).to.include({ status: 'open', claimed: 0n });
    expect(await balances()).to.deep.equal([0n, 0n]);
  });

  it('settles by both signatures, and counts it', async () => {
    await open();
    const settlement: Settlement = { agreementId: agreementIdOf(domain(), terms), toProvider: 650n, outcome: 1 };
    const providerSignature = await providerSigns().sign('Settlement', settlement);
    await at.customer.submit('settle', {
      name: 'settle',
      terms,
      settlement,
      customerSignature: '0x',
      providerSignature,
    });
    expect(await at.customer.agreement(terms)).to.deep.equal({ status: 'ended', claimed: 0n, exitsAt: 0 });
    expect(await balances()).to.deep.equal([750n, 650n]);
    expect((await at.customer.account(at.token, at.provider.sender)).honoured).to.equal(1);
  });

  it('pays a claim after the response window, not before', async () => {
    await open();
    await claim(300n);
    const { status, claimed, exitsAt } = await at.customer.agreement(terms);
    expect({ status, claimed }).to.deep.equal({ status: 'claimed', claimed: 300n });
    expect(await reverts(at.customer.submit('early', { name: 'expire', terms }))).to.equal('AgreementEscrowTooEarly');
    await at.pass(exitsAt - (await at.customer.nowSec()));
    await at.customer.submit('late', { name: 'expire', terms });
    expect(await balances()).to.deep.equal([700n, 700n]);
  });

  it('gives the stake of a provider that does not answer a report to the customer', async () => {
    await open();
    await at.customer.submit('report', { name: 'report', terms, evidence: 'ipfs://evidence' });
    const { status, exitsAt } = await at.customer.agreement(terms);
    expect(status).to.equal('reported');
    await at.pass(exitsAt - (await at.customer.nowSec()));
    await at.customer.submit('expire', { name: 'expire', terms });
    expect(await balances()).to.deep.equal([1400n, 0n]);
    expect((await at.customer.account(at.token, at.provider.sender)).breached).to.equal(1);
  });

  it('lets a provider answer a report, after which the agreement goes on', async () => {
    await open();
    await at.customer.submit('report', { name: 'report', terms, evidence: '' });
    await at.provider.submit('answer', { name: 'answer', terms, evidence: 'ipfs://answer' });
    expect((await at.customer.agreement(terms)).status).to.equal('answered');
  });

  it('gives both stakes to the customer when the provider concedes', async () => {
    await open();
    await at.customer.submit('report', { name: 'report', terms, evidence: '' });
    await at.provider.submit('concede', { name: 'concede', terms });
    expect(await balances()).to.deep.equal([1400n, 0n]);
  });

  it('gives both stakes back when nobody has claimed long after the end', async () => {
    await open();
    const { exitsAt } = await at.customer.agreement(terms);
    expect(exitsAt).to.be.at.least(terms.endsAt);
    await at.pass(exitsAt - (await at.customer.nowSec()));
    await at.customer.submit('expire', { name: 'expire', terms });
    expect(await balances()).to.deep.equal([1000n, 400n]);
  });

  it('names agents and takes them back', async () => {
    const expiresAt = (await at.customer.nowSec()) + 600;
    const agent = at.provider.sender;
    await at.customer.submit('set', { name: 'setAgent', agent, token: at.token, expiresAt, cap: 10n });
    expect(await at.customer.isAgent(at.customer.sender, agent)).to.equal(true);
    await at.customer.submit('unset', { name: 'revokeAgent', agent });
    expect(await at.customer.isAgent(at.customer.sender, agent)).to.equal(false);
  });

  const refusals: { title: string; error: string; attempt: () => Promise<unknown> }[] = [
    {
      title: 'a withdrawal of more than there is',
      error: 'AgreementEscrowInsufficientBalance',
      attempt: () => at.customer.submit('x', { name: 'withdraw', token: at.token, amount: 1n, to: at.customer.sender }),
    },
    {
      title: 'terms without a funded stake',
      error: 'AgreementEscrowInsufficientBalance',
      attempt: async () => {
        const customerSignature = await customerSigns().sign('Terms', terms);
        return at.provider.submit('x', { name: 'open', terms, customerSignature, providerSignature: '0x' });
      },
    },
    {
      title: 'terms changed after signing',
      error: 'AgreementEscrowNotAuthorized',
      attempt: async () => {
        const customerSignature = await customerSigns().sign('Terms', terms);
        const changed = { ...terms, customerStake: 1n };
        return at.provider.submit('x', { name: 'open', terms: changed, customerSignature, providerSignature: '0x' });
      },
    },
    {
      title: 'terms opened twice',
      error: 'AgreementEscrowLaneBusy',
      attempt: async () => {
        await open();
        const customerSignature = await customerSigns().sign('Terms', terms);
        return at.provider.submit('again', { name: 'open', terms, customerSignature, providerSignature: '0x' });
      },
    },
    {
      title: 'an answer without a report',
      error: 'AgreementEscrowUnexpectedStatus',
      attempt: async () => {
        await open();
        return at.provider.submit('x', { name: 'answer', terms, evidence: '' });
      },
    },
    {
      title: 'a receipt that adds nothing',
      error: 'AgreementEscrowReceiptStale',
      attempt: async () => {
        await open();
        await claim(300n);
        return claim(299n);
      },
    },
  ];
  for (const { title, error, attempt } of refusals) {
    it(`refuses ${title}`, async () => {
      expect(await reverts(attempt())).to.equal(error);
    });
  }

  it('tells by a dry run what a call would do, without doing it', async () => {
    const call = { name: 'withdraw' as const, token: at.token, amount: 5n, to: at.customer.sender };
    const refusal = await at.customer.dryRun(call);
    expect(refusal).to.include({ error: 'AgreementEscrowInsufficientBalance' });
    expect(refusal?.message).to.contain('5').and.to.contain(at.customer.sender);
    expect(refusal?.remedy).to.contain('Deposit');
    await deposit(at.customer, 5n);
    expect(await at.customer.dryRun(call)).to.equal(null);
    expect((await balances())[0]).to.equal(5n);
  });

  it('knows nothing of strangers', async () => {
    expect((await at.customer.account(at.token, ZeroAddress)).balance).to.equal(0n);
    expect(await at.customer.isAgent(ZeroAddress, at.customer.sender)).to.equal(false);
  });
}
