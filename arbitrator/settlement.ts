import { earnedWei, type Served } from '../market/settlement-math.ts';
import type { Duties, Settlement, Terms } from '../market/terms.ts';

/** What both sides can observe of an agreement that ends. */
export interface SettlementFacts extends Served {
  agreementId: string;
  terms: Terms;
  duties: Duties;
  /** The provider did not take over when it had to (see `recommendRuling`). */
  breached: boolean;
}

/**
 * The settlement that the facts call for. Honoured: the provider gets what it earned and its own stake. Breached: all
 * goes to the customer. Pure, so both sides can compute it and sign only what agrees with their own figure.
 * Throws `SERVED_INVALID` for negative times.
 */
export function proposeSettlement(facts: SettlementFacts): Settlement {
  const { agreementId, terms, duties } = facts;
  if (facts.breached) return { agreementId, toProvider: 0n, outcome: 2 };
  return { agreementId, toProvider: terms.providerStake + earnedWei(facts, duties, terms), outcome: 1 };
}

/** One stretch of time in which one side ran the workload; `endedAtMs` is null while it still does. */
export interface Turn {
  holder: 'customer' | 'provider';
  startedAtMs: number;
  endedAtMs: number | null;
}

/**
 * Seconds on stand-by and seconds of service between `fromMs` (the agreed tier was reached) and `untilMs`. Time outside
 * is not counted, a provider's turn is service, the rest is stand-by; both round down.
 */
export function servedBetween(turns: readonly Turn[], fromMs: number, untilMs: number): Served {
  const within = (atMs: number) => Math.min(Math.max(atMs, fromMs), Math.max(fromMs, untilMs));
  const activeMs = turns
    .filter((turn) => turn.holder === 'provider')
    .reduce((sum, turn) => sum + Math.max(0, within(turn.endedAtMs ?? untilMs) - within(turn.startedAtMs)), 0);
  const totalMs = Math.max(0, untilMs - fromMs);
  return {
    standbySec: Math.floor(Math.max(0, totalMs - activeMs) / 1000),
    activeSec: Math.floor(Math.min(activeMs, totalMs) / 1000),
  };
}
