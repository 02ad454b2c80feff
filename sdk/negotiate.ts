import { toPlainJson } from '../market/canonical.ts';
import { checkTerms } from '../market/check-terms.ts';
import { type Bargain, nextProposal } from '../market/dmu-customer.ts';
import { type Domain, signerOf } from '../market/eip712.ts';
import {
  NEGOTIATE_PROTOCOL,
  type NegotiationAnswer,
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

export function startNegotiation(parts: NegotiateParts, init: NegotiateInit): Negotiation {
  const { clock, policy } = parts;
  const { order } = init.offer;
  let state = newNegotiation(policy.maxRounds);
  const said: Said[] = [];
  const bargain: Bargain = {
    listed: { standbyWeiPerSec: order.standbyWeiPerSec, activeWeiPerSec: order.activeWeiPerSec },
    ceiling: {
      standbyWeiPerSec: init.demand.order.maxStandbyWeiPerSec,
      activeWeiPerSec: init.demand.order.maxActiveWeiPerSec,
    },
    rounds: [],
  };
  let signed: NegotiationResult['signed'] = null;

  const note = (entry: Omit<Said, 'round'>): void => {
    said.push({ round: state.round, ...entry });
  };

  const take = (step: Step): boolean => {
    const { answer } = step;
    const proposed = ratesOf(step.duties);
    const deadlineMs = clock.nowMs() + policy.roundTimeoutSec * 1000;
    if (answer !== null) {
      const event = answer.type === 'counter' ? { type: answer.type, deadlineMs } : answer;
      const moved = transition(state, event, clock.nowMs());
      state = moved.state;
      if (!moved.ok)
        return end({ proposed, answer: 'silence', countered: null, reason: `came too late (${moved.code})` });
    }
    const heard = hear(parts.domain, step);
    if (heard.answer === 'accept' && answer?.type === 'accept') {
      signed = { terms: step.terms, duties: step.duties, providerSignature: answer.providerSignature };
    }
    if (heard.countered === null) return end({ proposed, ...heard });
    note({ proposed, ...heard });
    bargain.rounds.push({ proposed, countered: heard.countered });
    return true;
  };

  const end = (entry: Omit<Said, 'round'>): false => {
    note(entry);
    return false;
  };

  return {
    async step() {
      const decision = nextProposal(bargain, policy);
      if (decision.type === 'stop') {
        note({ proposed: bargain.ceiling, answer: 'decline', countered: null, reason: decision.message });
        return false;
      }
      const deadlineMs = clock.nowMs() + policy.roundTimeoutSec * 1000;
      const moved = transition(state, { type: 'propose', round: decision.round, deadlineMs }, clock.nowMs());
      state = moved.state;
      if (!moved.ok) return false;
      return take(await propose(parts, init, decision, deadlineMs));
    },
    result: () => ({ offer: init.offer, said, signed }),
    countered: () => bargain.rounds.at(-1)?.countered ?? null,
  };
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
