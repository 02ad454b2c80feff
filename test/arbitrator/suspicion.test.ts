import { expect } from 'chai';
import fc from 'fast-check';
import { remainingSuspicionMs, suspicionMs } from '../../arbitrator/suspicion.ts';

describe('suspicion', () => {
  // The rows of memberlist's suspicion_test.go: k = 3, 2 s to 30 s.
  const times = { needed: 3, minMs: 2_000, maxMs: 30_000 };
  const rows: [confirmations: number, elapsedMs: number, remainingMs: number][] = [
    [0, 0, 30_000],
    [1, 2_000, 14_000],
    [2, 3_000, 4_810],
    [3, 4_000, -2_000],
    [4, 5_000, -3_000],
    [5, 10_000, -8_000],
  ];
  for (const [confirmations, elapsedMs, remainingMs] of rows) {
    it(`leaves ${remainingMs} ms after ${elapsedMs} ms and ${confirmations} confirmations`, () => {
      expect(remainingSuspicionMs(confirmations, elapsedMs, times)).to.be.closeTo(remainingMs, 10);
    });
  }

  it('lasts its full time when nobody can confirm', () => {
    expect(suspicionMs(0, { needed: 0, minMs: 0, maxMs: 4_000 })).to.equal(4_000);
  });

  it('never grows with confirmations and stays within its bounds', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.nat(20), fc.nat(10_000), fc.nat(10_000), (n, needed, minMs, extraMs) => {
        const bounds = { needed, minMs, maxMs: minMs + extraMs };
        const now = suspicionMs(n, bounds);
        expect(now).to.be.within(minMs, minMs + extraMs);
        expect(suspicionMs(n + 1, bounds)).to.be.at.most(now);
      }),
    );
  });
});
