/**
 * The demo's workload, bundled into one file and run in a container without network, as another user:
 * frames in through `/run/eaas/south.sock`, readings out through `/run/eaas/north.sock`.
 *
 * `EAAS_DEVICE_KEYS` holds the motes' session keys as JSON; `EAAS_SOCKETS_DIR` replaces `/run/eaas` (process runtime).
 * Exit codes: 0 stopped by a signal, 2 wrong environment.
 */
import { systemClock } from '../../node/clock.ts';
import { parseDeviceKeys } from './device/device-keys.ts';
import { DeviceService } from './device/service.ts';

function log(event: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

async function main(): Promise<void> {
  const stopping = new AbortController();
  // As process 1 of a container it has no default handlers: without these, `stop` would wait for its grace to end.
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stopping.abort());
  const socketsDir = process.env.EAAS_SOCKETS_DIR ?? '/run/eaas';
  const keys = parseDeviceKeys(process.env.EAAS_DEVICE_KEYS);
  const service = new DeviceService({ socketsDir, keys, clock: systemClock(), log });
  log({ event: 'started', devices: keys.size });
  await service.run(stopping.signal);
  log({ event: 'stopped', ...service.stats });
}

try {
  await main();
} catch (error) {
  log({ event: 'failed', message: error instanceof Error ? error.message : String(error) });
  process.exitCode = 2;
}
