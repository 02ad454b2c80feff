import { expect } from 'chai';
import type { EdgeError } from '../../market/errors.ts';
import { parsePolicy } from '../../market/policy.ts';

describe('policy', () => {
  it('has defaults for everything', () => {
    for (const nothing of [undefined, null, {}, { provider: {}, customer: {} }]) {
      const policy = parsePolicy(nothing);
      expect(policy.provider).to.deep.include({ maxAgreements: 8, tiers: ['cold', 'warm', 'hot'] });
      expect(policy.provider.prices.standby).to.deep.equal({ cold: 0.05, warm: 0.1, hot: 0.4 });
      expect(policy.customer).to.include({ maxRounds: 5, headroom: 0.25, termSec: 86_400 });
    }
  });

  it('reads money and durations as people write them', () => {
    const { provider, customer } = parsePolicy({
      provider: { prices: { corePerHour: '0.02' }, maxStake: 5, maxTermSec: '7d' },
      customer: { maxActivePerHour: '1.5', roundTimeoutSec: '30s', termSec: 60 },
    });
    expect(provider.prices.corePerHour).to.equal(20_000_000_000_000_000n);
    expect(provider).to.include({ maxStake: 5_000_000_000_000_000_000n, maxTermSec: 604_800 });
    expect(customer).to.include({ maxActivePerHour: 1_500_000_000_000_000_000n, roundTimeoutSec: 30, termSec: 60 });
  });

  it('reads what it gave', () => expect(parsePolicy(parsePolicy({}))).to.deep.equal(parsePolicy({})));

  const bad: [path: string, value: unknown][] = [
    ['provider.reserve.cpu', { provider: { reserve: { cpu: 1.5 } } }],
    ['provider.prices.corePerHour', { provider: { prices: { corePerHour: 'cheap' } } }],
    ['provider.tiers', { provider: { tiers: [] } }],
    ['provider.overcommit.failureProbability', { provider: { overcommit: { failureProbability: -0.1 } } }],
    ['provider', { provider: { maxAgreement: 3 } }],
    ['customer.maxRounds', { customer: { maxRounds: 0 } }],
    ['customer.termSec', { customer: { termSec: '1500ms' } }],
    ['customer.minProviderStake', { customer: { minProviderStake: -1n } }],
    ['', 'free of charge'],
  ];
  for (const [path, value] of bad) {
    it(`names ${path || 'the whole'} when it is wrong`, () => {
      const error = thrownBy(() => parsePolicy(value));
      expect(error).to.include({ code: 'POLICY_INVALID' });
      expect(error?.context.problems).to.have.length(1).and.have.nested.property('[0].path', path);
    });
  }
});

function thrownBy(run: () => unknown): EdgeError | undefined {
  try {
    run();
  } catch (error) {
    return error as EdgeError;
  }
  return undefined;
}
