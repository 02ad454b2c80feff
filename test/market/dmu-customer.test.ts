import { expect } from 'chai';
import fc from 'fast-check';
import { buildDemand, estimateNeed, nextProposal, quantile } from '../../market/dmu-customer.ts';
import { demandSchema } from '../../market/orders.ts';
import { parsePolicy } from '../../market/policy.ts';
import { coversRates, type Rates } from '../../market/pricing.ts';
import { CELL, CUSTOMER, CUSTOMER_PEER, MIB, NOW_SEC, saltOf, sampleDemand, TOKEN } from './samples.ts';

const POLICY = parsePolicy({}).customer;
const FLOOR = { ...sampleDemand().need, cpuMillis: 50, memoryBytes: 16 * MIB };

describe('estimateNeed', () => {
  it('follows the bursts, not the average', () => {
    const samples = Array.from({ length: 100 }, (_unused, index) => {
      return { cpuMillis: index % 10 === 0 ? 800 : 10, memoryBytes: 40 * MIB };
    });
    expect(estimateNeed(samples, FLOOR)).to.deep.equal({ ...FLOOR, cpuMillis: 1000, memoryBytes: 50 * MIB });
  });

  it('lets one spike in a hundred pass', () => {
    const samples = Array.from({ length: 100 }, (_unused, index) => {
      return { cpuMillis: index === 50 ? 4000 : 100, memoryBytes: 0 };
    });
    expect(estimateNeed(samples, FLOOR, 0)).to.deep.equal({ ...FLOOR, cpuMillis: 100 });
  });

  it('is the floor when nothing was measured', () => expect(estimateNeed([], FLOOR)).to.deep.equal(FLOOR));

  it('suffices for at least 95 of 100 samples and is never below the floor', () => {
    const sample = fc.record({ cpuMillis: fc.nat(4000), memoryBytes: fc.nat(2 ** 30) });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 200 }), (samples) => {
        const need = estimateNeed(samples, FLOOR);
        const enough = samples.filter((each) => each.cpuMillis <= need.cpuMillis).length;
        expect(enough / samples.length).to.be.at.least(0.95);
        expect(need.cpuMillis).to.be.at.least(FLOOR.cpuMillis);
        expect(need.memoryBytes).to.be.at.least(FLOOR.memoryBytes);
      }),
    );
  });

  it('takes quantiles of numbers, not of texts', () => {
    expect(quantile([9, 100, 20], 0.5)).to.equal(20);
    expect(quantile([], 0.5)).to.equal(0);
  });
});

describe('buildDemand', () => {
  const init = {
    customer: CUSTOMER.address,
    peerId: CUSTOMER_PEER,
    addrs: [],
    cell: CELL,
    token: TOKEN,
    need: FLOOR,
    tier: 'warm' as const,
    nowSec: NOW_SEC,
    lifetimeSec: 300,
    salt: saltOf(5),
  };

  it('takes what the workload wants, and the rest from the policy', () => {
    const demand = demandSchema.parse(
      buildDemand({ ...init, wants: { maxDistanceM: 700, maxActiveWeiPerSec: 7n } }, POLICY),
    );
    expect(demand).to.include({ maxDistanceM: 700, maxActiveWeiPerSec: 7n, termSec: 86_400, expiresAt: NOW_SEC + 300 });
    expect(demand.maxStandbyWeiPerSec).to.equal(POLICY.maxStandbyPerHour / 3600n);
    expect(demand.minProviderStake).to.equal(POLICY.minProviderStake);
  });

  it('keeps to the ceilings of the policy', () => {
    const demand = buildDemand({ ...init, wants: { maxActiveWeiPerSec: 10n ** 30n } }, POLICY);
    expect(demand.maxActiveWeiPerSec).to.equal(POLICY.maxActivePerHour / 3600n);
  });

  it('refuses a term beyond the policy', () => {
    const build = () => buildDemand({ ...init, wants: { termSec: 32 * 86_400 } }, POLICY);
    expect(build).to.throw().with.property('code', 'TERM_TOO_LONG');
  });
});

function rates(standby: bigint, active: bigint): Rates {
  return { standbyWeiPerSec: standby, activeWeiPerSec: active };
}

describe('nextProposal', () => {
  const ceiling = rates(2000n, 20_000n);

  it('opens below the listed price, or below the ceiling when that is lower', () => {
    const first = nextProposal({ listed: rates(1000n, 40_000n), ceiling, rounds: [] }, POLICY);
    expect(first).to.deep.equal({ type: 'propose', round: 1, rates: rates(850n, 17_000n) });
  });

  it('meets the counter half way, and takes it when it is close', () => {
    const listed = rates(1000n, 10_000n);
    const half = { proposed: rates(800n, 8000n), countered: rates(1000n, 10_000n) };
    expect(nextProposal({ listed, ceiling, rounds: [half] }, POLICY)).to.have.deep.property(
      'rates',
      rates(900n, 9000n),
    );
    const close = { proposed: rates(985n, 9850n), countered: rates(1000n, 10_000n) };
    expect(nextProposal({ listed, ceiling, rounds: [close] }, POLICY)).to.have.deep.property(
      'rates',
      rates(1000n, 10_000n),
    );
  });

  it('takes the counter in the last round when the ceiling allows it', () => {
    const round = { proposed: rates(100n, 100n), countered: rates(2000n, 20_000n) };
    const last = nextProposal({ listed: rates(1n, 1n), ceiling, rounds: Array(4).fill(round) }, POLICY);
    expect(last).to.deep.equal({ type: 'propose', round: 5, rates: round.countered });
  });

  it('stops in the last round when it does not, and after it', () => {
    const round = { proposed: rates(100n, 100n), countered: rates(2001n, 20_000n) };
    const bargain = { listed: rates(1n, 1n), ceiling };
    expect(nextProposal({ ...bargain, rounds: Array(4).fill(round) }, POLICY)).to.include({
      type: 'stop',
      code: 'TOO_DEAR',
    });
    expect(nextProposal({ ...bargain, rounds: Array(5).fill(round) }, POLICY)).to.include({
      type: 'stop',
      code: 'ROUNDS_OVER',
    });
  });

  it('never exceeds the ceiling and ends, whatever the provider asks', () => {
    const amount = fc.bigInt(0n, 10n ** 20n);
    const pair = fc.record({ standbyWeiPerSec: amount, activeWeiPerSec: amount });
    fc.assert(
      fc.property(pair, pair, fc.array(pair, { minLength: 6, maxLength: 6 }), (listed, most, counters) => {
        const rounds: { proposed: Rates; countered: Rates }[] = [];
        for (const countered of counters) {
          const next = nextProposal({ listed, ceiling: most, rounds }, POLICY);
          if (next.type === 'stop') return;
          expect(coversRates(most, next.rates)).to.equal(true);
          rounds.push({ proposed: next.rates, countered });
        }
        throw new Error('the bargain did not end');
      }),
    );
  });
});
