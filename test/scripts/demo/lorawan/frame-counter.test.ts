import { expect } from 'chai';
import { FrameCounter, highCandidates } from '../../../../scripts/demo/lorawan/frame-counter.ts';

const AT = (high: number, low: number) => high * 65_536 + low;

describe('highCandidates', () => {
  const cases: [string, number | null, number, number[]][] = [
    ['the next frame', AT(2, 100), 101, [2, 3, 1]],
    ['an older frame', AT(2, 100), 40, [2, 3, 1]],
    ['the first frame after the lower half ran over', AT(2, 65_530), 3, [3, 2, 1]],
    ['a late frame from before it ran over', AT(3, 3), 65_530, [2, 3, 4]],
    ['nothing below zero', AT(0, 3), 65_530, [0, 1]],
    ['nothing above 32 bits', AT(65_535, 65_530), 3, [65_535, 65_534]],
  ];
  for (const [name, last, fCnt16, expected] of cases) {
    it(`puts the likeliest first: ${name}`, () => {
      expect(highCandidates(last, fCnt16)).to.deep.equal(expected);
    });
  }

  it('tries the first sixteen ranges for a device it has not heard', () => {
    expect(highCandidates(null, 7)).to.deep.equal(Array.from({ length: 16 }, (_, high) => high));
  });
});

describe('FrameCounter', () => {
  it('takes each counter once, in any order', () => {
    const counter = new FrameCounter();
    expect([5, 3, 5, 4, 3].map((fCnt) => counter.take(fCnt))).to.deep.equal([true, true, false, true, false]);
  });

  it('goes on from the highest counter, not the last one', () => {
    const counter = new FrameCounter();
    counter.take(AT(1, 65_000));
    counter.take(AT(0, 65_001));
    expect(counter.candidates(1)[0]).to.equal(2);
  });

  it('forgets the oldest counters to bound its memory', () => {
    const counter = new FrameCounter();
    for (let fCnt = 0; fCnt <= 256; fCnt += 1) counter.take(fCnt);
    expect(counter.take(1)).to.equal(false);
    expect(counter.take(0)).to.equal(true);
  });
});
