import { expect } from 'chai';
import type { DeliveryEvent, RelayInit } from '../../../node/north/init.ts';
import { type NorthRelayService, startNorthRelay } from '../../../node/north/relay.ts';
import { silentLog } from '../../../sdk/log.ts';
import { type FakeClock, fakeClock } from '../../fakes/clock.ts';
import { type FakeKeyValue, fakeKeyValue } from '../../fakes/key-value.ts';
import { type FakeCloud, fakeCloud, ID, readings } from './fake-cloud.ts';

describe('a relay whose epoch is over', () => {
  let clock: FakeClock;
  let store: FakeKeyValue;
  let cloud: FakeCloud;
  let relay: NorthRelayService;
  let events: DeliveryEvent[];

  async function start(init: Partial<RelayInit> = {}): Promise<void> {
    relay = await startNorthRelay({
      store,
      targets: () => ({ url: 'http://cloud.test' }),
      sign: () => ({ peerId: 'me', signature: '0x' }),
      fetch: cloud.fetch,
      clock,
      log: silentLog(),
      random: () => 0,
      onDelivery: (event) => events.push(event),
      ...init,
    });
  }

  async function restart(init: Partial<RelayInit> = {}): Promise<void> {
    await relay.stop();
    store = fakeKeyValue(store.data);
    await start(init);
  }

  const settled = () => relay.drained(ID, AbortSignal.timeout(2000));
  const epochs = () => cloud.taken.map(({ epoch, readings: batch }) => [epoch, batch.length]);

  beforeEach(async () => {
    clock = fakeClock();
    store = fakeKeyValue();
    cloud = fakeCloud();
    events = [];
    await start();
    cloud.answers('EPOCH_STALE');
    await relay.enqueue(ID, 1, readings(0, 3));
    await clock.tick(60_000);
  });

  afterEach(() => relay.stop());

  it('keeps what waits, and does not ask again', async () => {
    expect(relay.stats(ID)).to.include({ queued: 3, refused: 0 });
    expect(cloud.requests).to.have.length(1);
    await relay.enqueue(ID, 1, readings(3, 1));
    relay.kick(ID, 1);
    await clock.tick(60_000);
    expect(cloud.requests).to.have.length(1);
    expect(relay.stats(ID)).to.include({ queued: 4 });
  });

  it('delivers it under the epoch that it is given next', async () => {
    cloud.answers('up');
    relay.kick(ID, 3);
    expect(await settled()).to.equal(true);
    expect(epochs()).to.deep.equal([[3, 3]]);
  });

  it('delivers it, in order, with the first readings of a later epoch', async () => {
    cloud.answers('up');
    await relay.enqueue(ID, 3, readings(3, 2));
    expect(await settled()).to.equal(true);
    expect(cloud.taken.flatMap((batch) => batch.readings)).to.deep.equal(readings(0, 5));
    expect(new Set(epochs().map(([epoch]) => epoch))).to.deep.equal(new Set([3]));
  });

  it('delivers it after a restart that happens in between', async () => {
    await restart();
    await clock.tick(60_000);
    expect(relay.stats(ID)).to.include({ queued: 3, refused: 0 });
    cloud.answers('up');
    relay.kick(ID, 3);
    expect(await settled()).to.equal(true);
    expect(epochs()).to.deep.equal([[3, 3]]);
  });

  it('keeps it through several turns of others', async () => {
    relay.kick(ID, 3);
    await clock.tick(60_000);
    expect(relay.stats(ID)).to.include({ queued: 3, refused: 0 });
    cloud.answers('up');
    relay.kick(ID, 5);
    expect(await settled()).to.equal(true);
    expect(epochs()).to.deep.equal([[5, 3]]);
  });

  it('keeps it within the bound of the queue', async () => {
    await restart({ limits: { maxQueued: 2 } });
    await relay.enqueue(ID, 1, readings(3, 1));
    expect(relay.stats(ID)).to.include({ queued: 1, dropped: 3 });
  });

  it('gives it up when the agreement has ended', async () => {
    await restart({ isLive: () => false });
    expect(await settled()).to.equal(true);
    expect(relay.stats(ID)).to.include({ queued: 0, refused: 3 });
    expect(events.at(-1)).to.deep.include({ epoch: 1, readings: readings(0, 3) });
  });
});
