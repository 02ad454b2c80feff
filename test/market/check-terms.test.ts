import { expect } from 'chai';
import { ZeroAddress } from 'ethers';
import { checkTerms, type TermsProblemCode } from '../../market/check-terms.ts';
import type { Duties, Party, Terms } from '../../market/terms.ts';
import {
  CUSTOMER,
  CUSTOMER_PEER,
  DOMAIN,
  ESCROW,
  NOW_SEC,
  PROVIDER,
  PROVIDER_PEER,
  saltOf,
  sampleDuties,
  sampleTerms,
  testSigner,
} from './samples.ts';

const stranger = testSigner(9).address;

function witness(number: number): Party {
  return { address: testSigner(number).address, peerId: `12D3KooWWitnessNumber${number}`, addrs: [] };
}

const ROWS: [name: string, code: TermsProblemCode, terms: Partial<Terms>, duties: Partial<Duties>][] = [
  ['duties that were altered', 'DUTIES_HASH_DIFFERS', { dutiesHash: saltOf(1) }, {}],
  ['another customer', 'PARTY_DIFFERS', { customer: stranger }, {}],
  ['another provider', 'PARTY_DIFFERS', { provider: stranger }, {}],
  [
    'one party on both sides',
    'SELF_DEALING',
    { provider: CUSTOMER.address },
    { provider: { address: CUSTOMER.address.toLowerCase(), peerId: PROVIDER_PEER, addrs: [] } },
  ],
  [
    'one peer on both sides',
    'SELF_DEALING',
    {},
    { provider: { address: PROVIDER.address, peerId: CUSTOMER_PEER, addrs: [] } },
  ],
  [
    'the escrow as a party',
    'SELF_DEALING',
    { customer: ESCROW },
    { customer: { address: ESCROW, peerId: CUSTOMER_PEER, addrs: [] } },
  ],
  ['no token', 'TOKEN_INVALID', { token: ZeroAddress }, {}],
  ['the escrow as token', 'TOKEN_INVALID', { token: ESCROW }, {}],
  ['an opening time that is over', 'OPEN_BY_INVALID', { openBy: NOW_SEC }, {}],
  ['signatures that stay open too long', 'OPEN_BY_INVALID', { openBy: NOW_SEC + 3601 }, {}],
  ['an end before the opening', 'ENDS_AT_INVALID', { endsAt: NOW_SEC + 120 }, {}],
  ['a term over a year', 'ENDS_AT_INVALID', { endsAt: NOW_SEC + 367 * 86_400, customerStake: 10n ** 20n }, {}],
  ['a stake short by one wei', 'STAKE_SHORT', { customerStake: 86_400_000n - 1n }, {}],
  ['a quorum without witnesses', 'WITNESSES_INVALID', {}, { witnessQuorum: 1 }],
  ['witnesses that never decide', 'WITNESSES_INVALID', {}, { witnesses: [witness(3)], witnessQuorum: 0 }],
  ['a quorum above the witnesses', 'WITNESSES_INVALID', {}, { witnesses: [witness(3)], witnessQuorum: 2 }],
  ['a witness named twice', 'WITNESSES_INVALID', {}, { witnesses: [witness(3), witness(3)], witnessQuorum: 1 }],
  [
    'a party as its own witness',
    'WITNESSES_INVALID',
    {},
    { witnesses: [{ ...witness(3), peerId: PROVIDER_PEER }], witnessQuorum: 1 },
  ],
  ['a cell that is none', 'CELL_INVALID', {}, { cell: 'fffffffffffffff' }],
];

describe('check-terms', () => {
  it('finds nothing wrong with sound terms, with or without witnesses', () => {
    const both = [sampleDuties(), sampleDuties({ witnesses: [witness(3), witness(4)], witnessQuorum: 1 })];
    for (const duties of both) expect(checkTerms(DOMAIN, sampleTerms(duties), duties, NOW_SEC)).to.deep.equal([]);
  });

  it('does not care for the letter case of addresses', () => {
    const duties = sampleDuties();
    const terms = sampleTerms(duties, { customer: CUSTOMER.address.toLowerCase() });
    expect(checkTerms(DOMAIN, terms, duties, NOW_SEC)).to.deep.equal([]);
  });

  for (const [name, code, termsChanges, dutiesChanges] of ROWS) {
    it(`finds ${name}`, () => {
      const duties = sampleDuties(dutiesChanges);
      const problems = checkTerms(DOMAIN, sampleTerms(duties, termsChanges), duties, NOW_SEC);
      expect(problems.map((problem) => problem.code)).to.deep.equal([code]);
      expect(problems[0]?.message).to.have.length.above(8);
    });
  }
});
