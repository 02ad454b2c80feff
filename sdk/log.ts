/** What the parts need of a logger; `node/logger.ts` makes the real one. Values go into fields, not into the text. */
export interface Log {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  child(fields: Record<string, unknown>): Log;
}

/** For callers that want no log: says nothing. */
export function silentLog(): Log {
  const nothing = () => {};
  const log: Log = { error: nothing, warn: nothing, info: nothing, debug: nothing, child: () => log };
  return log;
}
