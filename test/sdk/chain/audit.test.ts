import { expect } from 'chai';
import type { Terms } from '../../../market/terms.ts';
import { ESCROW_ABI } from '../../../sdk/chain/abi.ts';
import { auditEvidence } from '../../../sdk/chain/audit-evidence.ts';
import type { Rpc } from '../../../sdk/chain/rpc.ts';
import {
  type AuditedChain,
  auditedChain,
  type Base,
  deployArbitrator,
  FUNDS,
  STRANGER,
  startBase,
} from '../../fixtures/audited.ts';

const HONOURED = 1;
const BREACHED = 2;
/** No heartbeat is in these packs. */
const verifyPeer = () => false;

describe('auditAgreement', function () {
  this.timeout(60_000);
  let base: Base;
  let chain: AuditedChain;
  let snapshot: unknown;
  before(async () => {
    base = await startBase();
  });
  beforeEach(async () => {
    snapshot = await base.anvil.rpc('evm_snapshot', []);
    chain = auditedChain(base);
  });
  afterEach(() => base.anvil.rpc('evm_revert', [snapshot]));
  after(() => base.anvil.stop());

  /** Audits in every status on the way: events and contract must agree after each step. */
  async function agreeing(terms: Terms, status: string) {
    const audit = await chain.audit(terms);
    expect(audit.disagreements).to.deep.equal([]);
    expect(audit.status.status).to.equal(status);
    return audit;
  }

  it('follows an agreement that is claimed and honoured', async () => {
    const terms = await chain.open();
    await agreeing(terms, 'open');
    await chain.claim(terms, 100n);
    await chain.claim(terms, 250n);
    expect((await agreeing(terms, 'claimed')).status.claimed).to.equal(250n);
    await chain.pass(3700);
    await chain.send(chain.customer, { name: 'expire', terms });
    const audit = await agreeing(terms, 'ended');
    expect(audit.agreement.ended).to.deep.equal({ toProvider: 650n, outcome: HONOURED, ending: 1 });
    expect(audit.provider).to.include({ balance: FUNDS + 250n, value: 250n, honoured: 1, breached: 0 });
    expect(audit.customer).to.include({ balance: FUNDS - 250n, value: 250n, honoured: 1 });
    expect(audit.story.map(({ name }) => name)).to.deep.equal([
      'AgreementOpened',
      'AgreementClaimed',
      'AgreementClaimed',
      'AgreementEnded',
    ]);
  });

  it('follows an agreement that nobody claims, beside another one that stays open', async () => {
    const terms = await chain.open();
    const other = await chain.open({ endsAt: (await chain.customer.nowSec()) + 100_000 });
    await chain.pass(3700);
    await chain.send(chain.customer, { name: 'expire', terms });
    const audit = await agreeing(terms, 'ended');
    expect(audit.customer.balance).to.equal(FUNDS - other.customerStake);
    await agreeing(other, 'open');
  });

  it('follows a breach: reported, answered, reported no more, conceded', async () => {
    const terms = await chain.open();
    await chain.send(chain.customer, { name: 'report', terms, evidence: 'ipfs://breach' });
    await agreeing(terms, 'reported');
    await chain.send(chain.provider, { name: 'answer', terms, evidence: 'ipfs://answer' });
    await agreeing(terms, 'answered');
    await chain.pass(61);
    await agreeing(terms, 'open');
    await chain.send(chain.provider, { name: 'concede', terms });
    const audit = await agreeing(terms, 'ended');
    expect(audit.provider).to.include({ balance: FUNDS - terms.providerStake, breached: 1, honoured: 0 });
    expect(audit.customer.balance).to.equal(FUNDS + terms.providerStake);
  });

  it('follows a dispute to the ruling and its execution', async () => {
    const { arbitration, hash, rule } = await deployArbitrator(chain.anvil);
    const terms = await chain.open({ arbitrationHash: hash });
    await chain.send(chain.customer, { name: 'dispute', terms, arbitration, feeWei: 0n });
    await agreeing(terms, 'disputed');
    await rule(chain.escrow, BREACHED);
    const ruled = await agreeing(terms, 'disputed');
    expect(ruled.agreement.ruling).to.equal(BREACHED);
    expect(ruled.status.exitsAt).to.equal(ruled.blockTimestampSec);
    await chain.send(chain.customer, { name: 'expire', terms });
    const audit = await agreeing(terms, 'ended');
    expect(audit.provider).to.include({ breached: 1, disputesLost: 1, balance: FUNDS - terms.providerStake });
    expect(audit.agreement.ended?.ending).to.equal(5);
  });

  it('follows what a party voids and takes out', async () => {
    const terms = await chain.open();
    const { token } = terms;
    const revoke = ESCROW_ABI.encodeFunctionData('revoke', [token, terms.openBy]);
    const from = await chain.anvil.rpc('eth_accounts', []).then((accounts) => (accounts as string[])[0]);
    await chain.anvil.rpc('eth_sendTransaction', [{ from, to: chain.escrow, data: revoke }]);
    await chain.anvil.rpc('evm_mine', []);
    await chain.send(chain.provider, { name: 'withdraw', token, amount: 100n, to: STRANGER.address });
    const audit = await agreeing(terms, 'open');
    expect(audit.customer.revokedUntil).to.equal(terms.openBy);
    expect(audit.provider.balance).to.equal(FUNDS - terms.providerStake - 100n);
  });

  it('is about an agreement that some event opens', async () => {
    const error = await chain
      .audit({ ...(await chain.open()), customerStake: 1n })
      .then(() => null)
      .catch((reason) => reason);
    expect(error).to.include({ code: 'AGREEMENT_UNKNOWN' });
    expect(error.remedy).to.contain('--from-block');
  });

  describe('forged logs', () => {
    /** A server that changes what an event says. */
    const forging = (name: string, change: (data: string) => string | null): Rpc => {
      const topic = ESCROW_ABI.getEvent(name)?.topicHash;
      return async (method, params, signal) => {
        const answer = await chain.anvil.rpc(method, params, signal);
        if (method !== 'eth_getLogs') return answer;
        return (answer as { topics: string[]; data: string }[]).flatMap((log) => {
          if (log.topics[0] !== topic) return [log];
          const data = change(log.data);
          return data === null ? [] : [{ ...log, data }];
        });
      };
    };
    const word = (value: bigint) => value.toString(16).padStart(64, '0');

    async function claimedAgreement(): Promise<Terms> {
      const terms = await chain.open();
      await chain.claim(terms, 250n);
      await chain.pass(3700);
      await chain.send(chain.customer, { name: 'expire', terms });
      return terms;
    }
    const about = async (terms: Terms, rpc: Rpc) =>
      (await chain.audit(terms, rpc)).disagreements.map((one) => one.about);

    it('that pay the provider more are against the contract’s balances', async () => {
      const terms = await claimedAgreement();
      const rpc = forging('AgreementEnded', (data) => `0x${word(700n)}${data.slice(66)}`);
      expect(await about(terms, rpc)).to.deep.equal([
        'customer: balance',
        'customer: value',
        'provider: balance',
        'provider: value',
      ]);
    });

    it('that pay more than the pot cannot have happened', async () => {
      const terms = await claimedAgreement();
      const { disagreements } = await chain.audit(
        terms,
        forging('AgreementEnded', (data) => `0x${word(FUNDS)}${data.slice(66)}`),
      );
      expect(disagreements[0]).to.deep.include({ between: 'events', about: 'an event' });
      expect(disagreements[0]?.found).to.contain('of a pot of 1400');
    });

    it('with other terms do not hash to the id', async () => {
      const terms = await claimedAgreement();
      // The fourth word is the customer's stake.
      const forged = forging(
        'AgreementOpened',
        (data) => data.slice(0, 2 + 3 * 64) + word(900n) + data.slice(2 + 4 * 64),
      );
      expect(await about(terms, forged)).to.include('the terms');
    });

    it('that leave out a claim or a deposit are noticed', async () => {
      const terms = await chain.open();
      await chain.claim(terms, 250n);
      expect(
        await about(
          terms,
          forging('AgreementClaimed', () => null),
        ),
      ).to.include.members(['status', 'claimed']);
      expect(
        await about(
          terms,
          forging('Deposited', () => null),
        ),
      ).to.include.members(['an event', 'customer: balance']);
    });
  });

  describe('with evidence', () => {
    const disagreements = async (terms: Terms, parts: Parameters<AuditedChain['pack']>[1]) =>
      auditEvidence(await chain.audit(terms), await chain.pack(terms, parts), verifyPeer).disagreements;

    it('agrees when the receipts are what was claimed', async () => {
      const terms = await chain.open();
      await chain.claim(terms, 250n);
      const receipts = [await chain.receipt(terms, 100n), await chain.receipt(terms, 250n)];
      const audit = auditEvidence(await chain.audit(terms), await chain.pack(terms, { receipts }), verifyPeer);
      expect(audit).to.deep.include({ disagreements: [], receipted: 250n, namedOnChain: false });
      expect(audit.recommendation.claims.every(({ holds }) => holds)).to.equal(true);
    });

    it('finds the pack that a report names', async () => {
      const terms = await chain.open();
      const pack = await chain.pack(terms);
      const { hash } = auditEvidence(await chain.audit(terms), pack, verifyPeer);
      await chain.send(chain.customer, { name: 'report', terms, evidence: hash });
      expect(auditEvidence(await chain.audit(terms), pack, verifyPeer).namedOnChain).to.equal(true);
    });

    it('names a forged receipt, and the claim that it would have to support', async () => {
      const terms = await chain.open();
      await chain.claim(terms, 250n);
      const receipts = [await chain.receipt(terms, 250n, STRANGER)];
      expect(await disagreements(terms, { receipts })).to.deep.equal([
        {
          about: 'evidence: receipt[0]',
          between: 'chain and evidence',
          expected: 'true',
          found: 'not-the-customer',
        },
        {
          about: 'what was earned',
          between: 'chain and evidence',
          expected: 'receipts up to 0',
          found: 'claimed 250',
        },
      ]);
    });

    it('says when the provider was paid less than the customer signed for', async () => {
      const terms = await chain.open();
      await chain.claim(terms, 100n);
      await chain.pass(3700);
      await chain.send(chain.customer, { name: 'expire', terms });
      const receipts = [await chain.receipt(terms, 250n)];
      const [found] = await disagreements(terms, { receipts });
      expect(found).to.include({ about: 'what was earned', expected: 'receipts up to 250', found: 'paid 100' });
    });

    it('refuses the pack of another agreement', async () => {
      const terms = await chain.open();
      const other = await chain.open();
      const audit = auditEvidence(await chain.audit(terms), await chain.pack(other), verifyPeer);
      expect(audit.disagreements.map(({ about }) => about)).to.deep.equal(['which agreement the evidence is about']);
    });
  });
});
