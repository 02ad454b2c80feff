import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Reading } from '../../../arbitrator/types.ts';
import { systemClock } from '../../../node/clock.ts';
import { createDoor, type Door } from '../../../node/workload-door/door.ts';
import { buildFrame } from '../../../scripts/demo/lorawan/frame.ts';
import { deviceKeysEnv, moteKeys } from '../../../scripts/demo/lorawan/keys.ts';
import { silentLog } from '../../../sdk/log.ts';

const SERVICE = join(import.meta.dirname, '../../../scripts/demo/device-service.ts');
const mote = moteKeys('test', 0);

describe('device-service, as a process', function () {
  this.timeout(15_000);
  const clock = systemClock();
  let dir: string;
  let door: Door;
  let child: ChildProcess | null = null;

  function start(env: Record<string, string>): ChildProcess {
    child = spawn(process.execPath, [SERVICE], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    return child;
  }

  async function outputOf(process: ChildProcess): Promise<Record<string, unknown>[]> {
    let text = '';
    for await (const chunk of process.stdout ?? []) text += chunk;
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  }

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'eaas-svc-'));
    door = createDoor({ socketsDir: dir, clock, log: silentLog() });
    await door.open(2);
  });

  afterEach(async () => {
    if (child?.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await door.close();
    await rm(dir, { recursive: true });
  });

  it('delivers a reading and exits cleanly on SIGTERM', async () => {
    const delivered = new Promise<Reading[]>((resolve) =>
      door.onReadings(async (_epoch, readings) => resolve(readings)),
    );
    const data = buildFrame(mote, 1, Buffer.from('hi')).toString('base64');
    door.push({ data, devAddr: mote.devAddr, fCnt16: 1, gatewayId: 'g', receivedAtMs: 5, rssi: 0, lsnr: 0 });
    const service = start({ EAAS_DEVICE_KEYS: deviceKeysEnv([mote]), EAAS_SOCKETS_DIR: dir });
    const output = outputOf(service);
    expect(await delivered).to.deep.equal([{ devAddr: mote.devAddr, fCnt: 1, payload: '6869', receivedAtMs: 5 }]);
    service.kill('SIGTERM');
    expect(await once(service, 'exit')).to.deep.equal([0, null]);
    expect((await output).map(({ event }) => event)).to.deep.equal(['started', 'connected', 'stopped']);
  });

  it('says what is wrong with its keys and exits with 2', async () => {
    const service = start({ EAAS_DEVICE_KEYS: '{"x":1}', EAAS_SOCKETS_DIR: dir });
    const output = outputOf(service);
    expect(await once(service, 'exit')).to.deep.equal([2, null]);
    const [first] = await output;
    expect(first).to.include({ event: 'failed' });
    expect(first?.message).to.match(/x is no device address/);
  });
});
