import type { ComponentLogger, Logger } from '@libp2p/interface';
import { defaultLogger } from '@libp2p/logger';

/**
 * libp2p's own log. It makes several loggers per stream, so outside of debugging (`DEBUG=libp2p:*`) all of them are
 * this one that says nothing.
 */
export function libp2pLogger(debug: string | undefined): ComponentLogger {
  if (debug !== undefined && debug !== '') return defaultLogger();
  const quiet = quietLogger();
  return { forComponent: () => quiet };
}

function quietLogger(): Logger {
  const nothing = (): void => {};
  const logger: Logger = Object.assign(nothing, {
    error: nothing,
    trace: nothing,
    enabled: false,
    newScope: () => logger,
  });
  return logger;
}
