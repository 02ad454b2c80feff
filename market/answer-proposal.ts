import { checkTerms } from './check-terms.ts';
import { type Domain, dutiesHash, signerOf } from './eip712.ts';
import type { NegotiationAnswer, Proposal } from './negotiation.ts';
import { type StandbyLoad, standbyOvercommit } from './overcommit.ts';
import { distanceM } from './place.ts';
import type { ProviderPolicy } from './policy.ts';
import { coversRates, priceOf, type Rates, scaleRates } from './pricing.ts';
import type { Need, Resources } from './resources.ts';
import { worstCaseWei } from './settlement-math.ts';
import type { Duties, Terms } from './terms.ts';
import { formatDistance, formatDuration, formatMoney, formatMoneyPerHour, maxWei, minWei } from './units.ts';

/** What a provider knows when a proposal comes in. */
export interface ProviderFacts {
  domain: Domain;
  address: string;
  cell: string;
  /** `spare(...)`, after what runs now. */
  capacity: Resources;
  /** What it already stands by for. */
  standby: StandbyLoad[];
  /** Agreements that are open or signed. */
  agreements: number;
  freeStakeWei: bigint;
  /** Of the customer, see `reputationPermille`; null when it is not known. */
  customerReputationPermille: number | null;
}

type Decline = Extract<NegotiationAnswer, { type: 'decline' }>;
type Counter = Extract<NegotiationAnswer, { type: 'counter' }>;
/** The signature of an acceptance is added by whoever holds the key. */
export type ProviderDecision = { type: 'accept' } | Counter | Decline;

/** Decides on a proposal by policy: first whether it can be served at all, then its price. Deterministic. */
export function answerProposal(
  proposal: Proposal,
  facts: ProviderFacts,
  policy: ProviderPolicy,
  nowSec: number,
): ProviderDecision {
  return (
    refuseForgery(proposal, facts, nowSec) ??
    refuseByPolicy(proposal, facts, policy, nowSec) ??
    refuseCapacity(proposal.duties, facts, policy) ??
    bargain(proposal, policy, nowSec)
  );
}

function refuseForgery({ terms, duties, demand }: Proposal, facts: ProviderFacts, nowSec: number): Decline | null {
  const [problem] = checkTerms(facts.domain, terms, duties, nowSec);
  if (problem !== undefined) return decline(problem.code, problem.message);
  if (!same(terms.provider, facts.address)) return decline('PARTY_DIFFERS', `this is ${facts.address}`);
  const { order } = demand;
  const signer = signerOf(facts.domain, 'Demand', order, demand.signature);
  if (signer === null || !same(signer, order.customer)) return decline('BAD_SIGNATURE', 'the demand is not signed');
  if (order.expiresAt <= nowSec) return decline('EXPIRED', 'the demand has expired');
  const differing = differences(terms, duties, order);
  if (differing.length === 0) return null;
  return decline('DEMAND_DIFFERS', `the terms differ from the demand in ${differing.join(', ')}`);
}

function differences(terms: Terms, duties: Duties, order: Proposal['demand']['order']): string[] {
  const equal: Record<string, boolean> = {
    customer: same(terms.customer, order.customer),
    token: same(terms.token, order.token),
    peer: duties.customer.peerId === order.peerId,
    cell: duties.cell === order.cell,
    tier: duties.tier === order.tier,
    stake: terms.providerStake >= order.minProviderStake,
  };
  return Object.keys(equal).filter((key) => !equal[key]);
}

function refuseByPolicy(
  { terms, duties }: Proposal,
  facts: ProviderFacts,
  policy: ProviderPolicy,
  nowSec: number,
): Decline | null {
  const termSec = terms.endsAt - nowSec;
  const metres = distanceM(facts.cell, duties.cell);
  const most = minWei(policy.maxStake, facts.freeStakeWei);
  const reputation = facts.customerReputationPermille;
  const tooFar = `${formatDistance(metres)} away, ${formatDistance(policy.maxDistanceM)} allowed`;
  const rules: [refused: boolean, code: string, message: string][] = [
    [facts.agreements >= policy.maxAgreements, 'TOO_MANY_AGREEMENTS', `all ${policy.maxAgreements} places are taken`],
    [!policy.tiers.includes(duties.tier), 'TIER_MISSING', `tier ${duties.tier} is not offered`],
    [metres > policy.maxDistanceM, 'TOO_FAR', tooFar],
    [
      termSec < policy.minTermSec,
      'TERM_SHORT',
      `${formatDuration(termSec)}, at least ${formatDuration(policy.minTermSec)}`,
    ],
    [
      termSec > policy.maxTermSec,
      'TERM_LONG',
      `${formatDuration(termSec)}, at most ${formatDuration(policy.maxTermSec)}`,
    ],
    [
      terms.responseWindowSec < policy.minResponseWindowSec,
      'WINDOW_SHORT',
      `${formatDuration(terms.responseWindowSec)} to answer, at least ${formatDuration(policy.minResponseWindowSec)}`,
    ],
    [terms.providerStake > most, 'STAKE_HIGH', `stakes at most ${formatMoney(most)}`],
    [
      reputation !== null && reputation < policy.minReputationPermille,
      'REPUTATION_LOW',
      `reputation ${reputation} of 1000, at least ${policy.minReputationPermille} wanted`,
    ],
  ];
  const [rule] = rules.filter(([refused]) => refused);
  return rule === undefined ? null : decline(rule[1], rule[2]);
}

/** A workload that runs from the start takes its share for good; one that waits is sold as an insurer sells cover. */
function refuseCapacity(duties: Duties, facts: ProviderFacts, policy: ProviderPolicy): Decline | null {
  const missing = duties.need.interfaces.filter((name) => !facts.capacity.interfaces.includes(name));
  if (missing.length > 0) return decline('INTERFACE_MISSING', `no interface ${missing.join(', ')}`);
  const waits = duties.activation === 'failure' || duties.activation === 'request';
  const load: StandbyLoad = { need: duties.need, tier: duties.tier, faultDomain: duties.cell };
  const capacity = waits ? facts.capacity : without(facts.capacity, duties.need);
  const { fits, message } = standbyOvercommit(
    capacity,
    waits ? [...facts.standby, load] : facts.standby,
    policy.overcommit,
  );
  return fits ? null : decline('CAPACITY_SHORT', message ?? 'not enough to spare');
}

/** Asks less in each round, never less than the floor and never more than the demand allows. */
function bargain({ terms, duties, demand, round }: Proposal, policy: ProviderPolicy, nowSec: number): ProviderDecision {
  const { maxStandbyWeiPerSec, maxActiveWeiPerSec } = demand.order;
  const ceiling: Rates = { standbyWeiPerSec: maxStandbyWeiPerSec, activeWeiPerSec: maxActiveWeiPerSec };
  const list = priceOf(duties.need, duties.tier, policy, terms.providerStake);
  const floor = scaleRates(list, 1 - policy.maxDiscount);
  if (!coversRates(ceiling, floor)) {
    return decline('PRICE_ABOVE_CEILING', `not below ${describeRates(floor)}, ${describeRates(ceiling)} allowed`);
  }
  const last = round >= policy.maxRounds;
  const discount = Math.min(policy.maxDiscount, policy.concessionPerRound * (round - 1));
  const asked = last ? floor : lower(scaleRates(list, 1 - discount), ceiling);
  if (coversRates(duties, asked)) return { type: 'accept' };
  if (last) return decline('PRICE_TOO_LOW', `not below ${describeRates(floor)}`);
  return {
    type: 'counter',
    ...repriced(terms, duties, higher(asked, duties), nowSec),
    reason: `asks ${describeRates(asked)}`,
  };
}

/** The same agreement at other rates, with a customer's stake that covers them and the hash that binds them. */
export function repriced(terms: Terms, duties: Duties, rates: Rates, nowSec: number): { terms: Terms; duties: Duties } {
  const { standbyWeiPerSec, activeWeiPerSec } = rates;
  const changed = { ...duties, standbyWeiPerSec, activeWeiPerSec };
  const customerStake = worstCaseWei(rates, terms.endsAt - nowSec);
  return { terms: { ...terms, customerStake, dutiesHash: dutiesHash(changed) }, duties: changed };
}

function describeRates(rates: Rates): string {
  return `${formatMoneyPerHour(rates.standbyWeiPerSec)} on stand-by, ${formatMoneyPerHour(rates.activeWeiPerSec)} active`;
}

function lower(a: Rates, b: Rates): Rates {
  return {
    standbyWeiPerSec: minWei(a.standbyWeiPerSec, b.standbyWeiPerSec),
    activeWeiPerSec: minWei(a.activeWeiPerSec, b.activeWeiPerSec),
  };
}

function higher(a: Rates, b: Rates): Rates {
  return {
    standbyWeiPerSec: maxWei(a.standbyWeiPerSec, b.standbyWeiPerSec),
    activeWeiPerSec: maxWei(a.activeWeiPerSec, b.activeWeiPerSec),
  };
}

/** Negative where it does not fit, which no load survives. */
function without(capacity: Need, need: Need): Need {
  return {
    cpuMillis: capacity.cpuMillis - need.cpuMillis,
    memoryBytes: capacity.memoryBytes - need.memoryBytes,
    storageBytes: capacity.storageBytes - need.storageBytes,
    bandwidthBps: capacity.bandwidthBps - need.bandwidthBps,
    interfaces: capacity.interfaces,
  };
}

function decline(code: string, message: string): Decline {
  return { type: 'decline', code, message };
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
