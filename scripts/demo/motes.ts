/**
 * Simulated motes: real LoRaWAN frames, sent as packet forwarders would, to every gateway in radio range.
 *
 *   motes.ts --seed bridge --gateways aa555a0000000101@127.0.0.1:1700,… [--count 12] [--interval-ms 1000] [--first-fcnt 0]
 *
 * Commands on standard input (or as IPC messages), one per line: `report` prints the counters as one JSON line, `stop`
 * sends no more frames, waits for the last acknowledgements, prints the counters and exits. So does SIGTERM.
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { systemClock } from '../../node/clock.ts';
import { parseGateways } from './lorawan/gateway.ts';
import { moteKeys } from './lorawan/keys.ts';
import { startMotes } from './lorawan/motes.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: 'bridge' },
    gateways: { type: 'string' },
    count: { type: 'string', default: '12' },
    'interval-ms': { type: 'string', default: '1000' },
    'first-fcnt': { type: 'string', default: '0' },
  },
});

function numberOf(name: 'count' | 'interval-ms' | 'first-fcnt', min: number, max: number): number {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new Error(`--${name} takes a whole number from ${min} to ${max}, not ${values[name]}`);
}

async function main(): Promise<void> {
  const count = numberOf('count', 1, 256);
  const motes = await startMotes({
    motes: Array.from({ length: count }, (_, index) => moteKeys(values.seed, index)),
    intervalMs: numberOf('interval-ms', 10, 86_400_000),
    firstFCnt: numberOf('first-fcnt', 0, 2 ** 32 - 1),
    gateways: parseGateways(values.gateways ?? ''),
    clock: systemClock(),
  });
  const print = (type: 'report' | 'stopped') => {
    const line = { type, ...motes.report() };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    process.send?.(line);
  };
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    await motes.stop();
    print('stopped');
    input.close();
    process.stdin.destroy();
    if (process.connected) process.disconnect();
  };
  const onCommand = (command: unknown) => {
    if (command === 'report') print('report');
    if (command === 'stop') void stop();
  };
  const input = createInterface({ input: process.stdin });
  input.on('line', (line) => onCommand(line.trim()));
  process.on('message', onCommand);
  process.on('SIGTERM', () => void stop());
  process.on('SIGINT', () => void stop());
}

try {
  await main();
} catch (error) {
  process.stderr.write(`motes: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
