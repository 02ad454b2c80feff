import { expect } from 'chai';
import fc from 'fast-check';
import { type StandbyLoad, standbyOvercommit } from '../../market/overcommit.ts';
import type { Need } from '../../market/resources.ts';
import type { Tier } from '../../market/terms.ts';

const LIMITS = { failureProbability: 0.02, maxTogetherProbability: 0.001 };

function need(cpuMillis: number, changes: Partial<Need> = {}): Need {
  return { cpuMillis, memoryBytes: 0, storageBytes: 0, bandwidthBps: 0, interfaces: [], ...changes };
}

const CAPACITY = need(1000, { memoryBytes: 1000, storageBytes: 1000, bandwidthBps: 1000 });

/** So many loads of a size, each in a domain of its own unless one is named. */
function loads(count: number, each: Need, tier: Tier = 'warm', domain?: string): StandbyLoad[] {
  return Array.from({ length: count }, (_unused, index) => ({
    need: each,
    tier,
    faultDomain: domain ?? `cell${index}`,
  }));
}

interface Row {
  name: string;
  loads: StandbyLoad[];
  fits: boolean;
  probability: number;
}

const ROWS: Row[] = [
  { name: 'nothing sold', loads: [], fits: true, probability: 0 },
  { name: 'one that takes all', loads: loads(1, need(1000)), fits: true, probability: 0 },
  { name: 'one that takes more than all', loads: loads(1, need(1001)), fits: false, probability: 1 },
  { name: 'two that take all together', loads: loads(2, need(500)), fits: true, probability: 0 },
  { name: 'all sold twice, to two places', loads: loads(2, need(1000)), fits: true, probability: 0.0004 },
  { name: 'all sold three times: 3p²(1-p) + p³', loads: loads(3, need(1000)), fits: false, probability: 0.001184 },
  { name: 'all sold twice, in one place', loads: loads(2, need(1000), 'warm', 'here'), fits: false, probability: 0.02 },
  { name: 'a half sold four times: 4p³(1-p) + p⁴', loads: loads(4, need(500)), fits: true, probability: 0.00003152 },
  { name: 'storage sold twice', loads: loads(2, need(1, { storageBytes: 501 })), fits: false, probability: 1 },
  { name: 'storage sold once', loads: loads(2, need(1, { storageBytes: 500 })), fits: true, probability: 0 },
  {
    name: 'memory of hot ones sold twice',
    loads: loads(2, need(0, { memoryBytes: 501 }), 'hot'),
    fits: false,
    probability: 1,
  },
  {
    name: 'memory of warm ones sold twice',
    loads: loads(2, need(0, { memoryBytes: 501 })),
    fits: true,
    probability: 0.0004,
  },
  {
    name: 'a hot one in most of the memory, which it has already when it is called',
    loads: loads(1, need(0, { memoryBytes: 600 }), 'hot'),
    fits: true,
    probability: 0,
  },
  {
    name: 'warm ones in what hot ones leave of the memory',
    loads: [
      ...loads(1, need(0, { memoryBytes: 600 }), 'hot', 'a'),
      ...loads(1, need(0, { memoryBytes: 401 }), 'warm', 'b'),
    ],
    fits: false,
    probability: 1,
  },
  {
    name: 'one short of memory and one of bandwidth, as if of the same',
    loads: [
      ...loads(1, need(0, { memoryBytes: 600 }), 'warm', 'a'),
      ...loads(1, need(0, { bandwidthBps: 600 }), 'warm', 'b'),
    ],
    fits: true,
    probability: 0.0004,
  },
];

describe('overcommit', () => {
  for (const row of ROWS) {
    it(`${row.fits ? 'allows' : 'refuses'} ${row.name}`, () => {
      const result = standbyOvercommit(CAPACITY, row.loads, LIMITS);
      expect(result.fits).to.equal(row.fits);
      expect(result.probability).to.be.closeTo(row.probability, 1e-9);
      expect(result.message === null).to.equal(row.fits);
    });
  }

  it('has nothing to sell when something is taken already beyond what there is', () => {
    expect(standbyOvercommit(need(1000, { memoryBytes: -1 }), [], LIMITS).fits).to.equal(false);
  });

  it('bounds the true chance, as counted over every combination of failures', () => {
    const size = fc.record({
      cpu: fc.integer({ min: 0, max: 1000 }),
      memory: fc.integer({ min: 0, max: 1000 }),
      domain: fc.nat(5),
    });
    fc.assert(
      fc.property(fc.array(size, { maxLength: 8 }), fc.double({ min: 0, max: 1, noNaN: true }), (sizes, down) => {
        const all = sizes.map(({ cpu, memory, domain }): StandbyLoad => {
          return { need: need(cpu, { memoryBytes: memory }), tier: 'warm', faultDomain: `${domain}` };
        });
        const limits = { failureProbability: down, maxTogetherProbability: 1 };
        const bound = standbyOvercommit(CAPACITY, all, limits).probability;
        expect(bound)
          .to.be.at.least(trueChance(all, down) - 1e-9)
          .and.at.most(1 + 1e-9);
      }),
    );
  });

  it('never gets better by one more customer', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 12 }), (sizes) => {
        const all = sizes.map(
          (cpu, index): StandbyLoad => ({ need: need(cpu), tier: 'warm', faultDomain: `${index % 4}` }),
        );
        const before = standbyOvercommit(CAPACITY, all.slice(1), LIMITS).probability;
        expect(standbyOvercommit(CAPACITY, all, LIMITS).probability).to.be.at.least(before - 1e-12);
      }),
    );
  });
});

function trueChance(all: StandbyLoad[], down: number): number {
  const domains = [...new Set(all.map((load) => load.faultDomain))];
  let chance = 0;
  for (let failed = 0; failed < 2 ** domains.length; failed += 1) {
    const isDown = (domain: string): boolean => ((failed >> domains.indexOf(domain)) & 1) === 1;
    const called = all.filter((load) => isDown(load.faultDomain));
    const cpu = called.reduce((sum, load) => sum + load.need.cpuMillis, 0);
    const memory = called.reduce((sum, load) => sum + load.need.memoryBytes, 0);
    if (cpu <= CAPACITY.cpuMillis && memory <= CAPACITY.memoryBytes) continue;
    chance += domains.reduce((product, domain) => product * (isDown(domain) ? down : 1 - down), 1);
  }
  return chance;
}
