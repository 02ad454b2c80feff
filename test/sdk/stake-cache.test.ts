import { expect } from 'chai';
import { silentLog } from '../../sdk/log.ts';
import { createStakeCache } from '../../sdk/stake-cache.ts';
import { fakeClock } from '../fakes/clock.ts';

const TOKEN = '0xtoken';

function makeCache(options: { hold?: boolean } = {}) {
  const clock = fakeClock(1_000);
  const asked: string[] = [];
  const held: (() => void)[] = [];
  let balance = 5n;
  let fails = false;
  const account = async (_token: string, owner: string) => {
    asked.push(owner);
    if (options.hold) await new Promise<void>((resolve) => held.push(resolve));
    if (fails) throw new Error('no chain');
    return { balance, honoured: 0, breached: 0, disputesLost: 0, value: 0n };
  };
  const cache = createStakeCache({ chain: { account }, clock, log: silentLog() });
  const set = (next: { balance?: bigint; fails?: boolean }): void => {
    balance = next.balance ?? balance;
    fails = next.fails ?? fails;
  };
  return { asked, cache, clock, held, set };
}

describe('stake cache', () => {
  it('knows nothing at first, and answers from memory once it was told', async () => {
    const { asked, cache } = makeCache();
    expect(cache.get('a', TOKEN)).to.equal(null);
    expect(await cache.lookUp('a', TOKEN)).to.equal(5n);
    expect(await cache.lookUp('a', TOKEN)).to.equal(5n);
    expect(cache.get('a', TOKEN)).to.equal(5n);
    expect(cache.get('a', 'another token')).to.equal(null);
    expect(asked).to.deep.equal(['a']);
  });

  it('asks again after ten seconds', async () => {
    const { cache, clock, set } = makeCache();
    await cache.lookUp('a', TOKEN);
    set({ balance: 0n });
    await clock.tick(9_999);
    expect(await cache.lookUp('a', TOKEN)).to.equal(5n);
    await clock.tick(1);
    expect(await cache.lookUp('a', TOKEN)).to.equal(0n);
  });

  it('keeps what it knew while the chain does not answer', async () => {
    const { cache, clock, set } = makeCache();
    await cache.lookUp('a', TOKEN);
    set({ fails: true });
    await clock.tick(20_000);
    expect(await cache.lookUp('a', TOKEN)).to.equal(null);
    expect(cache.get('a', TOKEN)).to.equal(5n);
  });

  it('asks once for callers at the same time, and about eight owners at once at most', async () => {
    const { asked, cache, held } = makeCache({ hold: true });
    const lookUps = Array.from({ length: 12 }, (_, index) => cache.lookUp(`owner ${index % 10}`, TOKEN));
    expect(asked).to.have.lengthOf(8);
    for (const release of held) release();
    const found = await Promise.all(lookUps);
    expect(found.filter((stake) => stake === null)).to.have.lengthOf(2);
  });
});
