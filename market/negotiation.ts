import { z } from 'zod';
import { signedOrderSchema } from './orders.ts';
import { bytes32Schema, dutiesSchema, signatureSchema, termsSchema, unixMsSchema } from './terms.ts';

/** Stream protocol of proposals and their answers. */
export const NEGOTIATE_PROTOCOL = '/eaas/negotiate/1.0.0';

/** Where a negotiation is. The last three are final. */
export const NEGOTIATION_STATUSES = ['idle', 'proposed', 'countered', 'accepted', 'declined', 'expired'] as const;
export type NegotiationStatus = (typeof NEGOTIATION_STATUSES)[number];

export interface NegotiationState {
  status: NegotiationStatus;
  /** Proposals made so far. */
  round: number;
  maxRounds: number;
  /** Until when the next word must come (Unix milliseconds); 0 where nothing is awaited. */
  deadlineMs: number;
}

export type NegotiationEvent =
  /** By the customer; `deadlineMs` is when the answer must be there. */
  | { type: 'propose'; round: number; deadlineMs: number }
  /** By the provider; `deadlineMs` is until when it keeps to its word. */
  | { type: 'counter'; deadlineMs: number }
  | { type: 'accept' }
  | { type: 'decline' }
  /** Time passed; ends what is overdue. */
  | { type: 'tick' };

/** The status table: which event leads where. What is not listed is not allowed. */
export const NEGOTIATION_TABLE: Readonly<
  Record<NegotiationStatus, Readonly<Partial<Record<NegotiationEvent['type'], NegotiationStatus>>>>
> = {
  idle: { propose: 'proposed' },
  proposed: { counter: 'countered', accept: 'accepted', decline: 'declined', tick: 'proposed' },
  countered: { propose: 'proposed', decline: 'declined', tick: 'countered' },
  accepted: {},
  declined: {},
  expired: {},
};

export type Transition =
  | { ok: true; state: NegotiationState }
  | {
      ok: false;
      code: 'NOT_ALLOWED' | 'TOO_LATE' | 'WRONG_ROUND' | 'TOO_MANY_ROUNDS' | 'BAD_DEADLINE';
      state: NegotiationState;
    };

export function newNegotiation(maxRounds: number): NegotiationState {
  return { status: 'idle', round: 0, maxRounds, deadlineMs: 0 };
}

/**
 * The state after an event, or why the event is refused. An event that comes after the deadline is refused with
 * `TOO_LATE` and the state returned with it is `expired`; every other refusal leaves the state as it was.
 */
export function transition(state: NegotiationState, event: NegotiationEvent, nowMs: number): Transition {
  const next = NEGOTIATION_TABLE[state.status][event.type];
  if (next === undefined) return { ok: false, code: 'NOT_ALLOWED', state };
  if (state.deadlineMs > 0 && nowMs > state.deadlineMs) {
    const expired: NegotiationState = { ...state, status: 'expired', deadlineMs: 0 };
    return event.type === 'tick' ? { ok: true, state: expired } : { ok: false, code: 'TOO_LATE', state: expired };
  }
  if (event.type === 'propose') return propose(state, event, nowMs);
  if (event.type === 'counter') {
    if (event.deadlineMs <= nowMs) return { ok: false, code: 'BAD_DEADLINE', state };
    return { ok: true, state: { ...state, status: next, deadlineMs: event.deadlineMs } };
  }
  return { ok: true, state: event.type === 'tick' ? state : { ...state, status: next, deadlineMs: 0 } };
}

function propose(
  state: NegotiationState,
  event: Extract<NegotiationEvent, { type: 'propose' }>,
  nowMs: number,
): Transition {
  if (event.round !== state.round + 1) return { ok: false, code: 'WRONG_ROUND', state };
  if (event.round > state.maxRounds) return { ok: false, code: 'TOO_MANY_ROUNDS', state };
  if (event.deadlineMs <= nowMs) return { ok: false, code: 'BAD_DEADLINE', state };
  return { ok: true, state: { ...state, status: 'proposed', round: event.round, deadlineMs: event.deadlineMs } };
}

const signedDemandSchema = signedOrderSchema.options[1];

/** A customer's proposal: complete terms that the provider could sign as they are. */
export const proposalSchema = z.strictObject({
  type: z.literal('propose'),
  /** Drawn by the customer for the whole negotiation. */
  negotiationId: bytes32Schema,
  round: z.int().min(1).max(20),
  deadlineMs: unixMsSchema,
  terms: termsSchema,
  duties: dutiesSchema,
  demand: signedDemandSchema,
});
export type Proposal = z.infer<typeof proposalSchema>;

/** The provider's answer. To take a counter, the customer proposes exactly its terms. */
export const negotiationAnswerSchema = z.discriminatedUnion('type', [
  /** The provider's EIP-712 signature of the proposed terms. */
  z.strictObject({ type: z.literal('accept'), providerSignature: signatureSchema }),
  z.strictObject({
    type: z.literal('counter'),
    terms: termsSchema,
    duties: dutiesSchema,
    reason: z.string().max(512),
  }),
  z.strictObject({
    type: z.literal('decline'),
    code: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/),
    message: z.string().max(512),
  }),
]);
export type NegotiationAnswer = z.infer<typeof negotiationAnswerSchema>;

/** Kept beside the protocol: both sides check a proposal before anything else. */
export { checkTerms, type TermsProblem, type TermsProblemCode } from './check-terms.ts';
