import { expect } from 'chai';
import fc from 'fast-check';
import { answerProposal, type ProviderDecision, type ProviderFacts } from '../../market/answer-proposal.ts';
import { checkTerms } from '../../market/check-terms.ts';
import { buildOffer, spare } from '../../market/dmu-provider.ts';
import { explainOffer, NO_FACTS } from '../../market/explain.ts';
import type { Proposal } from '../../market/negotiation.ts';
import { type Demand, offerSchema } from '../../market/orders.ts';
import { cellAt } from '../../market/place.ts';
import { type ProviderPolicy, parsePolicy } from '../../market/policy.ts';
import { priceOf, type Rates, scaleRates } from '../../market/pricing.ts';
import type { Need } from '../../market/resources.ts';
import { signDemand } from '../../market/sign-order.ts';
import type { Duties, Terms } from '../../market/terms.ts';
import {
  CELL,
  CUSTOMER,
  DOMAIN,
  MIB,
  NOW_SEC,
  ONE,
  PROVIDER,
  PROVIDER_PEER,
  saltOf,
  sampleDemand,
  sampleDuties,
  sampleOffer,
  sampleTerms,
  TOKEN,
  testSigner,
} from './samples.ts';

const POLICY = parsePolicy({}).provider;
const NEED = sampleDemand().need;
const LIST = priceOf(NEED, 'warm', POLICY, 5n * ONE);
const MEASURED = { ...sampleOffer().resources, cpuMillis: 4000, memoryBytes: 1024 * MIB };

const needs: fc.Arbitrary<Need> = fc.record({
  cpuMillis: fc.nat(16_000),
  memoryBytes: fc.nat(2 ** 31 - 1),
  storageBytes: fc.nat(2 ** 31 - 1),
  bandwidthBps: fc.nat(1_000_000_000),
  interfaces: fc.subarray(['ble', 'ethernet', 'lorawan-eu868']),
});

describe('spare', () => {
  it('is what was measured, less what the owner keeps, less what is taken', () => {
    const taken = [
      { ...NEED, cpuMillis: 500, memoryBytes: 100 * MIB },
      { ...NEED, cpuMillis: 250, memoryBytes: 100 * MIB },
    ];
    const rest = spare(MEASURED, taken, POLICY);
    expect([rest.cpuMillis, rest.memoryBytes / MIB]).to.deep.equal([2250, 568]);
    expect(rest).to.include({ uptimePermille: 995, batteryPermille: 1000 });
    expect(rest.interfaces).to.deep.equal(MEASURED.interfaces);
  });

  it('is never negative', () => {
    fc.assert(
      fc.property(needs, fc.array(needs, { maxLength: 4 }), (measured, taken) => {
        const rest = spare({ ...MEASURED, ...measured }, taken, POLICY);
        expect(Math.min(rest.cpuMillis, rest.memoryBytes, rest.storageBytes, rest.bandwidthBps)).to.be.at.least(0);
        expect(rest.cpuMillis).to.be.at.most(measured.cpuMillis);
      }),
    );
  });
});

describe('pricing', () => {
  it('never asks less for more of anything', () => {
    const key = fc.constantFrom('cpuMillis', 'memoryBytes', 'storageBytes', 'bandwidthBps');
    fc.assert(
      fc.property(needs, key, fc.nat(2 ** 30), (need, more, amount) => {
        const less = priceOf(need, 'warm', POLICY);
        const bigger = priceOf({ ...need, [more]: (need[more as keyof Need] as number) + amount }, 'warm', POLICY);
        expect(bigger.standbyWeiPerSec >= less.standbyWeiPerSec).to.equal(true);
        expect(bigger.activeWeiPerSec >= less.activeWeiPerSec).to.equal(true);
      }),
    );
  });

  it('asks more for readiness, for interfaces and for stake', () => {
    fc.assert(
      fc.property(needs, fc.bigInt(0n, 100n * ONE), (need, stake) => {
        const [cold, warm, hot] = (['cold', 'warm', 'hot'] as const).map((tier) => priceOf(need, tier, POLICY, stake));
        if (cold === undefined || warm === undefined || hot === undefined) throw new Error('three tiers expected');
        expect(cold.standbyWeiPerSec <= warm.standbyWeiPerSec).to.equal(true);
        expect(warm.standbyWeiPerSec <= hot.standbyWeiPerSec).to.equal(true);
        expect(hot.standbyWeiPerSec <= hot.activeWeiPerSec).to.equal(true);
        expect(warm.standbyWeiPerSec >= priceOf(need, 'warm', POLICY).standbyWeiPerSec).to.equal(true);
        const lending = { ...need, interfaces: [...need.interfaces, 'camera'] };
        expect(
          priceOf(lending, 'warm', POLICY).activeWeiPerSec > priceOf(need, 'warm', POLICY).activeWeiPerSec,
        ).to.equal(true);
      }),
    );
  });

  it('comes to the sum of its parts, with margin, rounded up', () => {
    const core = { ...NEED, cpuMillis: 1000, memoryBytes: 0, storageBytes: 0, bandwidthBps: 0, interfaces: [] };
    const perHour = (10n ** 16n * 12n) / 10n;
    expect(priceOf(core, 'warm', POLICY)).to.deep.equal({
      activeWeiPerSec: perHour / 3600n + 1n,
      standbyWeiPerSec: perHour / 36_000n + 1n,
    });
  });
});

describe('buildOffer', () => {
  const init = {
    provider: PROVIDER.address,
    peerId: PROVIDER_PEER,
    addrs: [],
    cell: CELL,
    token: TOKEN,
    spare: spare(MEASURED, [], POLICY),
    freeStakeWei: 20n * ONE,
    nowSec: NOW_SEC,
    lifetimeSec: 120,
    salt: saltOf(4),
  };

  it('gives an offer that a common demand finds nothing wrong with', () => {
    const offer = offerSchema.parse(buildOffer(init, POLICY));
    const demand = sampleDemand({ maxStandbyWeiPerSec: ONE, maxActiveWeiPerSec: ONE });
    expect(explainOffer(demand, offer, NO_FACTS, NOW_SEC).reasons).to.deep.equal([]);
    expect(offer).to.include({ issuedAt: NOW_SEC, expiresAt: NOW_SEC + 120, salt: saltOf(4) });
  });

  it('never promises a stake that is not in the vault or not in the policy', () => {
    expect(buildOffer(init, POLICY).maxProviderStake).to.equal(20n * ONE);
    expect(buildOffer({ ...init, freeStakeWei: 500n * ONE }, POLICY).maxProviderStake).to.equal(POLICY.maxStake);
  });
});

interface Changes {
  duties?: Partial<Duties>;
  terms?: Partial<Terms>;
  demand?: Partial<Demand>;
  facts?: Partial<ProviderFacts>;
  policy?: Partial<ProviderPolicy>;
  round?: number;
  rates?: Rates;
  signer?: typeof CUSTOMER;
}

const FACTS: ProviderFacts = {
  domain: DOMAIN,
  address: PROVIDER.address,
  cell: CELL,
  capacity: spare(MEASURED, [], POLICY),
  standby: [],
  agreements: 0,
  freeStakeWei: 10n * ONE,
  customerReputationPermille: 500,
};

async function answer(changes: Changes = {}): Promise<{ proposal: Proposal; decision: ProviderDecision }> {
  const duties = sampleDuties({ ...LIST, ...changes.rates, ...changes.duties });
  const ceilings = { maxStandbyWeiPerSec: ONE, maxActiveWeiPerSec: ONE };
  const demand = { ...sampleDemand({ ...ceilings, ...changes.demand }), cell: duties.cell, tier: duties.tier };
  const signed = await signDemand(CUSTOMER, demand);
  const forged = changes.signer && { ...signed, signature: await changes.signer.sign('Demand', demand) };
  const proposal: Proposal = {
    type: 'propose',
    negotiationId: saltOf(9),
    round: changes.round ?? 1,
    deadlineMs: (NOW_SEC + 5) * 1000,
    terms: sampleTerms(duties, changes.terms),
    duties,
    demand: forged ?? signed,
  };
  const decision = answerProposal(proposal, { ...FACTS, ...changes.facts }, { ...POLICY, ...changes.policy }, NOW_SEC);
  return { proposal, decision };
}

const far = cellAt(-23.55, -46.63);
const busy = { need: { ...NEED, cpuMillis: 3000 }, tier: 'warm' as const, faultDomain: CELL };

const DECLINES: [name: string, code: string, changes: Changes][] = [
  ['terms that do not hold together', 'DUTIES_HASH_DIFFERS', { terms: { dutiesHash: saltOf(1) } }],
  ['terms for another provider', 'PARTY_DIFFERS', { facts: { address: testSigner(8).address } }],
  ['a demand signed by somebody else', 'BAD_SIGNATURE', { signer: testSigner(8) }],
  ['a demand that has expired', 'EXPIRED', { demand: { expiresAt: NOW_SEC } }],
  ['less stake than the demand wants', 'DEMAND_DIFFERS', { demand: { minProviderStake: 6n * ONE } }],
  ['a demand for another token', 'DEMAND_DIFFERS', { demand: { token: CUSTOMER.address } }],
  ['one agreement too many', 'TOO_MANY_AGREEMENTS', { facts: { agreements: 8 } }],
  ['a tier it does not offer', 'TIER_MISSING', { policy: { tiers: ['cold'] } }],
  ['a place too far away', 'TOO_FAR', { duties: { cell: far } }],
  ['a term too short', 'TERM_SHORT', { policy: { minTermSec: 86_401 } }],
  ['a term too long', 'TERM_LONG', { policy: { maxTermSec: 86_399 } }],
  ['too little time to answer', 'WINDOW_SHORT', { policy: { minResponseWindowSec: 3601 } }],
  ['more stake than it may risk', 'STAKE_HIGH', { policy: { maxStake: 4n * ONE } }],
  ['more stake than it has', 'STAKE_HIGH', { facts: { freeStakeWei: 4n * ONE } }],
  ['a customer of ill repute', 'REPUTATION_LOW', { facts: { customerReputationPermille: 399 } }],
  ['an interface it lacks', 'INTERFACE_MISSING', { facts: { capacity: { ...FACTS.capacity, interfaces: [] } } }],
  [
    'a workload larger than the device',
    'CAPACITY_SHORT',
    { facts: { capacity: { ...FACTS.capacity, cpuMillis: 499 } } },
  ],
  ['a neighbour of one it stands by for', 'CAPACITY_SHORT', { facts: { standby: [busy] } }],
  [
    'a workload that would run where stand-by was sold',
    'CAPACITY_SHORT',
    { duties: { activation: 'immediately' }, facts: { standby: [busy] } },
  ],
  ['a ceiling below its floor', 'PRICE_ABOVE_CEILING', { demand: { maxActiveWeiPerSec: 1n } }],
  ['a price below its floor in the last round', 'PRICE_TOO_LOW', { round: 5, rates: scaleRates(LIST, 0.79) }],
];

describe('answerProposal', () => {
  for (const [name, code, changes] of DECLINES) {
    it(`declines ${name}`, async () => {
      const { decision } = await answer(changes);
      expect(decision).to.include({ type: 'decline', code });
    });
  }

  it('accepts its list price, and a lower one in later rounds down to its floor', async () => {
    const rounds: [round: number, fraction: number, type: string][] = [
      [1, 1, 'accept'],
      [1, 0.99, 'counter'],
      [2, 0.95, 'accept'],
      [3, 0.9, 'accept'],
      [3, 0.89, 'counter'],
      [5, 0.8, 'accept'],
    ];
    for (const [round, fraction, type] of rounds) {
      const { decision } = await answer({ round, rates: scaleRates(LIST, fraction) });
      expect(decision.type, `${fraction} of the list price in round ${round}`).to.equal(type);
    }
  });

  it('accepts a neighbour when there is room for both', async () => {
    const { decision } = await answer({ facts: { standby: [{ ...busy, need: NEED }] } });
    expect(decision).to.deep.equal({ type: 'accept' });
  });

  it('counters with sound terms at its price, which it would accept as they are', async () => {
    const { proposal, decision } = await answer({ rates: scaleRates(LIST, 0.5) });
    if (decision.type !== 'counter') throw new Error(`a counter was expected, not ${decision.type}`);
    expect(decision.duties).to.deep.include(LIST);
    expect(decision.terms.customerStake > proposal.terms.customerStake).to.equal(true);
    expect(decision.reason).to.match(/^asks 0\.\d+ per hour on stand-by, 0\.\d+ per hour active$/);
    expect(checkTerms(DOMAIN, decision.terms, decision.duties, NOW_SEC)).to.deep.equal([]);
    const again = { ...proposal, round: 2, terms: decision.terms, duties: decision.duties };
    expect(answerProposal(again, FACTS, POLICY, NOW_SEC)).to.deep.equal({ type: 'accept' });
  });

  it('asks no more than the demand allows', async () => {
    const ceiling = LIST.activeWeiPerSec - 1n;
    const { decision } = await answer({ rates: scaleRates(LIST, 0.5), demand: { maxActiveWeiPerSec: ceiling } });
    if (decision.type !== 'counter') throw new Error(`a counter was expected, not ${decision.type}`);
    expect(decision.duties.activeWeiPerSec).to.equal(ceiling);
  });

  it('does not lower a rate that the customer offers above the list', async () => {
    const rates = { standbyWeiPerSec: LIST.standbyWeiPerSec * 2n, activeWeiPerSec: 1n };
    const { decision } = await answer({ rates });
    if (decision.type !== 'counter') throw new Error(`a counter was expected, not ${decision.type}`);
    expect(decision.duties.standbyWeiPerSec).to.equal(rates.standbyWeiPerSec);
  });
});
