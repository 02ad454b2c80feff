import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { expect } from 'chai';
import type { Frame, South } from '../../../node/ports.ts';
import { decodeDatagram, encodePullData, encodePushData } from '../../../node/south/semtech-udp.ts';
import { type SouthInit, startSouth } from '../../../node/south/south.ts';
import { silentLog } from '../../../sdk/log.ts';
import { fakeClock } from '../../fakes/clock.ts';

const EUI = 'aa555a0000000101';
const KNOWN = Buffer.from('40F17DBE4900020001954378762B11FF0D', 'hex');
const DEVICE = new Set(['49be7df1']);

function frameWith(fCnt: number): string {
  const bytes = Buffer.from(KNOWN);
  bytes.writeUInt16LE(fCnt, 6);
  return bytes.toString('base64');
}

describe('startSouth', () => {
  let south: South;
  let gateway: Socket;
  const clock = fakeClock(1_000_000);

  async function start(init: Partial<SouthInit> = {}): Promise<void> {
    const base = { port: 0, host: '127.0.0.1', allowedGateways: null, bufferMs: 60_000, maxFrames: 100 };
    south = await startSouth({ ...base, clock, log: silentLog(), ...init });
    gateway = createSocket('udp4');
    gateway.bind(0, '127.0.0.1');
    await once(gateway, 'listening');
  }

  /** Sends, then a PULL_DATA whose answer says that everything before was handled: UDP on loopback keeps its order. */
  async function send(...datagrams: Buffer[]): Promise<(string | undefined)[]> {
    const answers: (string | undefined)[] = [];
    const flushed = new Promise<void>((resolve) => {
      gateway.on('message', (bytes) => {
        const answer = decodeDatagram(bytes);
        if (answer?.kind === 'pullAck' && answer.token === 0xffff) resolve();
        else answers.push(answer?.kind);
      });
    });
    for (const datagram of [...datagrams, encodePullData(0xffff, EUI)]) gateway.send(datagram, south.port, '127.0.0.1');
    await flushed;
    gateway.removeAllListeners('message');
    return answers;
  }

  afterEach(async () => {
    gateway.close();
    await south.stop();
  });

  it('acknowledges, buffers and passes on what a gateway heard', async () => {
    await start();
    const heard: Frame[] = [];
    south.subscribe(DEVICE, (frame) => heard.push(frame));
    const rxpk = [{ data: frameWith(7), rssi: -61, lsnr: 8.5, stat: 1 }];
    expect(await send(encodePushData(1, EUI, { rxpk }))).to.deep.equal(['pushAck']);
    const expected: Frame = {
      data: frameWith(7),
      devAddr: '49be7df1',
      fCnt16: 7,
      gatewayId: EUI,
      receivedAtMs: 1_000_000,
      rssi: -61,
      lsnr: 8.5,
    };
    expect(heard).to.deep.equal([expected]);
    expect(south.buffered(DEVICE, 0)).to.deep.equal([expected]);
  });

  it('takes a repeated datagram once, and acknowledges it again', async () => {
    await start();
    const heard: Frame[] = [];
    south.subscribe(DEVICE, (frame) => heard.push(frame));
    const datagram = encodePushData(1, EUI, { rxpk: [{ data: frameWith(7) }] });
    expect(await send(datagram, datagram)).to.deep.equal(['pushAck', 'pushAck']);
    expect(heard).to.have.length(1);
    expect(south.stats()).to.deep.equal({ received: 2, malformed: 0, buffered: 1, dropped: 0 });
  });

  it('counts what it does not understand and goes on', async () => {
    await start();
    const bad = [
      Buffer.from('hello'),
      Buffer.alloc(0),
      encodePushData(1, EUI, { rxpk: [{ data: 'AAAA' }, 7 as never] }),
    ];
    const crcError = encodePushData(2, EUI, { rxpk: [{ data: frameWith(1), stat: -1 }] });
    await send(...bad, crcError, encodePushData(3, EUI, { rxpk: [{ data: frameWith(2) }] }));
    expect(south.stats()).to.deep.include({ malformed: 5, buffered: 1 });
  });

  it('ignores gateways that are not allowed', async () => {
    await start({ allowedGateways: [EUI.toUpperCase()] });
    const stranger = 'ffffffffffffffff';
    const answers = await send(
      encodePushData(1, stranger, { rxpk: [{ data: frameWith(1) }] }),
      encodePullData(2, stranger),
      encodePushData(3, EUI, { rxpk: [{ data: frameWith(2) }] }),
    );
    expect(answers).to.deep.equal(['pushAck']);
    expect(south.buffered(DEVICE, 0).map(({ fCnt16 }) => fCnt16)).to.deep.equal([2]);
  });

  it('keeps no frames of devices that nobody insures', async () => {
    await start({ accepts: (devAddr) => devAddr === 'ffffffff' });
    const heard: Frame[] = [];
    south.subscribe(DEVICE, (frame) => heard.push(frame));
    await send(encodePushData(1, EUI, { rxpk: [{ data: frameWith(1) }] }));
    expect(south.stats()).to.deep.include({ received: 1, buffered: 0 });
    expect(heard).to.deep.equal([]);
  });

  it('stops calling a listener that has unsubscribed, and survives one that throws', async () => {
    await start();
    const heard: number[] = [];
    south.subscribe(DEVICE, () => {
      throw new Error('broken listener');
    });
    const unsubscribe = south.subscribe(DEVICE, (frame) => heard.push(frame.fCnt16));
    await send(encodePushData(1, EUI, { rxpk: [{ data: frameWith(1) }] }));
    unsubscribe();
    await send(encodePushData(2, EUI, { rxpk: [{ data: frameWith(2) }] }));
    expect(heard).to.deep.equal([1]);
  });

  it('says which port is taken', async () => {
    await start();
    const failed = await startSouth({
      port: south.port,
      host: '127.0.0.1',
      allowedGateways: null,
      bufferMs: 1,
      maxFrames: 1,
      clock,
      log: silentLog(),
    }).catch((error: unknown) => error);
    expect(failed).to.include({ code: 'SOUTH_PORT_TAKEN' });
    expect(failed).to.have.nested.property('context.port', south.port);
  });
});
