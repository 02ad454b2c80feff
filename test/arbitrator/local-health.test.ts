import { expect } from 'chai';
import fc from 'fast-check';
import { HEALTHY, type HealthObservation, type LocalHealth, observe, stretch } from '../../arbitrator/local-health.ts';

const run = (observations: HealthObservation[], from: LocalHealth = HEALTHY) =>
  observations.reduce((health, observation) => observe(health, observation), from);

describe('local health', () => {
  const many = (observation: HealthObservation, times: number) => Array.from({ length: times }, () => observation);
  const rows: [string, HealthObservation[], number][] = [
    ['is healthy at first', [], 0],
    ['stays healthy on time', many('punctual', 50), 0],
    ['doubts itself after one late timer', ['late'], 1],
    ['doubts itself when a witness contradicts its probe', ['contradicted'], 1],
    ['adds up', ['late', 'contradicted', 'late'], 3],
    ['stops at the worst score', many('late', 100), 8],
    ['does not recover at once', ['late', ...many('punctual', 9)], 1],
    ['recovers by one point after ten good signs', ['late', 'late', ...many('punctual', 10)], 1],
    ['counts answered probes as good', ['late', ...many('answered', 10)], 0],
    ['starts counting anew after a bad sign', ['late', ...many('punctual', 9), 'late', ...many('punctual', 9)], 2],
  ];
  for (const [title, observations, score] of rows) {
    it(title, () => expect(run(observations).score).to.equal(score));
  }

  it('never leaves its bounds', () => {
    const observation = fc.constantFrom<HealthObservation>('late', 'contradicted', 'punctual', 'answered');
    fc.assert(
      fc.property(fc.array(observation, { maxLength: 200 }), (observations) => {
        const { score } = run(observations);
        return score >= 0 && score <= 8;
      }),
    );
  });

  it('stretches timeouts by one base per point', () => {
    expect([0, 1, 8].map((score) => stretch(200, score))).to.deep.equal([200, 400, 1_800]);
  });
});
