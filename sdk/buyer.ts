import { buildDemand, type DemandInit } from '../market/dmu-customer.ts';
import { agreementIdOf, type Domain, type Signer } from '../market/eip712.ts';
import { EdgeError } from '../market/errors.ts';
import type { SignedDemand, SignedOffer } from '../market/orders.ts';
import type { CustomerPolicy } from '../market/policy.ts';
import type { Clock, Streams } from '../market/ports.ts';
import type { Rates } from '../market/pricing.ts';
import {
  type OfferFacts,
  type RankedOffer,
  type Ranking,
  type RankStrategy,
  rankOffers,
} from '../market/rank-offers.ts';
import { reputationPermille } from '../market/reputation.ts';
import { signDemand } from '../market/sign-order.ts';
import type { Duties, Party, Terms } from '../market/terms.ts';
import { draftAgreement, type Wish } from './draft.ts';
import { type Explanation, explain, nobody } from './explanation.ts';
import type { Log } from './log.ts';
import type { MarketFeed } from './market-feed.ts';
import { type Negotiation, type NegotiationResult, startNegotiation } from './negotiate.ts';
import type { Chain, TxResult } from './ports.ts';

export interface BuyerParts {
  feed: MarketFeed;
  streams: Streams;
  chain: Chain;
  signer: Signer;
  domain: Domain;
  clock: Clock;
  policy: CustomerPolicy;
  log: Log;
  randomBytes32(): string;
  /** Round trip to a peer in milliseconds, null when it does not answer. */
  roundTripMs(peer: { peerId: string; addrs: string[] }): Promise<number | null>;
  /** Replaces the default choice among offers. */
  strategy?: RankStrategy;
}

export interface BuyRequest {
  wish: Wish;
  wants: DemandInit['wants'];
  /** Offers are collected until this many fit, or until `collectMs` has passed. */
  candidates: number;
  collectMs: number;
  /** Called with what both signed before it is opened; once it resolves, a crash of the caller can be recovered from. */
  remember?: (signed: SignedAgreement) => Promise<void>;
  signal?: AbortSignal;
}

export type { Explanation } from './explanation.ts';

export interface Bought {
  id: string;
  terms: Terms;
  duties: Duties;
  customerSignature: string;
  providerSignature: string;
  opened: TxResult;
  explanation: Explanation;
}

/** An agreement that both signed. */
export type SignedAgreement = Pick<Bought, 'id' | 'terms' | 'duties' | 'customerSignature' | 'providerSignature'>;

export type BuyProgress = (kind: string, data: Record<string, unknown>) => void;

/** Finds a provider, agrees with it, and opens the agreement: demand, offers, proposals, signatures, one transaction. */
export interface Buyer {
  /** Throws `NO_OFFER_FITS` (with the explanation), `STAKE_NOT_FUNDED` or `TX_REVERTED`. */
  buy(request: BuyRequest, onProgress?: BuyProgress): Promise<Bought>;
  /** Of the last `buy`, also of one that failed; null before. */
  lastExplanation(): Explanation | null;
}

const DEMAND_LIFETIME_SEC = 120;
const POLL_MS = 100;

export function createBuyer(parts: BuyerParts): Buyer {
  let last: Explanation | null = null;
  return {
    lastExplanation: () => last,
    async buy(request, onProgress = () => undefined) {
      await requireSomeFunds(parts, request.wish);
      const demand = await announce(parts, request, onProgress);
      const ranking = await collect(parts, request, demand, onProgress);
      last = explain(demand, ranking, [], null);
      if (ranking.ranked.length === 0) throw nobody(last);
      const results = await negotiateAll(parts, request, demand, ranking, onProgress);
      const chosen = results.find((result) => result.signed !== null) ?? null;
      last = explain(demand, ranking, results, chosen?.offer.order.provider ?? null);
      if (chosen?.signed == null) throw nobody(last);
      return openAgreement(parts, request, chosen.signed, last, onProgress);
    },
  };
}

async function announce(
  parts: BuyerParts,
  { wish, wants }: BuyRequest,
  onProgress: BuyProgress,
): Promise<SignedDemand> {
  const order = buildDemand(
    {
      customer: wish.customer.address,
      peerId: wish.customer.peerId,
      addrs: wish.customer.addrs,
      cell: wish.cell,
      token: wish.token,
      need: wish.need,
      tier: wish.tier,
      nowSec: Math.floor(parts.clock.nowMs() / 1000),
      lifetimeSec: DEMAND_LIFETIME_SEC,
      salt: parts.randomBytes32(),
      wants,
    },
    parts.policy,
  );
  const demand = await signDemand(parts.signer, order);
  await parts.feed.publish(demand);
  onProgress('demand-published', { cell: order.cell, need: order.need, tier: order.tier });
  return demand;
}

async function collect(
  parts: BuyerParts,
  request: BuyRequest,
  demand: SignedDemand,
  onProgress: BuyProgress,
): Promise<Ranking> {
  const facts = new Map<string, OfferFacts>();
  const deadlineMs = parts.clock.nowMs() + request.collectMs;
  for (;;) {
    const offers = parts.feed.book.offersFor(demand.order);
    await Promise.all(offers.map((offer) => learn(parts, offer, facts)));
    const ranking = rankOffers(demand.order, offers, {
      nowSec: Math.floor(parts.clock.nowMs() / 1000),
      factsOf: (offer) => facts.get(offer.order.peerId) ?? unknownFacts(parts, offer),
      usedFaultDomains: new Set([demand.order.cell]),
      strategy: parts.strategy,
    });
    if (ranking.ranked.length >= request.candidates || parts.clock.nowMs() >= deadlineMs) {
      onProgress('offers-ranked', { fitting: ranking.ranked.length, refused: ranking.refused.length });
      return ranking;
    }
    await parts.clock.sleep(POLL_MS, request.signal);
  }
}

function unknownFacts({ policy }: BuyerParts, { order }: SignedOffer): OfferFacts {
  const { minReputationPermille } = policy;
  return { rttMs: null, faultDomain: order.cell, freeStakeWei: null, reputationPermille: null, minReputationPermille };
}

/** Asks the chain and the provider itself, once per provider. */
async function learn(parts: BuyerParts, offer: SignedOffer, facts: Map<string, OfferFacts>): Promise<void> {
  const { order } = offer;
  if (facts.has(order.peerId)) return;
  const base = unknownFacts(parts, offer);
  try {
    const [account, rttMs] = await Promise.all([
      parts.chain.account(order.token, order.provider),
      parts.roundTripMs({ peerId: order.peerId, addrs: order.addrs }),
    ]);
    facts.set(order.peerId, {
      ...base,
      rttMs,
      freeStakeWei: account.balance,
      reputationPermille: reputationPermille(account),
    });
  } catch (error) {
    parts.log.warn({ provider: order.provider, error: String(error) }, 'nothing is known of a provider');
    facts.set(order.peerId, base);
  }
}

/** First words to the best candidates at once; then the cheapest counters are carried on, one after the other. */
async function negotiateAll(
  parts: BuyerParts,
  request: BuyRequest,
  demand: SignedDemand,
  { ranked }: Ranking,
  onProgress: BuyProgress,
): Promise<NegotiationResult[]> {
  const candidates = ranked.slice(0, request.candidates);
  const talks = candidates.map(({ offer }) => talkWith(parts, request, demand, offer, ranked));
  const open = await Promise.all(talks.map(async (talk) => ((await talk.step()) ? talk : null)));
  for (const talk of talks) onProgress('proposal-answered', describe(talk.result()));
  const agreed = (): boolean => talks.some((talk) => talk.result().signed !== null);
  const ordered = open.filter((talk) => talk !== null).sort((a, b) => costOf(a.countered()) - costOf(b.countered()));
  for (const talk of ordered) {
    if (agreed()) break;
    while (await talk.step()) onProgress('proposal-answered', describe(talk.result()));
    onProgress('proposal-answered', describe(talk.result()));
  }
  return talks.map((talk) => talk.result());
}

/** For ordering only: sums of rates are far below 2^53 in any token that is worth something. */
function costOf(rates: Rates | null): number {
  return rates === null ? Number.POSITIVE_INFINITY : Number(rates.standbyWeiPerSec + rates.activeWeiPerSec);
}

function talkWith(
  parts: BuyerParts,
  { wish }: BuyRequest,
  demand: SignedDemand,
  offer: SignedOffer,
  ranked: RankedOffer[],
): Negotiation {
  const salt = parts.randomBytes32();
  const witnesses: Party[] = ranked
    .map(({ offer: other }) => other.order)
    .filter((other) => other.peerId !== offer.order.peerId && other.provider !== offer.order.provider)
    .map((other) => ({ address: other.provider, peerId: other.peerId, addrs: other.addrs }));
  return startNegotiation(parts, {
    negotiationId: parts.randomBytes32(),
    demand,
    offer,
    draft: (rates) =>
      draftAgreement(wish, offer, rates, witnesses, { nowSec: Math.floor(parts.clock.nowMs() / 1000), salt }),
  });
}

function describe({ offer, said }: NegotiationResult): Record<string, unknown> {
  const last = said.at(-1);
  return { provider: offer.order.provider, peerId: offer.order.peerId, ...last };
}

async function openAgreement(
  parts: BuyerParts,
  { remember, signal }: BuyRequest,
  signed: { terms: Terms; duties: Duties; providerSignature: string },
  explanation: Explanation,
  onProgress: BuyProgress,
): Promise<Bought> {
  const { terms, duties, providerSignature } = signed;
  const id = agreementIdOf(parts.domain, terms);
  await requireFunds(parts, terms);
  const customerSignature = await parts.signer.sign('Terms', terms);
  onProgress('signed', { agreementId: id, provider: terms.provider });
  await remember?.({ id, terms, duties, customerSignature, providerSignature });
  const call = { name: 'open' as const, terms, customerSignature, providerSignature };
  const opened = await parts.chain.submit(`open/${id}`, call, { signal });
  onProgress('opened', { agreementId: id, txHash: opened.hash, gas: opened.gasUsed.toString() });
  return { id, terms, duties, customerSignature, providerSignature, opened, explanation };
}

/** How much is needed comes out of the negotiation; with nothing in the vault nobody would hear the demand. */
async function requireSomeFunds({ chain }: BuyerParts, { customer, token }: Wish): Promise<void> {
  const { balance } = await chain.account(token, customer.address);
  if (balance > 0n) return;
  throw new EdgeError('STAKE_NOT_FUNDED', "the customer's vault is empty", {
    context: { owner: customer.address, token },
    remedy: 'deposit tokens into the escrow: eaas deposit AMOUNT',
  });
}

async function requireFunds(parts: BuyerParts, terms: Terms): Promise<void> {
  const stakes = [
    { owner: terms.customer, stake: terms.customerStake, who: 'customer' },
    { owner: terms.provider, stake: terms.providerStake, who: 'provider' },
  ];
  for (const { owner, stake, who } of stakes) {
    const { balance } = await parts.chain.account(terms.token, owner);
    if (balance >= stake) continue;
    throw new EdgeError('STAKE_NOT_FUNDED', `the ${who}'s vault does not cover the stake`, {
      context: { owner, stakeWei: stake.toString(), balanceWei: balance.toString() },
      remedy:
        who === 'customer' ? 'deposit more tokens into the escrow: eaas deposit AMOUNT' : 'choose another provider',
    });
  }
}
