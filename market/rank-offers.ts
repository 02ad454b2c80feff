import { explainOffer, type MatchFacts, type OfferVerdict } from './explain.ts';
import type { Demand, SignedOffer } from './orders.ts';
import { distanceM } from './place.ts';
import { formatDistance, formatMoneyPerHour } from './units.ts';

/** What the customer knows of one provider. */
export interface OfferFacts extends MatchFacts {
  /** Measured from the protected device; null when it was not measured. */
  rttMs: number | null;
  /** What would fail together with it: its cell, its uplink, its operator. */
  faultDomain: string;
}

export interface RankContext {
  nowSec: number;
  factsOf: (offer: SignedOffer) => OfferFacts;
  /** Fault domains of the protected device and of providers that stand by for it already. */
  usedFaultDomains: ReadonlySet<string>;
  strategy?: RankStrategy;
}

/** One aspect of an offer: from 0 (as bad as allowed) to 1 (as good as can be). */
export interface Aspect {
  name: string;
  score: number;
  /** In plain words, with units. */
  reason: string;
}

/** Replaceable: how an offer that fits is judged. The score of an offer is the weighted mean of its aspects. */
export interface RankStrategy {
  weights: Record<string, number>;
  judge: (demand: Demand, offer: SignedOffer, facts: OfferFacts, context: RankContext) => Aspect[];
}

export interface RankedOffer {
  offer: SignedOffer;
  /** 0 to 1, higher is better. */
  score: number;
  breakdown: Aspect[];
}

export interface Ranking {
  /** Best first; equal scores by provider and peer, so that the order never depends on arrival. */
  ranked: RankedOffer[];
  refused: { offer: SignedOffer; verdict: OfferVerdict }[];
}

/** A round trip of this many milliseconds scores one half. */
const HALF_SCORE_RTT_MS = 50;

export const DEFAULT_STRATEGY: RankStrategy = {
  weights: { price: 4, distance: 2, 'round trip': 2, reputation: 3, spread: 3 },
  judge: judgeOffer,
};

/** Sorts out what does not serve the demand (with all reasons) and puts the rest in order. Throws `PLACE_INVALID` for a bad cell. */
export function rankOffers(demand: Demand, offers: SignedOffer[], context: RankContext): Ranking {
  const strategy = context.strategy ?? DEFAULT_STRATEGY;
  const ranking: Ranking = { ranked: [], refused: [] };
  for (const offer of offers) {
    const facts = context.factsOf(offer);
    const verdict = explainOffer(demand, offer.order, facts, context.nowSec);
    if (!verdict.fits) {
      ranking.refused.push({ offer, verdict });
      continue;
    }
    const breakdown = strategy.judge(demand, offer, facts, context);
    ranking.ranked.push({ offer, score: weightedMean(breakdown, strategy.weights), breakdown });
  }
  ranking.ranked.sort((a, b) => b.score - a.score || (keyOf(a.offer) < keyOf(b.offer) ? -1 : 1));
  return ranking;
}

function judgeOffer(demand: Demand, { order }: SignedOffer, facts: OfferFacts, context: RankContext): Aspect[] {
  const metres = distanceM(demand.cell, order.cell);
  const asked = order.standbyWeiPerSec + order.activeWeiPerSec;
  const allowed = demand.maxStandbyWeiPerSec + demand.maxActiveWeiPerSec;
  const reputation = facts.reputationPermille ?? 500;
  const apart = !context.usedFaultDomains.has(facts.faultDomain);
  const rtt = facts.rttMs;
  return [
    {
      name: 'price',
      score: allowed === 0n ? 1 : 1 - Number((asked * 1000n) / allowed) / 1000,
      reason: `${formatMoneyPerHour(order.standbyWeiPerSec)} on stand-by, ${formatMoneyPerHour(order.activeWeiPerSec)} active`,
    },
    {
      name: 'distance',
      score: demand.maxDistanceM === 0 ? 1 : 1 - metres / demand.maxDistanceM,
      reason: `${formatDistance(metres)} away`,
    },
    {
      name: 'round trip',
      score: rtt === null ? 0 : HALF_SCORE_RTT_MS / (HALF_SCORE_RTT_MS + rtt),
      reason: rtt === null ? 'round trip not measured' : `round trip ${rtt.toFixed(1)} ms`,
    },
    { name: 'reputation', score: reputation / 1000, reason: `reputation ${reputation} of 1000` },
    {
      name: 'spread',
      score: apart ? 1 : 0,
      reason: apart ? 'fails independently of this device' : `shares the fault domain ${facts.faultDomain}`,
    },
  ];
}

/** An aspect without a weight counts for nothing. */
function weightedMean(breakdown: Aspect[], weights: Record<string, number>): number {
  const total = breakdown.reduce((sum, { name }) => sum + (weights[name] ?? 0), 0);
  if (total === 0) return 0;
  return breakdown.reduce((sum, { name, score }) => sum + (weights[name] ?? 0) * score, 0) / total;
}

function keyOf({ order }: SignedOffer): string {
  return `${order.provider.toLowerCase()}:${order.peerId}`;
}
