import { expect } from 'chai';
import { fakeClock } from './clock.ts';

describe('fakeClock', () => {
  it('moves only when told to', async () => {
    const clock = fakeClock(1_000);
    expect(clock.nowMs()).to.equal(1_000);
    await clock.tick(250);
    expect(clock.nowMs()).to.equal(1_250);
  });

  it('wakes sleepers in order of their due time', async () => {
    const clock = fakeClock();
    const woken: string[] = [];
    const late = clock.sleep(20).then(() => woken.push(`late at ${clock.nowMs()}`));
    const early = clock.sleep(10).then(() => woken.push(`early at ${clock.nowMs()}`));
    await clock.tick(15);
    expect(woken).to.deep.equal(['early at 10']);
    await clock.tick(5);
    expect(woken).to.deep.equal(['early at 10', 'late at 20']);
    await Promise.all([late, early]);
  });

  it('wakes a sleep that starts inside a tick within the same tick', async () => {
    const clock = fakeClock();
    let endedAtMs = 0;
    const twice = clock.sleep(10).then(async () => {
      await clock.sleep(10);
      endedAtMs = clock.nowMs();
    });
    await clock.tick(20);
    await twice;
    expect(endedAtMs).to.equal(20);
  });

  it('rejects a sleep with the reason of its signal and forgets the timer', async () => {
    const clock = fakeClock();
    const stop = new AbortController();
    const slept = clock.sleep(10, stop.signal).catch((error: unknown) => error);
    stop.abort('enough');
    expect(await slept).to.equal('enough');
    expect(clock.pending()).to.equal(0);
    const refused = await clock.sleep(10, stop.signal).catch((error: unknown) => error);
    expect(refused).to.equal('enough');
  });

  it('repeats until aborted', async () => {
    const clock = fakeClock();
    const stop = new AbortController();
    const calls: number[] = [];
    clock.every(10, () => void calls.push(clock.nowMs()), stop.signal);
    await clock.tick(35);
    stop.abort();
    await clock.tick(100);
    expect(calls).to.deep.equal([10, 20, 30]);
    expect(clock.pending()).to.equal(0);
  });

  it('drops a call that would overlap the one before', async () => {
    const clock = fakeClock();
    const stop = new AbortController();
    const started: number[] = [];
    const slow = async (): Promise<void> => {
      started.push(clock.nowMs());
      await clock.sleep(25);
    };
    clock.every(10, slow, stop.signal);
    await clock.tick(50);
    expect(started).to.deep.equal([10, 40]);
    stop.abort();
  });

  it('reports what a repeated call threw', async () => {
    const clock = fakeClock();
    const fail = (): void => {
      throw new Error('broken');
    };
    clock.every(10, fail, new AbortController().signal);
    const error = await clock.tick(10).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(Error).with.property('message', 'broken');
  });
});
