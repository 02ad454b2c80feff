import { EdgeError } from '../../market/errors.ts';
import type { Clock } from '../../market/ports.ts';
import type { NodeConfig } from '../config.ts';
import type { Keys } from '../keystore.ts';
import type { Logger } from '../logger.ts';
import type { Runtime } from '../ports.ts';

/** Parts that a caller may put in place of the real ones: tests, the demo's breaching provider, other runtimes. */
export interface Overrides {
  clock?: Clock;
  logger?: Logger;
  runtime?: Runtime;
  /** Puts something around the chosen runtime. */
  wrapRuntime?: (runtime: Runtime) => Runtime;
  /** Lets `runtime: process` run strangers' containers unisolated. For the demo only. */
  allowProcess?: boolean;
  /** How long a customer that comes back waits before it calls a missing takeover a breach, milliseconds. */
  breachAfterMs?: number;
}

/** Things to undo, newest first. A start that fails half way undoes what it did. */
export class Undo {
  private readonly steps: (() => Promise<void> | void)[] = [];

  add(step: () => Promise<void> | void): void {
    this.steps.push(step);
  }

  async run(log: Logger): Promise<void> {
    for (let step = this.steps.pop(); step !== undefined; step = this.steps.pop()) {
      try {
        await step();
      } catch (error) {
        log.warn({ error: String(error) }, 'a part did not stop cleanly');
      }
    }
  }
}

/** What every role starts from. */
export interface Base {
  config: NodeConfig;
  clock: Clock;
  log: Logger;
  keys: Keys;
  undo: Undo;
  /** Aborts when the node stops. */
  signal: AbortSignal;
  overrides: Overrides;
}

/** A disk that failed once cannot be trusted with promises: stop before anything else is promised. */
export function stopAtOnce(log: Logger): (error: unknown) => void {
  return (error) => {
    log.error({ error: String(error) }, 'the store failed; the node stops at once');
    process.exit(1);
  };
}

/** A section that the configuration's schema demands for this role. */
export function section<T>(value: T | undefined, name: string): T {
  if (value !== undefined) return value;
  throw new EdgeError('CONFIG_INVALID', `the section ${name} is missing`, {
    remedy: `add ${name} to the configuration`,
  });
}
