import { expect } from 'chai';
import fc from 'fast-check';
import { earnedWei, worstCaseWei } from '../../market/settlement-math.ts';

const RATES = { standbyWeiPerSec: 2n, activeWeiPerSec: 10n };

describe('settlement-math', () => {
  const rows: [name: string, standbySec: number, activeSec: number, customerStake: bigint, earned: bigint][] = [
    ['nothing for no time', 0, 0, 100n, 0n],
    ['each rate for its time', 10, 3, 100n, 50n],
    ['nothing for a fraction of a second', 0.9, 0.9, 100n, 0n],
    ['exactly the stake', 50, 0, 100n, 100n],
    ['never more than the stake', 50, 1, 100n, 100n],
  ];
  for (const [name, standbySec, activeSec, customerStake, earned] of rows) {
    it(`pays ${name}`, () => expect(earnedWei({ standbySec, activeSec }, RATES, { customerStake })).to.equal(earned));
  }

  it('refuses times that cannot be', () => {
    for (const standbySec of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      const pay = (): bigint => earnedWei({ standbySec, activeSec: 0 }, RATES, { customerStake: 1n });
      expect(pay).to.throw().with.property('code', 'SERVED_INVALID');
    }
  });

  it('never falls with time, and never exceeds what a term can cost', () => {
    const seconds = fc.nat(1_000_000);
    const rate = fc.bigInt(0n, 2n ** 60n);
    fc.assert(
      fc.property(
        seconds,
        seconds,
        seconds,
        rate,
        rate,
        (standbySec, activeSec, more, standbyWeiPerSec, activeWeiPerSec) => {
          const rates = { standbyWeiPerSec, activeWeiPerSec };
          const customerStake = worstCaseWei(rates, standbySec + activeSec);
          const uncapped = { customerStake: 2n ** 104n };
          const earned = earnedWei({ standbySec, activeSec }, rates, uncapped);
          expect(earned <= customerStake).to.equal(true);
          expect(earnedWei({ standbySec: standbySec + more, activeSec }, rates, uncapped) >= earned).to.equal(true);
          expect(
            earnedWei({ standbySec, activeSec: activeSec + more }, rates, { customerStake }) <= customerStake,
          ).to.equal(true);
        },
      ),
    );
  });
});
