import { expect } from 'chai';
import { startNorthRelay } from '../../../node/north/relay.ts';
import { silentLog } from '../../../sdk/log.ts';
import { fakeClock } from '../../fakes/clock.ts';
import { fakeKeyValue } from '../../fakes/key-value.ts';
import { fakeCloud, ID, readings } from './fake-cloud.ts';

describe('Lane', () => {
  it('overlooks nothing that is enqueued while it is about to rest', async () => {
    const clock = fakeClock();
    const store = fakeKeyValue();
    const relay = await startNorthRelay({
      store,
      targets: () => ({ url: 'http://cloud.test' }),
      sign: () => ({ peerId: 'me', signature: '0x' }),
      fetch: fakeCloud().fetch,
      clock,
      log: silentLog(),
      random: () => 0,
    });
    const write = store.write;
    for (let turns = 0; turns < 15; turns += 1) {
      let late: Promise<void> | null = null;
      store.write = async (puts, deletes) => {
        await write(puts, deletes);
        if (!deletes?.length || late !== null) return;
        late = (async () => {
          for (let turn = 0; turn < turns; turn += 1) await null;
          await relay.enqueue(ID, 2, readings(1000 + turns, 1));
        })();
      };
      await relay.enqueue(ID, 2, readings(turns, 1));
      await clock.tick(0);
      await late;
      await clock.tick(0);
      expect(relay.stats(ID).queued, `enqueued ${turns} turns after the write`).to.equal(0);
    }
    await relay.stop();
  });
});
