import { expect } from 'chai';
import { systemClock } from '../../../node/clock.ts';

describe('systemClock', () => {
  const clock = systemClock();

  it('tells milliseconds since the Unix epoch', () => {
    expect(Math.abs(clock.nowMs() - Date.now())).to.be.below(1000);
  });

  it('sleeps at least as long as asked', async () => {
    const before = performance.now();
    await clock.sleep(20);
    expect(performance.now() - before).to.be.at.least(19);
  });

  it('rejects a sleep with the reason of the signal, before and while sleeping', async () => {
    const reason = new Error('stop');
    const late = new AbortController();
    const sleeping = clock.sleep(60_000, late.signal).catch((error) => error);
    late.abort(reason);
    expect(await sleeping).to.equal(reason);
    expect(await clock.sleep(0, AbortSignal.abort(reason)).catch((error) => error)).to.equal(reason);
  });

  it('does not end a sleep longer than a timer can hold', async () => {
    const abort = new AbortController();
    const sleeping = clock.sleep(2 ** 31 + 1, abort.signal).then(
      () => 'ended',
      () => 'aborted',
    );
    await clock.sleep(20);
    abort.abort();
    expect(await sleeping).to.equal('aborted');
  });

  it('drops a call of every that would overlap, and ends with the signal', async () => {
    const abort = new AbortController();
    let running = 0;
    let most = 0;
    let calls = 0;
    const done = new Promise<void>((resolve) => {
      clock.every(
        2,
        async () => {
          running += 1;
          most = Math.max(most, running);
          await clock.sleep(10);
          running -= 1;
          calls += 1;
          if (calls === 3) resolve();
        },
        abort.signal,
      );
    });
    await done;
    abort.abort();
    await clock.sleep(20);
    expect({ most, calls }).to.deep.equal({ most: 1, calls: 3 });
  });
});
