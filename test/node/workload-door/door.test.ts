import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Reading } from '../../../arbitrator/types.ts';
import type { Frame } from '../../../node/ports.ts';
import { createDoor, type Door, type DoorInit } from '../../../node/workload-door/door.ts';
import { silentLog } from '../../../sdk/log.ts';
import { fakeClock } from '../../fakes/clock.ts';

const READING: Reading = { devAddr: '01000001', fCnt: 1, payload: '0a', receivedAtMs: 5 };

function frame(fCnt16: number): Frame {
  return { data: 'AAAA', devAddr: '01000001', fCnt16, gatewayId: 'g', receivedAtMs: fCnt16, rssi: 0, lsnr: 0 };
}

interface Line {
  type: string;
  seq?: number;
  epoch?: number;
  frame?: Frame;
}

/** A workload that reads lines one by one. */
class Workload {
  readonly socket: Socket;
  private readonly lines: AsyncIterator<Line>;

  constructor(dir: string) {
    this.socket = connect(join(dir, 'south.sock'));
    this.lines = this.read();
  }

  async next(count = 1): Promise<Line[]> {
    const found: Line[] = [];
    while (found.length < count) {
      const { value, done } = await this.lines.next();
      if (done) throw new Error(`the door hung up after ${found.length} of ${count} lines`);
      found.push(value);
    }
    return found;
  }

  ack(seq: number): void {
    this.socket.write(`${JSON.stringify({ type: 'ack', seq })}\n`);
  }

  private async *read(): AsyncGenerator<Line> {
    let text = '';
    for await (const chunk of this.socket) {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line);
    }
  }
}

function post(
  dir: string,
  body: string,
  path = '/readings',
): Promise<{ status: number; body: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: join(dir, 'north.sock'), path, method: 'POST' }, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

describe('createDoor', () => {
  let dir: string;
  let door: Door;
  const clock = fakeClock(1000);

  async function open(init: Partial<DoorInit> = {}, epoch = 2): Promise<void> {
    door = createDoor({ socketsDir: join(dir, 's'), devices: ['01000001'], clock, log: silentLog(), ...init });
    await door.open(epoch);
  }

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'eaas-door-'));
  });

  afterEach(async () => {
    await door.close();
    await rm(dir, { recursive: true });
  });

  it('greets with epoch and devices, then streams frames in order', async () => {
    await open();
    door.push(frame(1));
    expect(door.connected()).to.equal(false);
    const workload = new Workload(door.socketsDir);
    expect(await workload.next(2)).to.deep.equal([
      { type: 'hello', version: 1, epoch: 2, devices: ['01000001'] },
      { type: 'frame', seq: 1, frame: frame(1) },
    ]);
    door.push(frame(2));
    expect(await workload.next()).to.deep.equal([{ type: 'frame', seq: 2, frame: frame(2) }]);
    expect(door.connected()).to.equal(true);
    expect(door.stats().connectedAtMs).to.equal(1000);
  });

  it('sends again what was not acknowledged, and only that', async () => {
    await open();
    for (const fCnt of [1, 2, 3]) door.push(frame(fCnt));
    const first = new Workload(door.socketsDir);
    await first.next(4);
    first.ack(2);
    first.socket.end();
    await once(first.socket, 'close');
    door.push(frame(4));
    const second = new Workload(door.socketsDir);
    const lines = await second.next(3);
    expect(lines.map(({ type, seq }) => seq ?? type)).to.deep.equal(['hello', 3, 4]);
    expect(door.stats().queuedFrames).to.equal(2);
  });

  it('lets a new connection replace the one before', async () => {
    await open();
    const first = new Workload(door.socketsDir);
    await first.next();
    const second = new Workload(door.socketsDir);
    await second.next();
    await once(first.socket, 'close');
    door.push(frame(1));
    expect((await second.next())[0]?.seq).to.equal(1);
  });

  it('loses no frame to a workload that reads slowly', async () => {
    await open();
    const workload = new Workload(door.socketsDir);
    await workload.next();
    for (let fCnt = 0; fCnt < 3000; fCnt += 1) door.push(frame(fCnt));
    const lines = await workload.next(3000);
    expect(lines.map((line) => line.frame?.fCnt16)).to.deep.equal(Array.from({ length: 3000 }, (_, fCnt) => fCnt));
  });

  it('drops the oldest frames of a workload that never comes, and counts them', async () => {
    await open({ maxFrames: 3 });
    for (const fCnt of [1, 2, 3, 4, 5]) door.push(frame(fCnt));
    expect(door.stats()).to.deep.include({ queuedFrames: 3, droppedFrames: 2 });
    const workload = new Workload(door.socketsDir);
    expect((await workload.next(4)).map(({ seq }) => seq)).to.deep.equal([undefined, 3, 4, 5]);
  });

  for (const [name, line] of [
    ['no JSON', 'hello\n'],
    ['another message', '{"type":"nack","seq":1}\n'],
    ['a line without an end', 'x'.repeat(300)],
  ]) {
    it(`hangs up on ${name}, and keeps the frames`, async () => {
      await open();
      door.push(frame(1));
      const hostile = new Workload(door.socketsDir);
      await hostile.next(2);
      hostile.socket.write(line ?? '');
      await once(hostile.socket, 'close');
      expect(door.stats().queuedFrames).to.equal(1);
    });
  }

  it('believes no acknowledgement of frames it has not sent', async () => {
    await open();
    const workload = new Workload(door.socketsDir);
    await workload.next();
    // Far more than the buffers between the two hold: most are not sent before somebody reads.
    for (let fCnt = 0; fCnt < 3000; fCnt += 1) door.push(frame(fCnt));
    workload.ack(1_000_000);
    expect((await workload.next(3000)).at(-1)?.seq).to.equal(3000);
  });

  it('sends every frame, also those it can no longer repeat', async () => {
    await open({ maxFrames: 3 });
    const workload = new Workload(door.socketsDir);
    await workload.next();
    for (let fCnt = 1; fCnt <= 6; fCnt += 1) {
      door.push(frame(fCnt));
      expect((await workload.next())[0]?.seq).to.equal(fCnt);
    }
    expect(door.stats()).to.deep.include({ queuedFrames: 3, droppedFrames: 3 });
  });

  it('tells the new epoch on the next connection and refuses readings of the old one', async () => {
    await open();
    door.onReadings(async () => undefined);
    const workload = new Workload(door.socketsDir);
    await workload.next();
    await door.open(4);
    await once(workload.socket, 'close');
    expect(door.connected()).to.equal(false);
    const answer = await post(door.socketsDir, JSON.stringify({ epoch: 2, readings: [READING] }));
    expect(answer).to.deep.include({ status: 409 });
    expect(answer.body).to.include({ code: 'EPOCH_STALE', currentEpoch: 4 });
    const again = new Workload(door.socketsDir);
    expect((await again.next())[0]).to.include({ epoch: 4 });
  });

  it('answers readings only after the listener has stored them', async () => {
    await open();
    let stored: Reading[] = [];
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    door.onReadings(async (_epoch, readings) => {
      await gate;
      stored = readings;
    });
    let answered = false;
    const answer = post(door.socketsDir, JSON.stringify({ epoch: 2, readings: [READING] })).then((result) => {
      answered = true;
      return result;
    });
    // Another request's round trip: long enough for an answer that did not wait.
    await post(door.socketsDir, '{}');
    expect(answered).to.equal(false);
    release();
    expect(await answer).to.deep.equal({ status: 200, body: { accepted: 1 } });
    expect(stored).to.deep.equal([READING]);
    expect(door.stats().firstReadingAtMs).to.equal(1000);
  });

  it('says that readings were not stored when the listener fails, or is not there', async () => {
    await open();
    const body = JSON.stringify({ epoch: 2, readings: [READING] });
    expect((await post(door.socketsDir, body)).body).to.include({ code: 'NOT_READY' });
    door.onReadings(() => Promise.reject(new Error('disk full')));
    expect((await post(door.socketsDir, body)).body).to.include({ code: 'NOT_STORED' });
    expect(door.stats().firstReadingAtMs).to.equal(null);
  });

  const badBodies: [string, string, string][] = [
    ['no JSON', 'x', 'READINGS_INVALID'],
    ['no readings', '{"epoch":2,"readings":[]}', 'READINGS_INVALID'],
    ['a reading without payload', '{"epoch":2,"readings":[{"devAddr":"01000001","fCnt":1}]}', 'READINGS_INVALID'],
    ['too many readings', JSON.stringify({ epoch: 2, readings: Array(201).fill(READING) }), 'READINGS_INVALID'],
    ['a body over the limit', ' '.repeat(300_000), 'BODY_TOO_LARGE'],
  ];
  for (const [name, body, code] of badBodies) {
    it(`refuses ${name} with ${code}`, async () => {
      await open();
      door.onReadings(() => Promise.reject(new Error('must not be called')));
      const answer = await post(door.socketsDir, body);
      expect(answer.body).to.include({ code });
      expect(answer.body).to.have.property('remedy');
    });
  }

  it('knows two paths only', async () => {
    await open();
    expect((await post(door.socketsDir, '{}', '/other')).status).to.equal(404);
  });

  it('lets other users in by name, but not list the folder', async () => {
    await open();
    const mode = async (path: string) => (await stat(path)).mode & 0o777;
    expect(await mode(door.socketsDir)).to.equal(0o711);
    expect(await mode(join(door.socketsDir, 'south.sock'))).to.equal(0o666);
    expect(await mode(join(door.socketsDir, 'north.sock'))).to.equal(0o666);
  });

  it('opens over the sockets that a killed node left behind', async () => {
    await open();
    await door.close();
    await writeFile(join(door.socketsDir, 'south.sock'), '');
    await door.open(3);
    const workload = new Workload(door.socketsDir);
    expect((await workload.next())[0]).to.include({ epoch: 3 });
  });

  it('closes twice without harm', async () => {
    await open();
    await door.close();
    await door.close();
  });

  it('refuses a folder whose sockets would have too long a path', async () => {
    await open();
    const long = join(dir, 'x'.repeat(100));
    expect(() => createDoor({ socketsDir: long, clock, log: silentLog() }))
      .to.throw()
      .that.includes({ code: 'SOCKET_PATH_TOO_LONG' });
  });
});
