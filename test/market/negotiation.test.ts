import { expect } from 'chai';
import fc from 'fast-check';
import { toPlainJson } from '../../market/canonical.ts';
import {
  NEGOTIATION_STATUSES,
  NEGOTIATION_TABLE,
  type NegotiationEvent,
  type NegotiationState,
  type NegotiationStatus,
  negotiationAnswerSchema,
  newNegotiation,
  proposalSchema,
  transition,
} from '../../market/negotiation.ts';
import { signDemand } from '../../market/sign-order.ts';
import { CUSTOMER, NOW_MS, saltOf, sampleDemand, sampleDuties, sampleTerms } from './samples.ts';

const DEADLINE_MS = NOW_MS + 5000;

/** A state of each status after two rounds; a third and last may follow. */
function stateIn(status: NegotiationStatus): NegotiationState {
  const waits = status === 'proposed' || status === 'countered';
  return { status, round: status === 'idle' ? 0 : 2, maxRounds: 3, deadlineMs: waits ? DEADLINE_MS : 0 };
}

/** The event of each kind that would be right for that state. */
function eventsFor(state: NegotiationState): Record<NegotiationEvent['type'], NegotiationEvent> {
  return {
    propose: { type: 'propose', round: state.round + 1, deadlineMs: DEADLINE_MS },
    counter: { type: 'counter', deadlineMs: DEADLINE_MS },
    accept: { type: 'accept' },
    decline: { type: 'decline' },
    tick: { type: 'tick' },
  };
}

const LEGAL: [from: NegotiationStatus, event: NegotiationEvent['type'], to: NegotiationStatus][] = [
  ['idle', 'propose', 'proposed'],
  ['proposed', 'counter', 'countered'],
  ['proposed', 'accept', 'accepted'],
  ['proposed', 'decline', 'declined'],
  ['proposed', 'tick', 'proposed'],
  ['countered', 'propose', 'proposed'],
  ['countered', 'decline', 'declined'],
  ['countered', 'tick', 'countered'],
];

describe('negotiation', () => {
  for (const from of NEGOTIATION_STATUSES) {
    for (const type of ['propose', 'counter', 'accept', 'decline', 'tick'] as const) {
      const to = LEGAL.find(([legalFrom, legalType]) => legalFrom === from && legalType === type)?.[2];
      it(to === undefined ? `refuses ${type} when ${from}` : `goes from ${from} by ${type} to ${to}`, () => {
        const state = stateIn(from);
        const result = transition(state, eventsFor(state)[type], NOW_MS);
        if (to === undefined) expect(result).to.deep.equal({ ok: false, code: 'NOT_ALLOWED', state });
        else expect([result.ok, result.state.status]).to.deep.equal([true, to]);
      });
    }
  }

  it('ends what is overdue, and refuses what comes late', () => {
    for (const status of ['proposed', 'countered'] as const) {
      const state = stateIn(status);
      const expired = { ...state, status: 'expired', deadlineMs: 0 };
      expect(transition(state, { type: 'tick' }, DEADLINE_MS).state, 'on time').to.deep.equal(state);
      expect(transition(state, { type: 'tick' }, DEADLINE_MS + 1)).to.deep.equal({ ok: true, state: expired });
      const late = transition(state, { type: 'decline' }, DEADLINE_MS + 1);
      expect(late).to.deep.equal({ ok: false, code: 'TOO_LATE', state: expired });
    }
  });

  const refusals: [name: string, event: NegotiationEvent, state: NegotiationState, code: string][] = [
    ['a skipped round', { type: 'propose', round: 2, deadlineMs: DEADLINE_MS }, stateIn('idle'), 'WRONG_ROUND'],
    ['a repeated round', { type: 'propose', round: 2, deadlineMs: DEADLINE_MS }, stateIn('countered'), 'WRONG_ROUND'],
    [
      'a round too many',
      { type: 'propose', round: 4, deadlineMs: DEADLINE_MS },
      { ...stateIn('countered'), round: 3 },
      'TOO_MANY_ROUNDS',
    ],
    ['a deadline that is over', { type: 'propose', round: 1, deadlineMs: NOW_MS }, stateIn('idle'), 'BAD_DEADLINE'],
    ['a counter that is over', { type: 'counter', deadlineMs: NOW_MS }, stateIn('proposed'), 'BAD_DEADLINE'],
  ];
  for (const [name, event, state, code] of refusals) {
    it(`refuses ${name} and leaves the state as it was`, () => {
      expect(transition(state, event, NOW_MS)).to.deep.equal({ ok: false, code, state });
    });
  }

  it('takes three rounds to an agreement', () => {
    let state = newNegotiation(3);
    const events: NegotiationEvent[] = [1, 2, 3].flatMap((round) => [
      { type: 'propose', round, deadlineMs: DEADLINE_MS },
      round === 3 ? { type: 'accept' } : { type: 'counter', deadlineMs: DEADLINE_MS },
    ]);
    for (const event of events) {
      const result = transition(state, event, NOW_MS);
      expect(result.ok, `${event.type} in round ${state.round}`).to.equal(true);
      state = result.state;
    }
    expect(state).to.deep.equal({ status: 'accepted', round: 3, maxRounds: 3, deadlineMs: 0 });
  });

  it('never leaves a final status and never exceeds its rounds, whatever happens', () => {
    const event: fc.Arbitrary<NegotiationEvent> = fc.oneof(
      fc.record({
        type: fc.constant('propose' as const),
        round: fc.integer({ min: 1, max: 6 }),
        deadlineMs: fc.integer({ min: NOW_MS - 10, max: NOW_MS + 100 }),
      }),
      fc.record({ type: fc.constant('counter' as const), deadlineMs: fc.integer({ min: NOW_MS, max: NOW_MS + 100 }) }),
      fc.constantFrom({ type: 'accept' as const }, { type: 'decline' as const }, { type: 'tick' as const }),
    );
    const step = fc.record({ event, elapsedMs: fc.nat(40) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let state = newNegotiation(3);
        let nowMs = NOW_MS;
        for (const { event: next, elapsedMs } of steps) {
          nowMs += elapsedMs;
          const after = transition(state, next, nowMs).state;
          if (Object.keys(NEGOTIATION_TABLE[state.status]).length === 0) expect(after).to.deep.equal(state);
          expect(after.round).to.be.within(state.round, 3);
          state = after;
        }
      }),
    );
  });
});

describe('negotiation messages', () => {
  it('survive the wire', async () => {
    const duties = sampleDuties();
    const proposal = {
      type: 'propose',
      negotiationId: saltOf(9),
      round: 1,
      deadlineMs: DEADLINE_MS,
      terms: sampleTerms(duties),
      duties,
      demand: await signDemand(CUSTOMER, sampleDemand()),
    };
    expect(proposalSchema.parse(toPlainJson(proposal))).to.deep.equal(proposal);
    const counter = { type: 'counter', terms: proposal.terms, duties, reason: 'asks more' };
    expect(negotiationAnswerSchema.parse(toPlainJson(counter))).to.deep.equal(counter);
  });

  it('are refused when they are of no known kind', () => {
    const answers = [{}, { type: 'maybe' }, { type: 'accept' }, { type: 'decline', code: 'no', message: '' }, null];
    for (const answer of answers) expect(negotiationAnswerSchema.safeParse(answer).success).to.equal(false);
  });
});
