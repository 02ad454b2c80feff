import { expect } from 'chai';
import { untilStarted } from '../../node/insure.ts';
import { fakeClock } from '../fakes/clock.ts';

const signal = new AbortController().signal;

describe('the wait for a workload to start', () => {
  const cases: [title: string, servesAfterMs: number, waitsMs: [number, number]][] = [
    ['ends as soon as the workload serves', 700, [700, 800]],
    ['costs nothing when it serves already', 0, [0, 0]],
    ['gives up on a workload that reads no sensors', Number.POSITIVE_INFINITY, [3_000, 3_100]],
  ];
  for (const [title, servesAfterMs, [minMs, maxMs]] of cases) {
    it(title, async () => {
      const clock = fakeClock(1_000);
      const runner = { serving: () => clock.nowMs() - 1_000 >= servesAfterMs };
      let endedAtMs: number | null = null;
      void untilStarted(runner, { clock, signal }).then(() => {
        endedAtMs = clock.nowMs();
      });
      for (let passed = 0; passed < 4_000; passed += 10) await clock.tick(10);
      expect(endedAtMs).to.be.within(1_000 + minMs, 1_000 + maxMs + 10);
    });
  }
});
