import { expect } from 'chai';
import fc from 'fast-check';
import {
  type AgreementFacts,
  deriveStatus,
  isFinal,
  NODE_STATUSES,
  type NodeStatus,
  STATUS_NEXT,
  transition,
} from '../../arbitrator/agreement-status.ts';

const nothing: AgreementFacts = {
  signedByBoth: false,
  openSubmitted: false,
  openedTx: null,
  migrationStarted: false,
  readyAtMs: null,
  epoch: 1,
  running: false,
  handbackStarted: false,
  contestedTx: null,
  settlementSigned: false,
  endedAs: null,
};

/** The life of an agreement that goes well: the fact that each step adds, and the status after it. */
const life: [Partial<AgreementFacts>, NodeStatus][] = [
  [{}, 'drafted'],
  [{ signedByBoth: true }, 'signed'],
  [{ openSubmitted: true }, 'opening'],
  [{ openedTx: '0x01' }, 'open'],
  [{ migrationStarted: true }, 'migrating'],
  [{ readyAtMs: 1_000 }, 'protected'],
  [{ epoch: 2 }, 'activating'],
  [{ running: true }, 'active'],
  [{ handbackStarted: true }, 'handing-back'],
  [{ epoch: 3, running: false, handbackStarted: false }, 'protected'],
  [{ settlementSigned: true }, 'settling'],
  [{ endedAs: 'settled' }, 'ended'],
];

describe('agreement status', () => {
  it('walks through a life along the table', () => {
    let facts = nothing;
    let status: NodeStatus = 'drafted';
    for (const [change, expected] of life) {
      facts = { ...facts, ...change };
      const step = transition(status, facts);
      expect(step, `after ${JSON.stringify(change)}`).to.include({ status: expected, unexpected: false });
      status = step.status;
    }
  });

  const open: Partial<AgreementFacts> = { signedByBoth: true, openedTx: '0x01' };
  const rows: [string, Partial<AgreementFacts>, NodeStatus][] = [
    ['a report contests it', { ...open, readyAtMs: 1, contestedTx: '0x02' }, 'contested'],
    ['a settlement ends the contest', { ...open, contestedTx: '0x02', settlementSigned: true }, 'settling'],
    ['a lost report is a breach', { ...open, contestedTx: '0x02', endedAs: 'breached' }, 'breached'],
    ['a claim ends it', { ...open, endedAs: 'claimed' }, 'ended'],
    ['an end by time counts even while serving', { ...open, epoch: 2, running: true, endedAs: 'expired' }, 'ended'],
    ['a restart in an activation resumes there', { ...open, epoch: 2 }, 'activating'],
  ];
  for (const [title, facts, status] of rows) {
    it(title, () => expect(deriveStatus({ ...nothing, ...facts })).to.equal(status));
  }

  it('names every status in the table, and only final ones have no way out', () => {
    expect(Object.keys(STATUS_NEXT)).to.have.members([...NODE_STATUSES]);
    expect(NODE_STATUSES.filter(isFinal)).to.deep.equal(['ended', 'breached']);
  });

  it('reaches an end from every status', () => {
    const reaches = (status: NodeStatus, seen: NodeStatus[] = []): boolean =>
      isFinal(status) || STATUS_NEXT[status].some((next) => !seen.includes(next) && reaches(next, [...seen, status]));
    expect(NODE_STATUSES.filter((status) => !reaches(status))).to.deep.equal([]);
  });

  it('says when facts take a step that nobody foresaw', () => {
    expect(transition('ended', { ...nothing, ...open })).to.deep.equal({
      status: 'open',
      changed: true,
      unexpected: true,
    });
    expect(transition('open', { ...nothing, ...open })).to.deep.equal({
      status: 'open',
      changed: false,
      unexpected: false,
    });
  });

  it('derives a status from any facts', () => {
    const facts = fc.record({
      signedByBoth: fc.boolean(),
      openSubmitted: fc.boolean(),
      openedTx: fc.option(fc.constant('0x01')),
      migrationStarted: fc.boolean(),
      readyAtMs: fc.option(fc.nat()),
      epoch: fc.integer({ min: 1, max: 9 }),
      running: fc.boolean(),
      handbackStarted: fc.boolean(),
      contestedTx: fc.option(fc.constant('0x02')),
      settlementSigned: fc.boolean(),
      endedAs: fc.option(fc.constantFrom('settled', 'claimed', 'expired', 'breached')),
    });
    fc.assert(
      fc.property(facts, (some) => {
        const status = deriveStatus(some as AgreementFacts);
        expect(NODE_STATUSES).to.include(status);
        expect(isFinal(status)).to.equal(some.endedAs !== null);
      }),
    );
  });
});
