import { expect } from 'chai';
import { concat, getBytes, hexlify, Signature, toBeHex, ZeroHash } from 'ethers';
import type { Domain, SignedType } from '../../market/eip712.ts';
import type { Terms } from '../../market/terms.ts';
import {
  type Account,
  CUSTOMER_STAKE,
  claimBy,
  DAY,
  ethers,
  FUNDS,
  idOf,
  loadFixture,
  type Market,
  marketFixture,
  openAgreement,
  openTerms,
  PROVIDER_STAKE,
  sign,
  termsOf,
  time,
  WINDOW_SEC,
} from './support/market.ts';

const SECP256K1_N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const EARNED = 5n;
type Party = 'customer' | 'provider';

/** A market with a contract account that stands in for the customer where a case needs one. */
async function replayFixture() {
  const market = await marketFixture();
  const account = await ethers.deployContract('ContractAccount', [market.customer.address]);
  const address = await account.getAddress();
  await market.token.mint(address, FUNDS);
  const { escrow, token, escrowAddress, tokenAddress } = market;
  const approve = token.interface.encodeFunctionData('approve', [escrowAddress, FUNDS]);
  await account.execute(tokenAddress, 0, approve);
  await account.execute(escrowAddress, 0, escrow.interface.encodeFunctionData('deposit', [tokenAddress, FUNDS]));
  return { ...market, account, accountAddress: address };
}
type Replay = Awaited<ReturnType<typeof replayFixture>>;

/** One entry that takes a signature: what is signed, by whom, how it is submitted with that one signature replaced. */
interface Entry {
  name: string;
  party: Party;
  type: SignedType;
  /** Terms that are ready for the call. */
  prepare(market: Replay, changes?: Partial<Terms>): Promise<Terms>;
  value(market: Replay, terms: Terms): object;
  submit(market: Replay, terms: Terms, signature: string): Promise<unknown>;
}

const other = (party: Party): Party => (party === 'customer' ? 'provider' : 'customer');
const prepareOpen = (market: Replay, changes?: Partial<Terms>) => openAgreementOf(market, changes);

/** Opens terms whose customer may be the contract account. */
async function openAgreementOf(market: Replay, changes: Partial<Terms> = {}): Promise<Terms> {
  if (changes.customer === undefined) return openAgreement(market, changes);
  const terms = await termsOf(market, changes);
  await openTerms(market, terms);
  return terms;
}

function bothEntry(
  name: string,
  type: SignedType,
  party: Party,
  parts: Pick<Entry, 'prepare' | 'value'>,
  call: string,
) {
  const submit: Entry['submit'] = async (market, terms, signature) => {
    const value = parts.value(market, terms) as Record<string, unknown>;
    const counter = await sign(market.domain, market[other(party)], type, value);
    const signatures = party === 'customer' ? [signature, counter] : [counter, signature];
    const args = Object.entries(value)
      .filter(([key]) => type !== 'Terms' && key !== 'agreementId')
      .map(([, part]) => part);
    const send = market.escrow.connect(market.stranger).getFunction(call);
    return send(terms, ...args, ...signatures);
  };
  return { name: `${name} (${party})`, party, type, submit, ...parts };
}

const opens = {
  prepare: (market: Replay, changes?: Partial<Terms>) => termsOf(market, changes),
  value: (_: Replay, terms: Terms) => terms,
};
const settles = {
  prepare: prepareOpen,
  value: (market: Replay, terms: Terms) => ({
    agreementId: idOf(market, terms),
    toProvider: PROVIDER_STAKE + EARNED,
    outcome: 1n,
  }),
};
const amends = {
  prepare: prepareOpen,
  value: (market: Replay, terms: Terms) => ({
    agreementId: idOf(market, terms),
    customerStake: CUSTOMER_STAKE + EARNED,
    endsAt: terms.endsAt + DAY,
  }),
};
const ENTRIES: Entry[] = [
  ...(['customer', 'provider'] as const).flatMap((party) => [
    bothEntry('open', 'Terms', party, opens, 'open'),
    bothEntry('settle', 'Settlement', party, settles, 'settle'),
    bothEntry('amend', 'Amendment', party, amends, 'amend'),
  ]),
  {
    name: 'claim (customer)',
    party: 'customer',
    type: 'Receipt',
    prepare: prepareOpen,
    value: (market, terms) => ({ agreementId: idOf(market, terms), earned: EARNED }),
    submit: (market, terms, signature) => market.escrow.connect(market.provider).claim(terms, EARNED, signature),
  },
];

/** Signatures that must never be accepted in place of the right one. */
const FORGERIES: Record<string, (market: Replay, entry: Entry, terms: Terms) => Promise<string>> = {
  'of another chain': (market, entry, terms) => signIn({ ...market.domain, chainId: 1 }, market, entry, terms),
  'for another contract': (market, entry, terms) =>
    signIn({ ...market.domain, verifyingContract: market.tokenAddress }, market, entry, terms),
  'for another version': (market, entry, terms) => signIn({ ...market.domain, version: '2' }, market, entry, terms),
  'of the other party': (market, entry, terms) => signAs(market[other(entry.party)], market, entry, terms),
  'of a stranger': (market, entry, terms) => signAs(market.stranger, market, entry, terms),
  'of another agreement': async (market, entry) => signAs(market[entry.party], market, entry, await termsOf(market)),
  'with a high s': async (market, entry, terms) => {
    const { r, s, v } = Signature.from(await signAs(market[entry.party], market, entry, terms));
    return concat([r, toBeHex(SECP256K1_N - BigInt(s), 32), toBeHex(v === 27 ? 28 : 27)]);
  },
  'in the compact form of 64 bytes': async (market, entry, terms) =>
    Signature.from(await signAs(market[entry.party], market, entry, terms)).compactSerialized,
  'with one byte more': async (market, entry, terms) =>
    concat([await signAs(market[entry.party], market, entry, terms), '0x00']),
  'with one bit flipped': async (market, entry, terms) => {
    const bytes = getBytes(await signAs(market[entry.party], market, entry, terms));
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    return hexlify(bytes);
  },
  'that recovers to nobody': async () => concat([ZeroHash, ZeroHash, '0x1b']),
  'that is empty': async () => '0x',
};

const signAs = (signer: Account, market: Replay, entry: Entry, terms: Terms) =>
  sign(market.domain, signer, entry.type, entry.value(market, terms));
const signIn = (domain: Domain, market: Replay, entry: Entry, terms: Terms) =>
  sign(domain, market[entry.party], entry.type, entry.value(market, terms));

describe('replay matrix', () => {
  for (const entry of ENTRIES) {
    describe(entry.name, () => {
      for (const [name, forge] of Object.entries(FORGERIES)) {
        it(`refuses a signature ${name}, and takes the right one afterwards`, async () => {
          const market = await loadFixture(replayFixture);
          const terms = await entry.prepare(market);
          const forged = await forge(market, entry, terms);
          await expect(entry.submit(market, terms, forged)).to.be.revertedWithCustomError(
            market.escrow,
            'AgreementEscrowNotAuthorized',
          );
          await entry.submit(market, terms, await signAs(market[entry.party], market, entry, terms));
        });
      }

      it('refuses the same signature a second time', async () => {
        const market = await loadFixture(replayFixture);
        const terms = await entry.prepare(market);
        const signature = await signAs(market[entry.party], market, entry, terms);
        await entry.submit(market, terms, signature);
        await expect(entry.submit(market, terms, signature)).to.revert(ethers);
      });

      it('refuses it after the agreement has ended', async () => {
        const market = await loadFixture(replayFixture);
        const terms = await entry.prepare(market);
        if (entry.type === 'Terms') await openTerms(market, terms);
        await market.escrow.connect(market.provider).concede(terms);
        const signature = await signAs(market[entry.party], market, entry, terms);
        await expect(entry.submit(market, terms, signature)).to.revert(ethers);
      });
    });
  }

  describe('an owner that is a contract', () => {
    const CHECKS = { honest: 0, valid: 1, invalid: 2, reverts: 3, burnsGas: 4, hugeReturn: 5, shortReturn: 6 };

    async function openFor(market: Replay, customerSignature: string, terms: Terms) {
      const byProvider = await sign(market.domain, market.provider, 'Terms', terms);
      return market.escrow.connect(market.stranger).open(terms, customerSignature, byProvider);
    }

    it('opens with its ERC-1271 signature', async () => {
      const market = await loadFixture(replayFixture);
      const terms = await termsOf(market, { customer: market.accountAddress });
      await openFor(market, await sign(market.domain, market.customer, 'Terms', terms), terms);
    });

    for (const name of ['invalid', 'reverts', 'burnsGas', 'hugeReturn', 'shortReturn'] as const) {
      it(`is refused when its check ${name}`, async () => {
        const market = await loadFixture(replayFixture);
        await market.account.setCheck(CHECKS[name]);
        const terms = await termsOf(market, { customer: market.accountAddress });
        const signature = await sign(market.domain, market.customer, 'Terms', terms);
        await expect(openFor(market, signature, terms)).to.be.revertedWithCustomError(
          market.escrow,
          'AgreementEscrowNotAuthorized',
        );
      });
    }

    it('cannot trap its partner by changing its answer', async () => {
      const market = await loadFixture(replayFixture);
      const terms = await termsOf(market, { customer: market.accountAddress });
      const signature = await sign(market.domain, market.customer, 'Terms', terms);
      await openFor(market, signature, terms);
      await market.account.setCheck(CHECKS.burnsGas);
      await time.increaseTo(terms.endsAt + WINDOW_SEC);
      await market.escrow.expire(terms);
      const { balance } = await market.escrow.accountOf(market.tokenAddress, market.provider.address);
      expect(balance).to.equal(FUNDS);
    });

    it('does not lend its signature to another account of the same key', async () => {
      const market = await loadFixture(replayFixture);
      const terms = await termsOf(market, { customer: market.accountAddress });
      const signature = await sign(market.domain, market.customer, 'Terms', terms);
      const twin = { ...terms, customer: market.customer.address };
      await expect(openFor(market, signature, twin)).to.be.revertedWithCustomError(
        market.escrow,
        'AgreementEscrowNotAuthorized',
      );
    });

    it('cannot speak by an empty signature of somebody else', async () => {
      const market = await loadFixture(replayFixture);
      await market.account.setCheck(CHECKS.valid);
      const terms = await termsOf(market, { customer: market.accountAddress });
      await expect(openFor(market, '0x', terms)).to.be.revertedWithCustomError(
        market.escrow,
        'AgreementEscrowNotAuthorized',
      );
    });
  });

  it('front-running a call leaves the victim where it wanted to be', async () => {
    const market: Market = await loadFixture(replayFixture);
    const terms = await termsOf(market);
    await openTerms(market, terms);
    await expect(openTerms(market, terms)).to.revert(ethers);
    expect((await market.escrow.statusOf(terms)).status).to.equal(1n);
    await claimBy(market, terms, EARNED);
    await time.increaseTo(terms.endsAt);
    await market.escrow.connect(market.stranger).expire(terms);
    const { balance } = await market.escrow.accountOf(market.tokenAddress, market.provider.address);
    expect(balance).to.equal(FUNDS + EARNED);
  });
});
