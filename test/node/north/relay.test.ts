import { expect } from 'chai';
import { readingsRoot } from '../../../arbitrator/reading-set.ts';
import type { DeliveryEvent, RelayInit } from '../../../node/north/init.ts';
import { type NorthRelayService, startNorthRelay } from '../../../node/north/relay.ts';
import { silentLog } from '../../../sdk/log.ts';
import { type FakeClock, fakeClock } from '../../fakes/clock.ts';
import { type FakeKeyValue, fakeKeyValue } from '../../fakes/key-value.ts';
import { type FakeCloud, fakeCloud, ID, readings } from './fake-cloud.ts';

describe('startNorthRelay', () => {
  let clock: FakeClock;
  let store: FakeKeyValue;
  let cloud: FakeCloud;
  let relay: NorthRelayService;
  let events: DeliveryEvent[];

  async function start(init: Partial<RelayInit> = {}): Promise<void> {
    relay = await startNorthRelay({
      store,
      targets: () => ({ url: 'http://cloud.test/' }),
      sign: (bytes) => ({ peerId: 'me', signature: `0x${Buffer.from(bytes).length}` }),
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

  beforeEach(async () => {
    clock = fakeClock();
    store = fakeKeyValue();
    cloud = fakeCloud();
    events = [];
    await start();
  });

  afterEach(() => relay.stop());

  it('delivers at once, signed, without a timer', async () => {
    await relay.enqueue(ID, 2, readings(1, 2));
    expect(await settled()).to.equal(true);
    expect(clock.nowMs()).to.equal(0);
    const [request] = cloud.requests;
    expect(request?.url).to.equal(`http://cloud.test/v1/agreements/${ID}/readings`);
    expect(request?.body).to.deep.equal({ agreementId: ID, epoch: 2, readings: readings(1, 2) });
    expect(request?.headers).to.include({
      'x-eaas-peer': 'me',
      'x-eaas-signature': `0x${JSON.stringify(request?.body).length}`,
    });
    expect(relay.stats(ID)).to.deep.equal({ queued: 0, accepted: 2, duplicates: 0, refused: 0, dropped: 0 });
    expect(events).to.have.length(1);
  });

  it('leaves nothing of a delivered reading on disk', async () => {
    await relay.enqueue(ID, 2, readings(1, 2));
    await settled();
    await relay.stop();
    expect([...store.data.keys()].filter((key) => key.startsWith('07/'))).to.deep.equal([]);
  });

  it('sends one request at a time, in order, and gathers meanwhile', async () => {
    cloud.hold();
    for (let fCnt = 0; fCnt < 5; fCnt += 1) await relay.enqueue(ID, 2, readings(fCnt, 1));
    await clock.tick(0);
    expect(cloud.requests).to.have.length(1);
    cloud.release();
    await settled();
    expect(cloud.requests.map(({ body }) => body.readings.map(({ fCnt }) => fCnt))).to.deep.equal([[0], [1, 2, 3, 4]]);
  });

  it('never mixes epochs in one batch and never exceeds its size', async () => {
    cloud.answers('down');
    await relay.enqueue(ID, 2, readings(0, 350));
    await relay.enqueue(ID, 4, readings(350, 10));
    await relay.enqueue(ID, 4, readings(360, 195));
    cloud.answers('up');
    await clock.tick(60_000);
    const batches = cloud.taken.map(({ epoch, readings: batch }) => [epoch, batch.length]);
    expect(batches).to.deep.equal([
      [2, 200],
      [2, 150],
      [4, 10],
      [4, 195],
    ]);
  });

  it('keeps readings while the cloud is down and delivers them later, oldest first', async () => {
    cloud.answers('down');
    await relay.enqueue(ID, 2, readings(0, 3));
    await clock.tick(5000);
    expect(relay.stats(ID)).to.include({ queued: 3, accepted: 0 });
    cloud.answers('up');
    await clock.tick(10_000);
    expect(cloud.taken.flatMap((batch) => batch.readings)).to.deep.equal(readings(0, 3));
    expect(await settled()).to.equal(true);
  });

  it('doubles its pauses up to the maximum', async () => {
    cloud.answers('down');
    await relay.enqueue(ID, 2, readings(0, 1));
    const at: number[] = [];
    for (let ms = 0; ms < 40_000; ms += 50) {
      const before = cloud.requests.length;
      await clock.tick(50);
      if (cloud.requests.length > before) at.push(clock.nowMs());
    }
    expect(at.slice(1, 9).map((ms, index) => ms - (at[index] ?? 0))).to.deep.equal([
      100, 200, 400, 800, 1600, 3200, 6400, 10_000,
    ]);
  }).timeout(20_000);

  it('shortens a pause by at most half, as chance has it', async () => {
    await restart({ random: () => 0.999, limits: { backoffMinMs: 1000 } });
    cloud.answers('down');
    await relay.enqueue(ID, 2, readings(0, 1));
    await clock.tick(499);
    expect(cloud.requests).to.have.length(1);
    await clock.tick(2);
    expect(cloud.requests).to.have.length(2);
  });

  it('ends a pause when kicked', async () => {
    await restart({ limits: { backoffMinMs: 60_000, backoffMaxMs: 60_000 } });
    cloud.answers('EPOCH_NOT_STARTED');
    await relay.enqueue(ID, 2, readings(0, 1));
    await clock.tick(10);
    cloud.answers('up');
    relay.kick(ID, 2);
    expect(await settled()).to.equal(true);
    expect(relay.stats(ID)).to.include({ accepted: 1 });
  });

  it('drops the oldest beyond its bound and counts them', async () => {
    await restart({ limits: { maxQueued: 5 } });
    cloud.answers('down');
    for (let fCnt = 0; fCnt < 8; fCnt += 1) await relay.enqueue(ID, 2, readings(fCnt, 1));
    expect(relay.stats(ID)).to.include({ queued: 5, dropped: 3 });
    await restart();
    expect(relay.stats(ID)).to.include({ queued: 5, dropped: 3 });
    cloud.answers('up');
    await clock.tick(10_000);
    expect(cloud.taken.flatMap((batch) => batch.readings)).to.deep.equal(readings(3, 5));
  });

  it('keeps the rest when the batch in flight is dropped meanwhile', async () => {
    await restart({ limits: { maxQueued: 2 } });
    cloud.hold();
    for (let fCnt = 0; fCnt < 4; fCnt += 1) await relay.enqueue(ID, 2, readings(fCnt, 1));
    cloud.release();
    await settled();
    const sent = cloud.taken.flatMap((batch) => batch.readings.map(({ fCnt }) => fCnt));
    expect(sent).to.deep.equal([0, 2, 3]);
    expect(relay.stats(ID)).to.include({ queued: 0, dropped: 2 });
  });

  it('continues after a restart with what was not answered', async () => {
    cloud.answers('down');
    await relay.enqueue(ID, 2, readings(0, 3));
    await restart();
    cloud.answers('up');
    await clock.tick(1000);
    expect(await settled()).to.equal(true);
    expect(cloud.taken.flatMap((batch) => batch.readings)).to.deep.equal(readings(0, 3));
    await relay.enqueue(ID, 2, readings(3, 1));
    await settled();
    expect(relay.stats(ID)).to.include({ accepted: 4, queued: 0 });
  });

  it('adds to what an earlier run left, overwriting nothing', async () => {
    await relay.enqueue(ID, 2, readings(0, 1));
    await settled();
    cloud.answers('down');
    await relay.enqueue(ID, 2, readings(1, 1));
    await relay.enqueue(ID, 2, readings(2, 1));
    await restart();
    await relay.enqueue(ID, 2, readings(3, 1));
    await restart();
    cloud.answers('up');
    await clock.tick(1000);
    expect(await settled()).to.equal(true);
    expect(cloud.taken.flatMap((batch) => batch.readings)).to.deep.equal(readings(0, 4));
  });

  for (const code of ['NOT_HOLDER', 'READINGS_INVALID']) {
    it(`gives up on ${code}, counts and tells`, async () => {
      cloud.answers(code);
      await relay.enqueue(ID, 2, readings(0, 3));
      expect(await settled()).to.equal(true);
      expect(relay.stats(ID)).to.deep.equal({ queued: 0, accepted: 0, duplicates: 0, refused: 3, dropped: 0 });
      expect(events[0]).to.deep.include({
        epoch: 2,
        readings: readings(0, 3),
        result: { kind: 'refused', reason: code, currentEpoch: 7 },
      });
    });
  }

  for (const answer of ['AGREEMENT_UNKNOWN', 'EPOCH_NOT_STARTED', 'TOO_MANY_REQUESTS', 'html', 'nonsense', 'down']) {
    it(`tries again after ${answer}`, async () => {
      cloud.answers(answer);
      await relay.enqueue(ID, 2, readings(0, 1));
      await clock.tick(1000);
      expect(relay.stats(ID)).to.include({ queued: 1, refused: 0 });
      expect(cloud.requests.length).to.be.greaterThan(2);
    });
  }

  it('waits for a cloud that is not known yet', async () => {
    let url: string | null = null;
    await restart({ targets: () => (url === null ? null : { url }) });
    await relay.enqueue(ID, 2, readings(0, 1));
    await clock.tick(100);
    expect(cloud.requests).to.have.length(0);
    url = 'http://cloud.test';
    await clock.tick(10_000);
    expect(relay.stats(ID)).to.include({ accepted: 1 });
  });

  it("keeps the provider's account of its epoch, also across a restart", async () => {
    cloud.know(readings(2, 1));
    await relay.enqueue(ID, 2, readings(1, 2));
    await settled();
    await restart();
    await relay.enqueue(ID, 2, readings(3, 1));
    await settled();
    const expected = readingsRoot([...readings(1, 1), ...readings(3, 1)]);
    expect(relay.delivered(ID, 2)).to.deep.equal({ count: 2, readingsRoot: expected });
    expect(relay.delivered(ID, 4)).to.deep.equal({ count: 0, readingsRoot: readingsRoot([]) });
    expect(relay.delivered(ID, 1)).to.deep.equal({ count: 0, readingsRoot: null });
  });

  it('holds up no agreement for another one', async () => {
    const other = `0x${'cd'.repeat(32)}`;
    cloud.answers('down');
    await relay.enqueue(ID, 2, readings(0, 1));
    await clock.tick(0);
    cloud.answers('up');
    await relay.enqueue(other, 2, readings(0, 1));
    expect(await relay.drained(other, AbortSignal.timeout(2000))).to.equal(true);
    expect(relay.stats(ID)).to.include({ queued: 1 });
  });

  it('says when waiting for an empty queue was in vain', async () => {
    cloud.answers('down');
    await relay.enqueue(ID, 2, readings(0, 1));
    const patience = new AbortController();
    const drained = relay.drained(ID, patience.signal);
    patience.abort();
    expect(await drained).to.equal(false);
    expect(await relay.drained('0xunknown', AbortSignal.abort())).to.equal(true);
  });

  it('tells once that the disk failed, and accepts nothing more', async () => {
    const fatal: unknown[] = [];
    await restart({ onFatal: (error) => fatal.push(error) });
    store.failWrite(1, false);
    const refused = await relay.enqueue(ID, 2, readings(0, 1)).catch((error: unknown) => error);
    expect(refused).to.include({ code: 'STORE_FAILED' });
    await clock.tick(10_000);
    expect(fatal).to.have.length(1);
  });

  it('asks whether the cloud is there', async () => {
    expect(await relay.warm(ID, AbortSignal.timeout(1000))).to.equal(true);
    cloud.answers('down');
    expect(await relay.warm(ID, AbortSignal.timeout(1000))).to.equal(false);
  });

  it('leaves no timer behind when stopped', async () => {
    cloud.answers('down');
    await relay.enqueue(ID, 2, readings(0, 1));
    await clock.tick(10);
    await relay.stop();
    expect(clock.pending()).to.equal(0);
  });
});
