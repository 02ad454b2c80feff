import { mkdir } from 'node:fs/promises';
import { EdgeError } from '../market/errors.ts';
import { systemClock } from './clock.ts';
import { type Base, type Overrides, Undo } from './compose/base.ts';
import { startCloudRole } from './compose/cloud-role.ts';
import { startEdgeRole } from './compose/edge-role.ts';
import type { NodeConfig } from './config.ts';
import { openKeystore } from './keystore.ts';
import { createLogger } from './logger.ts';

export type { Overrides } from './compose/base.ts';

export interface RunningNode {
  readonly address: string;
  readonly peerId: string | null;
  readonly apiPort: number | null;
  /** Stops in the reverse order of the start. A second call does nothing. */
  stop(): Promise<void>;
}

/**
 * Builds and starts a node from its configuration. Together with `compose/` this is the only place where real parts
 * are put together. Throws `KEYSTORE_PASSWORD_WRONG`, `STORE_LOCKED`, `LISTEN_FAILED`, `RUNTIME_UNAVAILABLE` and other
 * expected errors; what had started by then is stopped.
 */
export async function startNode(config: NodeConfig, password: string, overrides: Overrides = {}): Promise<RunningNode> {
  const clock = overrides.clock ?? systemClock();
  const log = overrides.logger ?? createLogger({ level: config.log.level, name: config.name });
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const keys = await openKeystore({ dir: config.dataDir, password });
  const stopping = new AbortController();
  const base: Base = { config, clock, log, keys, undo: new Undo(), signal: stopping.signal, overrides };
  const stop = async (): Promise<void> => {
    stopping.abort(new EdgeError('NODE_STOPPING', 'the node stops'));
    await base.undo.run(log);
  };
  try {
    const started = config.role === 'cloud' ? await startCloudRole(base) : await startEdgeRole(base);
    return { ...started, address: keys.wallet.address, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
