import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { expect } from 'chai';
import { parseLorawanHeader } from '../../../../node/south/lorawan-header.ts';
import { decodeDatagram, encodePushAck } from '../../../../node/south/semtech-udp.ts';
import { parseGateways } from '../../../../scripts/demo/lorawan/gateway.ts';
import { moteKeys } from '../../../../scripts/demo/lorawan/keys.ts';
import { startMotes } from '../../../../scripts/demo/lorawan/motes.ts';
import { fakeClock } from '../../../fakes/clock.ts';

const motes = [0, 1].map((index) => moteKeys('test', index));

/** A server that notes what arrives and acknowledges it or not. */
async function startServer(acknowledges: boolean) {
  const socket: Socket = createSocket('udp4');
  const heard: { token: number; devAddr: string | undefined; fCnt16: number | undefined }[] = [];
  socket.on('message', (bytes, from) => {
    const datagram = decodeDatagram(bytes);
    if (datagram?.kind !== 'pushData') return;
    const header = parseLorawanHeader(Buffer.from(datagram.rxpk[0]?.data ?? '', 'base64'));
    heard.push({ token: datagram.token, devAddr: header?.devAddr, fCnt16: header?.fCnt16 });
    if (acknowledges) socket.send(encodePushAck(datagram.token), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { heard, socket, port: socket.address().port };
}

/** Datagrams cross the real loopback while the clock stands still. */
async function until(done: () => boolean): Promise<void> {
  const deadline = AbortSignal.timeout(2000);
  while (!done()) {
    deadline.throwIfAborted();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('startMotes', () => {
  it('sends in turn to every gateway, and counts a frame once', async () => {
    const clock = fakeClock(5000);
    const servers = [await startServer(true), await startServer(true)];
    const gateways = servers.map(({ port }, index) => ({ id: `aa0000000000000${index}`, host: '127.0.0.1', port }));
    const running = await startMotes({ motes, intervalMs: 1000, firstFCnt: 65_535, gateways, clock });
    const acknowledged = (count: number) => () =>
      running.report().gateways.every((gateway) => gateway.acknowledged === count);
    await clock.tick(0);
    await until(acknowledged(1));
    await clock.tick(500);
    await until(acknowledged(2));
    await clock.tick(500);
    await until(acknowledged(3));
    await running.stop();
    const [first, second] = motes.map(({ devAddr }) => devAddr);
    for (const { heard, socket } of servers) {
      expect(heard.map(({ devAddr, fCnt16 }) => [devAddr, fCnt16])).to.deep.equal([
        [first, 65_535],
        [second, 65_535],
        [first, 0],
      ]);
      socket.close();
    }
    expect(running.report()).to.deep.equal({
      sent: 3,
      motes: [
        {
          devAddr: first,
          count: 2,
          frames: [
            [65_535, 5000],
            [65_536, 6000],
          ],
        },
        { devAddr: second, count: 1, frames: [[65_535, 5500]] },
      ],
      gateways: gateways.map(({ id }) => ({ id, sent: 3, acknowledged: 3, repeated: 0, lost: 0 })),
    });
  });

  it('repeats what is not acknowledged, then gives up', async () => {
    const clock = fakeClock();
    const { heard, socket, port } = await startServer(false);
    const gateways = [{ id: 'aa00000000000001', host: '127.0.0.1', port }];
    const [mote] = motes;
    const running = await startMotes({ motes: mote ? [mote] : [], intervalMs: 60_000, firstFCnt: 0, gateways, clock });
    await clock.tick(199);
    await until(() => heard.length === 1);
    await clock.tick(1);
    await until(() => heard.length === 2);
    await clock.tick(200);
    await until(() => heard.length === 3);
    await clock.tick(2000);
    expect(new Set(heard.map(({ token }) => token)).size).to.equal(1);
    expect(running.report().gateways).to.deep.equal([
      { id: 'aa00000000000001', sent: 1, acknowledged: 0, repeated: 2, lost: 1 },
    ]);
    await running.stop();
    socket.close();
  });
});

describe('parseGateways', () => {
  it('reads a list', () => {
    expect(parseGateways('aa555a0000000101@127.0.0.1:1700, aa555a0000000102@pi.local:1701')).to.deep.equal([
      { id: 'aa555a0000000101', host: '127.0.0.1', port: 1700 },
      { id: 'aa555a0000000102', host: 'pi.local', port: 1701 },
    ]);
  });

  for (const text of ['', 'aa@127.0.0.1:1', 'aa555a0000000101@127.0.0.1', 'aa555a0000000101@127.0.0.1:99999']) {
    it(`refuses "${text}"`, () => {
      expect(() => parseGateways(text)).to.throw('eui@host:port');
    });
  }
});
