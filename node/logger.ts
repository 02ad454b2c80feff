import { type DestinationStream, destination as fileDestination, type Logger as PinoLogger, pino } from 'pino';
import type { Log } from '../sdk/log.ts';

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug';

/**
 * Structured log of one node. Levels: `error` needs a person, `warn` may need one, `info` is what an owner wants to
 * read (rare), `debug` is for us. No secrets at any level, no raw network bytes at `info` or above.
 */
export interface Logger extends Log {
  child(fields: Record<string, unknown>): Logger;
}

export interface LoggerInit {
  level: LogLevel;
  /** Which node or program speaks. */
  name: string;
  /** A file that is appended to, or a stream; standard error when left out (standard output is for answers). */
  destination?: string | DestinationStream;
}

/** Lines of JSON; written synchronously, so that the last line before a crash is there. */
export function createLogger({ level, name, destination }: LoggerInit): Logger {
  const stream =
    typeof destination === 'object'
      ? destination
      : fileDestination({ dest: destination ?? 2, sync: true, append: true, mkdir: true, mode: 0o600 });
  const options = {
    level,
    base: { name, pid: process.pid },
    formatters: { log: redactFields, level: (label: string) => ({ level: label }) },
  };
  return loggerOver(pino(options, stream));
}

function loggerOver(writer: PinoLogger): Logger {
  return {
    error: (fields, message) => writer.error(fields, message),
    warn: (fields, message) => writer.warn(fields, message),
    info: (fields, message) => writer.info(fields, message),
    debug: (fields, message) => writer.debug(fields, message),
    child: (fields) => loggerOver(writer.child(redactFields(fields))),
  };
}

const SECRET_NAME = /password|passphrase|secret|mnemonic|seed|key$/i;
const NOT_SECRET_NAME = /publicKey$/i;
const MAX_DEPTH = 8;

function redactFields(fields: Record<string, unknown>): Record<string, unknown> {
  return redact(fields, 0) as Record<string, unknown>;
}

/** A copy that is safe to print: fields named like secrets are hidden, bytes and bigints made readable. */
function redact(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return '[too deep]';
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  if (value instanceof Error) return redact(errorFields(value), depth);
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      SECRET_NAME.test(name) && !NOT_SECRET_NAME.test(name) ? '[redacted]' : redact(member, depth + 1),
    ]),
  );
}

function errorFields(error: Error): Record<string, unknown> {
  const { code, context, remedy } = error as { code?: unknown; context?: unknown; remedy?: unknown };
  return { type: error.name, code, message: error.message, context, remedy, cause: error.cause, stack: error.stack };
}
