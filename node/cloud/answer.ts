/** What an HTTP handler gives back: bad input is an answer, not an exception. */
export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

export function ok(body: Record<string, unknown>, status = 200): Answer {
  return { status, body };
}

/** RFC 9457 problem details, with our `code` to decide on and a `remedy` to act on. */
export function problem(
  status: number,
  code: string,
  detail: string,
  remedy: string,
  extra: Record<string, unknown> = {},
): Answer {
  return { status, body: { type: 'about:blank', title: code, status, code, detail, remedy, ...extra } };
}

export function contentTypeOf(answer: Answer): string {
  return answer.status < 400 ? 'application/json' : 'application/problem+json';
}
