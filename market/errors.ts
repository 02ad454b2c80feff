/** What an `EdgeError` carries besides its message. */
export interface EdgeErrorInit {
  /** The offending values, as plain data: no keys, no raw network bytes. */
  context?: Record<string, unknown>;
  /** What the reader can do about it, one sentence. */
  remedy?: string;
  cause?: unknown;
}

/**
 * The one error class of this project. Callers decide on `code`, never on the message or on `instanceof`.
 *
 * `code` says what happened (`CONFIG_INVALID`, `PEER_UNREACHABLE`), in capitals; each folder lists its own codes.
 */
export class EdgeError<Code extends string = string> extends Error {
  override readonly name = 'EdgeError';
  readonly code: Code;
  readonly context: Record<string, unknown>;
  readonly remedy: string | undefined;

  constructor(code: Code, message: string, init: EdgeErrorInit = {}) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = code;
    this.context = init.context ?? {};
    this.remedy = init.remedy;
  }
}

/** True for any error with this code, also one made by another copy of this package. */
export function hasCode(error: unknown, code: string): error is EdgeError {
  return typeof error === 'object' && error !== null && (error as { code?: unknown }).code === code;
}

/** True for errors that a user can mend: they are printed as one line, without a stack. */
export function isExpected(error: unknown): error is EdgeError {
  return error instanceof Error && error.name === 'EdgeError';
}
