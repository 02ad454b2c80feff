import { expect } from 'chai';
import { mined, type Sent } from '../../../scripts/deploy/mined.ts';
import { fakeClock } from '../../fakes/clock.ts';

/** A transaction whose receipt comes with the given question; null: never. */
function sent(question: number | null, status = 1): Sent & { asked(): number } {
  let asked = 0;
  return {
    hash: '0xabc',
    provider: {
      async getTransactionReceipt() {
        asked += 1;
        return question !== null && asked >= question ? { status } : null;
      },
    },
    asked: () => asked,
  };
}

const outcome = (work: Promise<void>) =>
  work.then(
    () => 'mined',
    (error: { code: string }) => error.code,
  );

describe('mined', () => {
  it('asks again until there is a receipt, though no other block comes', async () => {
    const clock = fakeClock();
    const tx = sent(3);
    const waiting = outcome(mined(tx, clock));
    await clock.tick(1_000);
    expect(await waiting).to.equal('mined');
    expect(tx.asked()).to.equal(3);
  });

  it('rejects a reverted transaction, one that never comes, and one that was not sent', async () => {
    const clock = fakeClock();
    expect(await outcome(mined(sent(1, 0), clock))).to.equal('TX_REVERTED');
    const never = outcome(mined(sent(null), clock));
    await clock.tick(30_000);
    expect(await never).to.equal('TX_TIMEOUT');
    expect(await outcome(mined(null, clock))).to.equal('TX_MISSING');
  });
});
