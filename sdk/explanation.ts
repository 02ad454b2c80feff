import { EdgeError } from '../market/errors.ts';
import type { SignedDemand, SignedOffer } from '../market/orders.ts';
import { distanceM } from '../market/place.ts';
import type { RankedOffer, Ranking } from '../market/rank-offers.ts';
import type { NegotiationResult } from './negotiate.ts';

/** Why an agreement came about as it did: what `eaas explain` shows. Plain data. */
export interface Explanation {
  demand: SignedDemand;
  ranked: { provider: string; peerId: string; distanceM: number; score: number; aspects: RankedOffer['breakdown'] }[];
  refused: { provider: string; peerId: string; distanceM: number; reasons: string[] }[];
  negotiations: { provider: string; said: NegotiationResult['said']; signed: boolean }[];
  chosen: string | null;
}

/** `NO_OFFER_FITS` with every reason, so that nobody has to ask twice; `STAKE_NOT_FUNDED` when that is the reason. */
export function nobody(explanation: Explanation): EdgeError {
  const reasons = explanation.refused.map(({ provider, reasons: why }) => `${provider}: ${why.join('; ')}`);
  const own = explanation.negotiations.find(({ said }) => said.at(-1)?.reason.includes('(CUSTOMER_UNFUNDED)'));
  if (own !== undefined) {
    return new EdgeError('STAKE_NOT_FUNDED', "the customer's vault does not cover the stake", {
      context: { said: own.said.at(-1)?.reason },
      remedy: 'deposit more tokens into the escrow: eaas deposit AMOUNT',
    });
  }
  const words = explanation.negotiations.map(({ provider, said }) => `${provider}: ${said.at(-1)?.reason ?? ''}`);
  return new EdgeError('NO_OFFER_FITS', 'no offer serves the demand', {
    context: { reasons: [...reasons, ...words] },
    remedy: 'look at each offer with: eaas explain; then relax the constraint that failed, or wait for more offers',
  });
}

export function explain(
  demand: SignedDemand,
  ranking: Ranking,
  results: NegotiationResult[],
  chosen: string | null,
): Explanation {
  const place = ({ order }: SignedOffer) => ({
    provider: order.provider,
    peerId: order.peerId,
    distanceM: Math.round(distanceM(demand.order.cell, order.cell)),
  });
  return {
    demand,
    ranked: ranking.ranked.map(({ offer, score, breakdown }) => ({ ...place(offer), score, aspects: breakdown })),
    refused: ranking.refused.map(({ offer, verdict }) => ({
      ...place(offer),
      reasons: verdict.reasons.map((reason) => reason.message),
    })),
    negotiations: results.map(({ offer, said, signed }) => ({
      provider: offer.order.provider,
      said,
      signed: signed !== null,
    })),
    chosen,
  };
}
