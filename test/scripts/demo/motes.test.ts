import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { decodeDatagram, encodePushAck } from '../../../node/south/semtech-udp.ts';
import type { MotesReport } from '../../../scripts/demo/lorawan/motes.ts';

const MOTES = join(import.meta.dirname, '../../../scripts/demo/motes.ts');

describe('motes, as a process', function () {
  this.timeout(15_000);
  let socket: Socket;
  let child: ChildProcess;
  let frames: number;

  function start(...options: string[]): AsyncIterator<string> {
    const gateways = `aa555a0000000101@127.0.0.1:${socket.address().port}`;
    child = spawn(process.execPath, [MOTES, '--gateways', gateways, ...options], { stdio: ['pipe', 'pipe', 'pipe'] });
    if (!child.stdout) throw new Error('no standard output');
    return createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  beforeEach(async () => {
    frames = 0;
    socket = createSocket('udp4');
    socket.on('message', (bytes, from) => {
      const datagram = decodeDatagram(bytes);
      if (datagram?.kind !== 'pushData') return;
      frames += datagram.rxpk.length;
      socket.send(encodePushAck(datagram.token), from.port, from.address);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
  });

  afterEach(() => {
    child.kill('SIGKILL');
    socket.close();
  });

  it('reports when asked, and stops with every frame accounted for', async () => {
    const lines = start('--interval-ms', '40', '--count', '4', '--first-fcnt', '100');
    await once(socket, 'message');
    child.stdin?.write('report\n');
    expect(JSON.parse((await lines.next()).value)).to.include({ type: 'report' });
    child.stdin?.write('stop\n');
    const last = JSON.parse((await lines.next()).value) as MotesReport & { type: string };
    expect(last.type).to.equal('stopped');
    expect(last.motes).to.have.length(4);
    expect(last.motes[0]?.frames[0]?.[0]).to.equal(100);
    expect(last.sent).to.equal(frames);
    expect(last.gateways[0]).to.include({ sent: frames, acknowledged: frames, lost: 0 });
    expect(await once(child, 'exit')).to.deep.equal([0, null]);
  });

  it('gives its counters on SIGTERM too', async () => {
    const lines = start('--interval-ms', '1000', '--count', '1');
    await once(socket, 'message');
    child.kill('SIGTERM');
    expect(JSON.parse((await lines.next()).value)).to.include({ type: 'stopped', sent: 1 });
  });

  it('says which option is wrong', async () => {
    start('--interval-ms', '0');
    const [text] = await once(child.stderr ?? child, 'data');
    expect(String(text)).to.match(/--interval-ms takes a whole number from 10/);
    expect(await once(child, 'exit')).to.deep.equal([2, null]);
  });
});
