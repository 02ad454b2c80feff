import { expect } from 'chai';
import { explainOffer, type MatchFacts, type MisfitCode, NO_FACTS } from '../../market/explain.ts';
import type { Demand, Offer } from '../../market/orders.ts';
import { cellAt } from '../../market/place.ts';
import { reputationPermille } from '../../market/reputation.ts';
import { CUSTOMER, CUSTOMER_PEER, MIB, NOW_SEC, ONE, sampleDemand, sampleOffer, TOKEN } from './samples.ts';

interface Row {
  code: MisfitCode;
  message: string;
  offer?: Partial<Offer>;
  demand?: Partial<Demand>;
  facts?: Partial<MatchFacts>;
}

const resources = sampleOffer().resources;
const need = sampleDemand().need;
const OTHER_TOKEN = '0x0000000000000000000000000000000000000001';
const HOUR_IN_SEC = 3600n;

const ROWS: Row[] = [
  {
    code: 'SELF_DEALING',
    message: 'the provider is the customer itself',
    offer: { provider: CUSTOMER.address.toLowerCase() },
  },
  { code: 'SELF_DEALING', message: 'the provider is the customer itself', offer: { peerId: CUSTOMER_PEER } },
  { code: 'EXPIRED', message: 'the offer expired 0 s ago', offer: { expiresAt: NOW_SEC } },
  { code: 'EXPIRED', message: 'the demand expired 5.0 min ago', demand: { expiresAt: NOW_SEC - 300 } },
  { code: 'TOKEN_DIFFERS', message: `paid in token ${OTHER_TOKEN}, ${TOKEN} wanted`, offer: { token: OTHER_TOKEN } },
  { code: 'TOO_FAR', message: '26.5 km away, 5.0 km allowed', offer: { cell: cellAt(-22.95, -43.4) } },
  {
    code: 'CPU_SHORT',
    message: 'processor: 0.20 cores to spare, 0.50 cores needed (0.30 cores short)',
    offer: { resources: { ...resources, cpuMillis: 200 } },
  },
  {
    code: 'MEMORY_SHORT',
    message: 'memory: 512 MiB to spare, 1.0 GiB needed (512 MiB short)',
    demand: { need: { ...need, memoryBytes: 1024 * MIB } },
  },
  {
    code: 'STORAGE_SHORT',
    message: 'storage: 255 MiB to spare, 256 MiB needed (1 MiB short)',
    offer: { resources: { ...resources, storageBytes: 255 * MIB } },
  },
  {
    code: 'BANDWIDTH_SHORT',
    message: 'bandwidth: 250 kbit/s to spare, 1.0 Mbit/s needed (750 kbit/s short)',
    offer: { resources: { ...resources, bandwidthBps: 250_000 } },
  },
  {
    code: 'INTERFACE_MISSING',
    message: 'no interface ble (has ethernet, lorawan-eu868)',
    demand: { need: { ...need, interfaces: ['ble'] } },
  },
  { code: 'TIER_MISSING', message: 'tier hot is not offered (offers cold, warm)', demand: { tier: 'hot' } },
  {
    code: 'STANDBY_PRICE_HIGH',
    message: 'asks 0.03 per hour on stand-by, 0.02 per hour allowed',
    offer: { standbyWeiPerSec: (3n * ONE) / 100n / HOUR_IN_SEC + 1n },
    demand: { maxStandbyWeiPerSec: (2n * ONE) / 100n / HOUR_IN_SEC + 1n },
  },
  {
    code: 'ACTIVE_PRICE_HIGH',
    message: 'asks 3 per hour while active, 2 per hour allowed',
    offer: { activeWeiPerSec: (3n * ONE) / HOUR_IN_SEC + 1n },
    demand: { maxActiveWeiPerSec: (2n * ONE) / HOUR_IN_SEC + 1n },
  },
  { code: 'STAKE_SHORT', message: 'puts at most 50 at stake, 51 wanted', demand: { minProviderStake: 51n * ONE } },
  {
    code: 'STAKE_UNFUNDED',
    message: 'has 4.5 free in the vault, 5 wanted as stake',
    facts: { freeStakeWei: (9n * ONE) / 2n },
  },
  {
    code: 'REPUTATION_LOW',
    message: 'reputation 333 of 1000, at least 400 wanted',
    facts: { reputationPermille: 333, minReputationPermille: 400 },
  },
];

describe('explain', () => {
  it('finds nothing wrong with an offer that fits', () => {
    const facts = { freeStakeWei: 5n * ONE, reputationPermille: 400, minReputationPermille: 400 };
    expect(explainOffer(sampleDemand(), sampleOffer(), facts, NOW_SEC)).to.deep.equal({ fits: true, reasons: [] });
  });

  for (const { code, message, offer, demand, facts } of ROWS) {
    it(`says "${message}"`, () => {
      const verdict = explainOffer(sampleDemand(demand), sampleOffer(offer), { ...NO_FACTS, ...facts }, NOW_SEC);
      expect(verdict.reasons.map((reason) => [reason.code, reason.message])).to.deep.equal([[code, message]]);
      expect(verdict.fits).to.equal(false);
    });
  }

  it('gives what was needed and what there is as plain values', () => {
    const offer = sampleOffer({ activeWeiPerSec: 2001n, resources: { ...resources, cpuMillis: 200 } });
    const { reasons } = explainOffer(sampleDemand(), offer, NO_FACTS, NOW_SEC);
    expect(reasons.map(({ need: wanted, have }) => [wanted, have])).to.deep.equal([
      [500, 200],
      ['2000', '2001'],
    ]);
  });

  it('lists every reason, not only the first', () => {
    const offer = sampleOffer({ token: OTHER_TOKEN, expiresAt: NOW_SEC - 1, tiers: ['cold'], maxProviderStake: 0n });
    const { reasons } = explainOffer(sampleDemand(), offer, NO_FACTS, NOW_SEC);
    expect(reasons.map(({ code }) => code)).to.deep.equal(['EXPIRED', 'TOKEN_DIFFERS', 'TIER_MISSING', 'STAKE_SHORT']);
  });

  it('takes nothing known for nothing wrong', () => {
    expect(
      explainOffer(sampleDemand(), sampleOffer(), { ...NO_FACTS, minReputationPermille: 1000 }, NOW_SEC).fits,
    ).to.equal(true);
  });
});

describe('reputation', () => {
  const records: [record: [number, number, number], permille: number][] = [
    [[0, 0, 0], 500],
    [[1, 0, 0], 666],
    [[0, 1, 0], 333],
    [[98, 0, 0], 990],
    [[8, 1, 1], 750],
  ];
  for (const [[honoured, breached, disputesLost], permille] of records) {
    it(`is ${permille} after ${honoured} honoured, ${breached} breached, ${disputesLost} disputes lost`, () => {
      expect(reputationPermille({ honoured, breached, disputesLost })).to.equal(permille);
    });
  }
});
