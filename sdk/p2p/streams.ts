import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { EdgeError, hasCode } from '../../market/errors.ts';
import type { PeerRef, Streams } from '../../market/ports.ts';
import type { Log } from '../log.ts';
import { answerCalls } from './answer.ts';
import { resultOf } from './call-format.ts';
import { createAliveCheck, isGone, openStream, unreachable } from './connect.ts';
import { encodeFrame, readFrame } from './frames.ts';
import { createGate } from './gate.ts';
import { CALL_LIMITS } from './limits.ts';

interface Call {
  peer: PeerRef;
  protocol: string;
  frame: Uint8Array;
  signal: AbortSignal;
}

/**
 * Request and answer over libp2p: one stream per call, one JSON frame each way (README.md shows the format).
 *
 * Besides the codes of the port, a call throws what the remote handler answered, under the remote's code and with
 * `context.remote`; `BUSY` and `INTERNAL` are answers too. When the caller's signal aborts, its reason is thrown.
 */
export function createStreams(libp2p: Libp2p, log: Log): Streams {
  const gate = createGate(outboundLimit);
  const checkAlive = createAliveCheck(libp2p);
  return {
    call: async (peer, protocol, body, { timeoutMs, signal: cancel }) => {
      const frame = requestFrame(body, { peerId: peer.peerId, protocol });
      const deadline = AbortSignal.timeout(timeoutMs);
      const signal = cancel === undefined ? deadline : AbortSignal.any([deadline, cancel]);
      try {
        const answer = await queued(gate.enter(lanesOf(peer.peerId, protocol), signal), () =>
          exchange(libp2p, { peer, protocol, frame, signal }),
        );
        return resultOf(answer, { peerId: peer.peerId, protocol });
      } catch (error) {
        if (cancel?.aborted) throw cancel.reason;
        if (!deadline.aborted) throw error;
        checkAlive(peer);
        throw timeoutError(peer, protocol, timeoutMs, error);
      }
    },
    handle: answerCalls(libp2p, log),
    onDisconnect: (listener) => {
      const unsubscribe = new AbortController();
      libp2p.addEventListener('peer:disconnect', (event) => listener(event.detail.toString()), unsubscribe);
      return () => unsubscribe.abort();
    },
  };
}

/** The longest lane names first the protocol, so that no two limits share a key. */
function lanesOf(peerId: string, protocol: string): string[] {
  return ['all', `peer:${peerId}`, `${protocol}:${peerId}`];
}

function outboundLimit(lane: string): number {
  if (lane === 'all') return CALL_LIMITS.maxOutbound;
  return lane.startsWith('peer:') ? CALL_LIMITS.maxOutboundPerPeer : CALL_LIMITS.maxOutboundPerProtocol;
}

async function queued<T>(place: Promise<() => void>, task: () => Promise<T>): Promise<T> {
  const leave = await place;
  try {
    return await task();
  } finally {
    leave();
  }
}

/** Sends the request and resolves to the answer frame. Throws `PEER_UNREACHABLE` or `CALL_FAILED`. */
async function exchange(libp2p: Libp2p, call: Call): Promise<unknown> {
  const { stream, connection } = await open(libp2p, call);
  try {
    const answer = readFrame(stream, call.signal);
    stream.send(call.frame);
    await Promise.all([answer, stream.close({ signal: call.signal })]);
    return await answer;
  } catch (error) {
    if (!call.signal.aborted && (await isGone(connection, error))) throw unreachable(call.peer, error);
    throw failed(call, error);
  } finally {
    if (stream.status === 'open') stream.abort(new Error('the call is over'));
  }
}

async function open(libp2p: Libp2p, call: Call): Promise<{ stream: Stream; connection: Connection }> {
  try {
    return await openStream(libp2p, call);
  } catch (error) {
    throw hasCode(error, 'PEER_UNREACHABLE') ? error : failed(call, error);
  }
}

function requestFrame(body: unknown, context: { peerId: string; protocol: string }): Uint8Array {
  try {
    return encodeFrame(body);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EdgeError('CALL_FAILED', `the request cannot be sent: ${reason}`, { context, cause });
  }
}

function failed(call: Call, cause: unknown): EdgeError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new EdgeError('CALL_FAILED', `the call failed: ${reason}`, {
    context: { peerId: call.peer.peerId, protocol: call.protocol },
    remedy: 'The peer may not offer this protocol, or run another version.',
    cause,
  });
}

function timeoutError(peer: PeerRef, protocol: string, timeoutMs: number, cause: unknown): EdgeError {
  return new EdgeError('CALL_TIMEOUT', `no answer within ${timeoutMs} ms`, {
    context: { peerId: peer.peerId, protocol, timeoutMs },
    cause,
  });
}
