import { expect } from 'chai';
import fc from 'fast-check';
import { proposeSettlement, servedBetween, type Turn } from '../../arbitrator/settlement.ts';
import { AGREEMENT_ID, DUTIES, TERMS } from './parties.ts';

const facts = {
  agreementId: AGREEMENT_ID,
  terms: TERMS,
  duties: DUTIES,
  standbySec: 100,
  activeSec: 10,
  breached: false,
};

describe('proposeSettlement', () => {
  it('gives the provider what it earned and its stake', () => {
    const settlement = proposeSettlement(facts);
    expect(settlement).to.deep.equal({ agreementId: AGREEMENT_ID, toProvider: 500_000n + 2_000n, outcome: 1 });
  });

  it('never pays more than the customer’s stake', () => {
    expect(proposeSettlement({ ...facts, activeSec: 1e9 }).toProvider).to.equal(1_500_000n);
  });

  it('gives everything to the customer on breach', () => {
    const settlement = proposeSettlement({ ...facts, breached: true });
    expect(settlement).to.deep.equal({ agreementId: AGREEMENT_ID, toProvider: 0n, outcome: 2 });
  });

  it('stays within the pot', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.boolean(), (standbySec, activeSec, breached) => {
        const { toProvider } = proposeSettlement({ ...facts, standbySec, activeSec, breached });
        return toProvider >= 0n && toProvider <= TERMS.customerStake + TERMS.providerStake;
      }),
    );
  });
});

describe('servedBetween', () => {
  const customer = (startedAtMs: number, endedAtMs: number | null): Turn => ({
    holder: 'customer',
    startedAtMs,
    endedAtMs,
  });
  const provider = (startedAtMs: number, endedAtMs: number | null): Turn => ({
    holder: 'provider',
    startedAtMs,
    endedAtMs,
  });
  const rows: [string, Turn[], number, number, [standbySec: number, activeSec: number]][] = [
    ['counts stand-by from readiness', [customer(0, null)], 10_000, 70_000, [60, 0]],
    [
      'counts a turn that is over',
      [customer(0, 20_000), provider(20_000, 30_000), customer(30_000, null)],
      10_000,
      70_000,
      [50, 10],
    ],
    ['counts a turn that goes on', [customer(0, 20_000), provider(20_000, null)], 10_000, 70_000, [10, 50]],
    ['counts nothing before readiness', [provider(0, 15_000)], 10_000, 20_000, [5, 5]],
    ['counts nothing after the end', [provider(0, 90_000)], 0, 20_000, [0, 20]],
    ['counts nothing for a term that never began', [provider(0, null)], 50_000, 20_000, [0, 0]],
    ['rounds both down', [provider(1_500, 3_400)], 0, 10_000, [8, 1]],
  ];
  for (const [title, turns, fromMs, untilMs, [standbySec, activeSec]] of rows) {
    it(title, () => expect(servedBetween(turns, fromMs, untilMs)).to.deep.equal({ standbySec, activeSec }));
  }
});
