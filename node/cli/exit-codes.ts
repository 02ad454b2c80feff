import { isExpected } from '../../market/errors.ts';

/** What the process tells the shell. Stable: scripts decide on it. */
export const EXIT_CODES = {
  ok: 0,
  /** Anything not named below, and every bug. */
  failure: 1,
  /** Wrong command line. */
  usage: 2,
  /** Wrong configuration, policy, compose file or keystore. */
  config: 3,
  notFound: 4,
  /** Refused by somebody, or not enough money. */
  denied: 5,
  network: 6,
  timeout: 7,
  /** Another process holds it: a data folder, a port. */
  busy: 8,
} as const;
export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** First match wins: special cases before patterns. */
const TABLE: readonly [codes: RegExp, exit: ExitCode][] = [
  [/^CONFIG_|^POLICY_|^COMPOSE_|^KEYSTORE_|^PASSWORD_|^WORKLOAD_INVALID$|^PLACE_INVALID$/, EXIT_CODES.config],
  [/^USAGE|^commander\./, EXIT_CODES.usage],
  [/_TIMEOUT$|^TIMEOUT/, EXIT_CODES.timeout],
  [/_LOCKED$|PORT_TAKEN$/, EXIT_CODES.busy],
  [/_NOT_FUNDED$|_UNFUNDED$|_DENIED$|_DECLINED$|_REFUSED$|^NOT_ALLOWED$|^FUNDS_|^STAKE_/, EXIT_CODES.denied],
  [/_UNREACHABLE$|_UNAVAILABLE$|^CALL_FAILED$|^CHAIN_|^NODE_NOT_RUNNING$|^STREAM_/, EXIT_CODES.network],
  [/_UNKNOWN$|_NOT_FOUND$|^NOT_FOUND$|_MISSING$|^NO_OFFER_FITS$/, EXIT_CODES.notFound],
];

/** Codes of Node.js for things a user can mend. */
const SYSTEM: Record<string, ExitCode> = {
  ECONNREFUSED: EXIT_CODES.network,
  ECONNRESET: EXIT_CODES.network,
  ENOTFOUND: EXIT_CODES.network,
  EHOSTUNREACH: EXIT_CODES.network,
  ETIMEDOUT: EXIT_CODES.timeout,
  EACCES: EXIT_CODES.denied,
  EPERM: EXIT_CODES.denied,
  ENOENT: EXIT_CODES.notFound,
};

export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof Error)) return EXIT_CODES.failure;
  if (error.name === 'TimeoutError') return EXIT_CODES.timeout;
  const code = String((error as { code?: unknown }).code ?? '');
  if (code.startsWith('commander.')) return EXIT_CODES.usage;
  if (!isExpected(error)) return SYSTEM[code] ?? EXIT_CODES.failure;
  return TABLE.find(([codes]) => codes.test(code))?.[1] ?? EXIT_CODES.failure;
}
