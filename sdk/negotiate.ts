import { toPlainJson } from '../market/canonical.ts';
import { checkTerms } from '../market/check-terms.ts';
import { type Bargain, nextProposal } from '../market/dmu-customer.ts';
import { type Domain, signerOf } from '../market/eip712.ts';
import {
  NEGOTIATE_PROTOCOL,
  type NegotiationAnswer,
  type NegotiationEvent,
  type NegotiationState,
  negotiationAnswerSchema,
  newNegotiation,
  transition,
} from '../market/negotiation.ts';
import type { SignedDemand, SignedOffer } from '../market/orders.ts';
import type { CustomerPolicy } from '../market/policy.ts';
import type { Clock, Streams } from '../market/ports.ts';
import type { Rates } from '../market/pricing.ts';
import type { Duties, Terms } from '../market/terms.ts';

/** One word said in a negotiation, for the record and for `eaas explain`. */
export interface Said {
  round: number;
  proposed: Rates;
  answer: 'accept' | 'counter' | 'decline' | 'silence';
  /** The provider's rates in a counter, its reason otherwise. */
  countered: Rates | null;
  reason: string;
}

export interface NegotiationResult {
  offer: SignedOffer;
  said: Said[];
  /** Null when it came to nothing. */
  signed: { terms: Terms; duties: Duties; providerSignature: string } | null;
}

export interface NegotiateParts {
  streams: Streams;
  clock: Clock;
  domain: Domain;
  policy: CustomerPolicy;
}

export interface NegotiateInit {
  negotiationId: string;
  demand: SignedDemand;
  offer: SignedOffer;
  draft(rates: Rates): { terms: Terms; duties: Duties };
}

/** A negotiation with one provider that can be carried on round by round. */
export interface Negotiation {
  /** One more proposal and its answer. False when it is over. */
  step(): Promise<boolean>;
  result(): NegotiationResult;
  /** The rates of the provider's last counter; null before one. */
  countered(): Rates | null;
}

type Step = { terms: Terms; duties: Duties; answer: NegotiationAnswer | null; silence: string };

/** Rates as they are in duties. */
const ratesOf = ({ standbyWeiPerSec, activeWeiPerSec }: Duties): Rates => ({ standbyWeiPerSec, activeWeiPerSec });

/** A negotiation that has not begun: the first `step` makes the first proposal. */
export function startNegotiation(parts: NegotiateParts, init: NegotiateInit): Negotiation {
  return new Talk(parts, init);
}

class Talk implements Negotiation {
  private readonly parts: NegotiateParts;
  private readonly init: NegotiateInit;
  private readonly said: Said[] = [];
  private readonly bargain: Bargain;
  private state: NegotiationState;
  private signed: NegotiationResult['signed'] = null;

  constructor(parts: NegotiateParts, init: NegotiateInit) {
    this.parts = parts;
    this.init = init;
    this.state = newNegotiation(parts.policy.maxRounds);
    const { standbyWeiPerSec, activeWeiPerSec } = init.offer.order;
    const { maxStandbyWeiPerSec, maxActiveWeiPerSec } = init.demand.order;
    this.bargain = {
      listed: { standbyWeiPerSec, activeWeiPerSec },
      ceiling: { standbyWeiPerSec: maxStandbyWeiPerSec, activeWeiPerSec: maxActiveWeiPerSec },
      rounds: [],
    };
  }

  async step(): Promise<boolean> {
    const decision = nextProposal(this.bargain, this.parts.policy);
    if (decision.type === 'stop') {
      return this.end({ proposed: this.bargain.ceiling, answer: 'decline', countered: null, reason: decision.message });
    }
    const deadlineMs = this.deadlineMs();
    const proposed = { type: 'propose', round: decision.round, deadlineMs } as const;
    if (!this.move(proposed)) return false;
    return this.take(await propose(this.parts, this.init, decision, deadlineMs));
  }

  result(): NegotiationResult {
    return { offer: this.init.offer, said: this.said, signed: this.signed };
  }

  countered(): Rates | null {
    return this.bargain.rounds.at(-1)?.countered ?? null;
  }

  private deadlineMs(): number {
    return this.parts.clock.nowMs() + this.parts.policy.roundTimeoutSec * 1000;
  }

  private move(event: NegotiationEvent): boolean {
    const moved = transition(this.state, event, this.parts.clock.nowMs());
    this.state = moved.state;
    return moved.ok;
  }

  /** True when there is something left to talk about. */
  private take(step: Step): boolean {
    const { answer } = step;
    const proposed = ratesOf(step.duties);
    if (answer !== null) {
      const event = answer.type === 'counter' ? { type: answer.type, deadlineMs: this.deadlineMs() } : answer;
      if (!this.move(event)) return this.end({ proposed, answer: 'silence', countered: null, reason: 'came too late' });
    }
    const heard = hear(this.parts.domain, step);
    if (heard.answer === 'accept' && answer?.type === 'accept') {
      this.signed = { terms: step.terms, duties: step.duties, providerSignature: answer.providerSignature };
    }
    if (heard.countered === null) return this.end({ proposed, ...heard });
    this.note({ proposed, ...heard });
    this.bargain.rounds.push({ proposed, countered: heard.countered });
    return true;
  }

  private note(entry: Omit<Said, 'round'>): void {
    this.said.push({ round: this.state.round, ...entry });
  }

  private end(entry: Omit<Said, 'round'>): false {
    this.note(entry);
    return false;
  }
}

/** What an answer comes to. The provider must have signed exactly what was proposed. */
function hear(domain: Domain, { terms, answer, silence }: Step): Pick<Said, 'answer' | 'countered' | 'reason'> {
  if (answer === null) return { answer: 'silence', countered: null, reason: silence };
  if (answer.type === 'decline') {
    return { answer: 'decline', countered: null, reason: `${answer.message} (${answer.code})` };
  }
  if (answer.type === 'counter') return { answer: 'counter', countered: ratesOf(answer.duties), reason: answer.reason };
  return isSignedBy(domain, terms, answer.providerSignature)
    ? { answer: 'accept', countered: null, reason: 'signed' }
    : { answer: 'decline', countered: null, reason: 'signed other terms than proposed (SIGNATURE_INVALID)' };
}

async function propose(
  parts: NegotiateParts,
  init: NegotiateInit,
  { round, rates }: { round: number; rates: Rates },
  deadlineMs: number,
): Promise<Step> {
  const { negotiationId, demand, offer } = init;
  const { terms, duties } = init.draft(rates);
  const problems = checkTerms(parts.domain, terms, duties, Math.floor(parts.clock.nowMs() / 1000));
  if (problems.length > 0) {
    return { terms, duties, answer: null, silence: problems.map((problem) => problem.message).join('; ') };
  }
  const body = { type: 'propose', negotiationId, round, deadlineMs, terms, duties, demand };
  const peer = { peerId: offer.order.peerId, addrs: offer.order.addrs };
  try {
    const timeoutMs = Math.max(1, deadlineMs - parts.clock.nowMs());
    const answer = await parts.streams.call(peer, NEGOTIATE_PROTOCOL, toPlainJson(body), { timeoutMs });
    const parsed = negotiationAnswerSchema.safeParse(answer);
    if (!parsed.success) return { terms, duties, answer: null, silence: 'the answer is not understood' };
    return { terms, duties, answer: parsed.data, silence: '' };
  } catch (error) {
    return { terms, duties, answer: null, silence: error instanceof Error ? error.message : String(error) };
  }
}

function isSignedBy(domain: Domain, terms: Terms, signature: string): boolean {
  const signer = signerOf(domain, 'Terms', terms, signature);
  return signer?.toLowerCase() === terms.provider.toLowerCase();
}
