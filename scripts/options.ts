/** Options that several commands of a checkout share. */
import { Option } from 'commander';
import { EdgeError } from '../market/errors.ts';
import { parseDurationMs } from '../market/units.ts';

const MIN_HEARTBEAT_MS = 50;
const MAX_HEARTBEAT_MS = 60_000;

export function runtimeOption(): Option {
  return new Option('--runtime <name>', 'container runtime')
    .choices(['auto', 'docker', 'namespaces', 'process'])
    .default('auto');
}

export function heartbeatOption(): Option {
  return new Option('--heartbeat <duration>', 'interval of heartbeats').default('1s');
}

/** Throws `USAGE`. */
export function parseHeartbeatMs(text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== null && ms >= MIN_HEARTBEAT_MS && ms <= MAX_HEARTBEAT_MS) return ms;
  throw new EdgeError('USAGE', `--heartbeat takes 50ms to 1m, not "${text}"`, {
    context: { text },
    remedy: 'give a duration such as 1s or 200ms',
  });
}
