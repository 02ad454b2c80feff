import { EdgeError } from '../../market/errors.ts';

/** What travels back for a request: the handler's result, or why there is none. */
export type Answer = { result: unknown } | { error: { code: string; message: string } };

const CODE = /^[A-Z][A-Z0-9_]{0,63}$/;
const MAX_MESSAGE_CHARS = 500;
/** What only this side can find out: a peer that answers with one of these codes does not decide that it is dead. */
const LOCAL_CODES = new Set(['PEER_UNREACHABLE', 'CALL_TIMEOUT', 'CALL_FAILED']);

export function errorAnswer(code: string, message: string): Answer {
  return { error: { code: CODE.test(code) ? code : 'INTERNAL', message: message.slice(0, MAX_MESSAGE_CHARS) } };
}

/** The result in an answer frame. Throws the remote's error under its own code, or `CALL_FAILED` for anything else. */
export function resultOf(frame: unknown, context: { peerId: string; protocol: string }): unknown {
  if (!isObject(frame)) throw notUnderstood(context);
  if ('result' in frame) return frame.result;
  const error = frame.error;
  if (!isObject(error) || typeof error.code !== 'string' || typeof error.message !== 'string')
    throw notUnderstood(context);
  const message = error.message.slice(0, MAX_MESSAGE_CHARS);
  if (!CODE.test(error.code) || LOCAL_CODES.has(error.code)) {
    throw new EdgeError('CALL_FAILED', message, { context: { ...context, remoteCode: error.code.slice(0, 64) } });
  }
  throw new EdgeError(error.code, message, { context: { ...context, remote: true } });
}

function notUnderstood(context: { peerId: string; protocol: string }): EdgeError {
  return new EdgeError('CALL_FAILED', 'the answer was not understood', {
    context,
    remedy: 'The peer may run another version, or misbehave; choose another one.',
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
