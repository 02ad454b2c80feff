import { expect } from 'chai';
import { statusAt } from '../../../sdk/chain/audit.ts';
import type { StoryEvent } from '../../../sdk/chain/events.ts';
import { accountIn, type LedgerAgreement, replay, totalOf } from '../../../sdk/chain/ledger.ts';
import { DUTIES, termsFor } from '../../arbitrator/parties.ts';

const ID = `0x${'0'.repeat(63)}7`;
const START = 1_700_000_000;
const terms = { ...termsFor(DUTIES), endsAt: START + 1000, responseWindowSec: 60 };
const { token, customer, provider, customerStake, providerStake } = terms;
const ARBITRATOR = `0x${'ab'.repeat(20)}`;

/** Events a second apart. */
const story = (...events: [name: string, values: Record<string, unknown>][]): StoryEvent[] =>
  events.map(([name, values], index) => ({
    name,
    values,
    blockNumber: index,
    blockTimestampSec: START + index,
    logIndex: 0,
    transactionHash: `0x${index}`,
  }));
const deposits = [customer, provider].map((owner): [string, Record<string, unknown>] => [
  'Deposited',
  { token, owner, amount: 2n * customerStake },
]);
const opened: [string, Record<string, unknown>] = ['AgreementOpened', { id: ID, terms }];
const ended = (toProvider: bigint, outcome: bigint, ending = 0n): [string, Record<string, unknown>] => [
  'AgreementEnded',
  { id: ID, toProvider, outcome, ending },
];
const disputed: [string, Record<string, unknown>][] = [
  ['AgreementDisputed', { id: ID, byProvider: false, rulingBy: BigInt(START + 6), feeWei: 0n }],
  ['Dispute', { _arbitrator: ARBITRATOR, _disputeID: 3n, _metaEvidenceID: 0n, _evidenceGroupID: 7n }],
];
const ruling: [string, Record<string, unknown>] = ['Ruling', { _arbitrator: ARBITRATOR, _disputeID: 3n, _ruling: 2n }];

describe('replay', () => {
  for (const [name, events, fault] of [
    ['an end of what was never opened', [ended(0n, 0n)], /never opened/],
    ['a second end', [...deposits, opened, ended(0n, 0n), ended(0n, 0n)], /had ended/],
    ['a second opening', [...deposits, opened, opened], /opened twice/],
    ['a payment above the pot', [...deposits, opened, ended(customerStake + providerStake + 1n, 0n)], /of a pot of/],
    ['a stake that nobody had', [opened], /falls to -/],
    [
      'a claim above the stake',
      [...deposits, opened, ['AgreementClaimed', { id: ID, claimed: customerStake + 1n }]],
      /above/,
    ],
    ['an answer after the end', [...deposits, opened, ended(0n, 0n), ['AgreementAnswered', { id: ID }]], /had ended/],
  ] as [string, [string, Record<string, unknown>][], RegExp][]) {
    it(`names ${name}`, () => {
      const { faults } = replay(story(...events));
      expect(faults.length).to.be.greaterThan(0);
      expect(faults.join('\n')).to.match(fault);
    });
  }

  it('keeps the total of a token, whatever the order of the addresses’ letters', () => {
    const upper = { ...terms, customer: customer.toUpperCase().replace('0X', '0x') };
    const open: typeof opened = ['AgreementOpened', { id: ID, terms: upper }];
    const before = replay(story(...deposits, open));
    expect(totalOf(before, token)).to.equal(4n * customerStake);
    expect(accountIn(before, token, customer).balance).to.equal(customerStake);
    expect(totalOf(replay(story(...deposits, open, ended(7n, 2n))), token)).to.equal(4n * customerStake);
  });

  it('stops a counter where the word does', () => {
    const [open] = story(opened);
    const [end] = story(ended(providerStake, 1n));
    const rounds = Array.from({ length: 2 ** 16 + 3 }, (_, round) => {
      const id = `0x${round}`;
      return [open, end].map((event) => ({ ...(event as StoryEvent), values: { ...event?.values, id } }));
    });
    const rich = deposits.map(([name, values]): typeof opened => [name, { ...values, amount: 2n ** 90n }]);
    const ledger = replay([...story(...rich), ...rounds.flat()]);
    expect(ledger.faults).to.deep.equal([]);
    expect(accountIn(ledger, token, provider).honoured).to.equal(2 ** 16 - 1);
  });

  for (const [name, later, expected] of [
    ['takes a ruling in time', [ruling], 2],
    ['ignores a ruling that is late', [...Array(4).fill(['FeesWithdrawn', { owner: customer }]), ruling], null],
    ['ignores a ruling of another arbitrator', [['Ruling', { ...ruling[1], _arbitrator: token }]], null],
    ['ignores a ruling after a settlement', [ended(0n, 0n), ruling], null],
  ] as [string, [string, Record<string, unknown>][], number | null][]) {
    it(name, () => {
      const ledger = replay(story(...deposits, opened, ...disputed, ...later));
      expect(ledger.agreements.get(ID)?.ruling).to.equal(expected);
    });
  }
});

describe('statusAt', () => {
  const base = replay(story(...deposits, opened)).agreements.get(ID) as LedgerAgreement;
  for (const [name, facts, nowSec, expected] of [
    ['open', {}, START, ['open', terms.endsAt + 60]],
    ['claimed early', { claimed: 5n, claimedAt: START + 10 }, START, ['claimed', terms.endsAt]],
    ['claimed late', { claimed: 5n, claimedAt: terms.endsAt + 10 }, START, ['claimed', terms.endsAt + 70]],
    ['reported', { reported: true, respondBy: START + 9 }, START + 100, ['reported', START + 9]],
    ['answered', { reported: true, answered: true, respondBy: START + 9 }, START + 8, ['answered', terms.endsAt + 60]],
    [
      'answered, and past',
      { reported: true, answered: true, respondBy: START + 9 },
      START + 9,
      ['open', terms.endsAt + 60],
    ],
    ['answered late', { reported: true, answered: true, respondBy: START + 9000 }, START, ['answered', START + 9000]],
    ['disputed', { disputed: true, respondBy: START + 9 }, START, ['disputed', START + 9]],
    ['ruled', { disputed: true, respondBy: START + 9, ruling: 1 }, START + 3, ['disputed', START + 3]],
    ['ended', { ended: { toProvider: 0n, outcome: 0, ending: 0 } }, START, ['ended', 0]],
  ] as [string, Partial<LedgerAgreement>, number, [string, number]][]) {
    it(`is as the contract says when ${name}`, () => {
      const { status, exitsAt } = statusAt({ ...base, ...facts }, nowSec);
      expect([status, exitsAt]).to.deep.equal(expected);
    });
  }
});
