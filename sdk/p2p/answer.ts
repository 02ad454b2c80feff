import type { Libp2p, Stream } from '@libp2p/interface';
import { EdgeError } from '../../market/errors.ts';
import type { Streams } from '../../market/ports.ts';
import type { Log } from '../log.ts';
import { type Answer, errorAnswer } from './call-format.ts';
import { encodeFrame, readFrame } from './frames.ts';
import { createGate, type Gate } from './gate.ts';
import { CALL_LIMITS } from './limits.ts';

type Handler = Parameters<Streams['handle']>[1];

/**
 * The inbound half of `Streams`. A handler takes a place only once the whole request is there, so that callers who are
 * slow to send cannot keep others out; too many calls of one peer or in all are answered `BUSY`.
 */
export function answerCalls(libp2p: Libp2p, log: Log): Streams['handle'] {
  const gate = createGate((key) => (key === 'all' ? CALL_LIMITS.maxInbound : CALL_LIMITS.maxInboundPerProtocol));
  return async (protocol, handler) => {
    await libp2p.handle(
      protocol,
      async (stream, connection) => {
        const call = { protocol, handler, from: connection.remotePeer.toString() };
        try {
          await answerOne(stream, gate, call, log);
        } catch (cause) {
          log.debug({ protocol, peerId: call.from, reason: String(cause) }, 'call not answered');
          stream.abort(cause instanceof Error ? cause : new Error('call not answered', { cause }));
        }
      },
      { maxInboundStreams: CALL_LIMITS.maxInboundPerProtocol, maxOutboundStreams: CALL_LIMITS.maxOutboundPerPeer },
    );
  };
}

interface Call {
  protocol: string;
  handler: Handler;
  from: string;
}

async function answerOne(stream: Stream, gate: Gate, call: Call, log: Log): Promise<void> {
  const body = await readRequest(stream);
  if (body instanceof EdgeError) return send(stream, encodeFrame(errorAnswer(body.code, body.message)));
  const leave = gate.tryEnter(['all', `${call.protocol} ${call.from}`]);
  if (leave === null) return send(stream, encodeFrame(errorAnswer('BUSY', 'too many calls at once, try again later')));
  try {
    await send(stream, await answerFrame(body, call, log));
  } finally {
    leave();
  }
}

/** A bad frame is told to the caller; one that never comes is not worth an answer. */
async function readRequest(stream: Stream): Promise<unknown> {
  try {
    return await readFrame(stream, AbortSignal.timeout(CALL_LIMITS.frameTimeoutMs));
  } catch (error) {
    if (error instanceof EdgeError && error.code === 'FRAME_INVALID') return error;
    throw error;
  }
}

async function answerFrame(body: unknown, { protocol, handler, from }: Call, log: Log): Promise<Uint8Array> {
  try {
    const answer: Answer = { result: (await handler(body, from)) ?? null };
    return encodeFrame(answer);
  } catch (error) {
    if (error instanceof Error && error.name === 'EdgeError' && 'code' in error && error.code !== 'FRAME_INVALID') {
      return encodeFrame(errorAnswer(String(error.code), error.message));
    }
    log.error({ protocol, peerId: from, error }, 'call handler failed');
    return encodeFrame(errorAnswer('INTERNAL', 'the peer failed to answer'));
  }
}

/** Resolves once both sides have finished; a caller that keeps its side open is cut off after the frame timeout. */
async function send(stream: Stream, frame: Uint8Array): Promise<void> {
  const signal = AbortSignal.timeout(CALL_LIMITS.frameTimeoutMs);
  if (stream.writeStatus !== 'writable') return;
  stream.send(frame);
  await stream.close({ signal });
  if (stream.status !== 'open') return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    stream.addEventListener('close', () => resolve(), { once: true, signal });
  });
  if (stream.status === 'open') stream.abort(new Error('the caller did not close its side'));
}
