import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Reading } from '../../../../arbitrator/types.ts';
import { systemClock } from '../../../../node/clock.ts';
import type { Frame } from '../../../../node/ports.ts';
import { createDoor, type Door } from '../../../../node/workload-door/door.ts';
import { DeviceService } from '../../../../scripts/demo/device/service.ts';
import { buildFrame } from '../../../../scripts/demo/lorawan/frame.ts';
import { moteKeys } from '../../../../scripts/demo/lorawan/keys.ts';
import { silentLog } from '../../../../sdk/log.ts';

const motes = [0, 1].map((index) => moteKeys('test', index));
const keys = new Map(motes.map((mote) => [mote.devAddr, mote]));

/** What a gateway heard of mote `index`. */
function heard(index: number, fCnt: number, gatewayId = 'g1'): Frame {
  const mote = moteKeys('test', index);
  const data = buildFrame(mote, fCnt, Buffer.from([index, fCnt & 0xff]));
  return {
    data: data.toString('base64'),
    devAddr: mote.devAddr,
    fCnt16: fCnt & 0xffff,
    gatewayId,
    receivedAtMs: 1000 + fCnt,
    rssi: 0,
    lsnr: 0,
  };
}

describe('DeviceService', () => {
  const clock = systemClock();
  let dir: string;
  let door: Door;
  let service: DeviceService;
  let stopping: AbortController;
  let running: Promise<void>;
  let taken: { epoch: number; readings: Reading[] }[];
  let accept: () => Promise<void>;

  const makeDoor = async (epoch: number): Promise<void> => {
    door = createDoor({ socketsDir: join(dir, 's'), clock, log: silentLog() });
    door.onReadings(async (stamped, readings) => {
      await accept();
      taken.push({ epoch: stamped, readings });
    });
    await door.open(epoch);
  };
  const counters = () => taken.flatMap(({ readings }) => readings.map(({ fCnt }) => fCnt));

  async function until(done: () => boolean): Promise<void> {
    const deadline = AbortSignal.timeout(5000);
    while (!done()) await clock.sleep(2, deadline);
  }

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'eaas-dev-'));
    taken = [];
    accept = async () => undefined;
    await makeDoor(2);
    stopping = new AbortController();
    service = new DeviceService({ socketsDir: join(dir, 's'), keys, clock, log: () => undefined });
    running = service.run(stopping.signal);
  });

  afterEach(async () => {
    stopping.abort();
    await running;
    await door.close();
    await rm(dir, { recursive: true });
  });

  it('turns frames into readings of the epoch it was told', async () => {
    door.push(heard(0, 7));
    await until(() => taken.length === 1);
    const reading = { devAddr: motes[0]?.devAddr, fCnt: 7, payload: '0007', receivedAtMs: 1007 };
    expect(taken).to.deep.equal([{ epoch: 2, readings: [reading] }]);
    await until(() => door.stats().queuedFrames === 0);
  });

  it('rejects forged, damaged and foreign frames and goes on', async () => {
    const damaged = heard(0, 1);
    const bytes = Buffer.from(damaged.data, 'base64');
    bytes[9] = (bytes[9] ?? 0) ^ 1;
    door.push({ ...damaged, data: bytes.toString('base64') });
    door.push(heard(5, 2));
    door.push({ ...heard(1, 3), devAddr: motes[0]?.devAddr ?? '' });
    door.push({ ...heard(0, 4), data: '' });
    door.push(heard(0, 5));
    await until(() => door.stats().queuedFrames === 0);
    expect(counters()).to.deep.equal([5]);
    expect(service.stats).to.deep.equal({ frames: 5, rejected: 4, repeated: 0, delivered: 1, refused: 0 });
  });

  it('delivers a frame once that two gateways heard', async () => {
    door.push(heard(0, 1, 'g1'));
    door.push(heard(0, 1, 'g2'));
    door.push(heard(1, 1, 'g1'));
    await until(() => door.stats().queuedFrames === 0);
    expect(service.stats).to.include({ repeated: 1, delivered: 2 });
  });

  it('follows the counter over 16 bits', async () => {
    for (const fCnt of [65_534, 65_535, 65_536, 65_537]) door.push(heard(0, fCnt));
    await until(() => taken.length > 0 && door.stats().queuedFrames === 0);
    expect(counters()).to.deep.equal([65_534, 65_535, 65_536, 65_537]);
  });

  it('starts in the middle of a long-lived mote', async () => {
    door.push(heard(0, 9 * 65_536 + 3));
    await until(() => taken.length === 1);
    expect(counters()).to.deep.equal([9 * 65_536 + 3]);
  });

  it('loses nothing while the node cannot store readings', async () => {
    let failing = true;
    accept = async () => {
      if (failing) throw new Error('disk full');
    };
    for (let fCnt = 0; fCnt < 5; fCnt += 1) door.push(heard(0, fCnt));
    await until(() => service.stats.frames === 5);
    expect(door.stats().queuedFrames).to.equal(5);
    failing = false;
    await until(() => door.stats().queuedFrames === 0);
    expect(counters()).to.deep.equal([0, 1, 2, 3, 4]);
  });

  it('loses nothing when the node is killed and comes back', async () => {
    accept = () => Promise.reject(new Error('not yet'));
    for (let fCnt = 0; fCnt < 5; fCnt += 1) door.push(heard(0, fCnt));
    await until(() => service.stats.frames === 5);
    await door.close();
    accept = async () => undefined;
    // The new node has no memory of the frames; the workload has.
    await makeDoor(2);
    await until(() => counters().length === 5);
    expect(counters()).to.deep.equal([0, 1, 2, 3, 4]);
    door.push(heard(0, 5));
    await until(() => door.stats().queuedFrames === 0);
    expect(counters()).to.deep.equal([0, 1, 2, 3, 4, 5]);
  });

  it('acknowledges to a new node nothing that the old one had sent', async () => {
    accept = () => Promise.reject(new Error('not yet'));
    for (let fCnt = 0; fCnt < 200; fCnt += 1) door.push(heard(0, fCnt));
    await until(() => service.stats.frames === 200);
    await door.close();
    let posts = 0;
    accept = async () => {
      posts += 1;
      if (posts > 1) throw new Error('not yet');
    };
    await makeDoor(2);
    door.push(heard(1, 0));
    door.push(heard(1, 1));
    await until(() => posts > 2);
    expect(counters()).to.have.length(200);
    expect(door.stats().queuedFrames).to.equal(2);
  });

  it('moves on to the new epoch with what it had not delivered', async () => {
    accept = () => Promise.reject(new Error('not yet'));
    door.push(heard(0, 1));
    await until(() => service.stats.frames === 1);
    await door.open(4);
    accept = async () => undefined;
    await until(() => taken.length === 1);
    expect(taken[0]?.epoch).to.equal(4);
    await until(() => door.stats().queuedFrames === 0);
    expect(counters()).to.deep.equal([1]);
  });

  it('works through more frames than it reads ahead', async () => {
    accept = () => clock.sleep(1);
    for (let fCnt = 0; fCnt < 2500; fCnt += 1) door.push(heard(0, fCnt));
    await until(() => door.stats().queuedFrames === 0);
    expect(counters()).to.deep.equal(Array.from({ length: 2500 }, (_, fCnt) => fCnt));
  }).timeout(10_000);
});
