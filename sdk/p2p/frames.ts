import type { Stream } from '@libp2p/interface';
import { EdgeError } from '../../market/errors.ts';
import { CALL_LIMITS } from './limits.ts';

/** The longest length prefix we read: 4 groups of 7 bits hold more than any frame. */
const MAX_PREFIX_BYTES = 4;

/** JSON with an unsigned-varint length prefix. Throws `FRAME_INVALID` for what has no JSON or is too large. */
export function encodeFrame(value: unknown): Uint8Array {
  const text = JSON.stringify(value ?? null);
  const size = Buffer.byteLength(text);
  if (size > CALL_LIMITS.maxFrameBytes) throw tooLarge(size);
  const prefix = encodeLength(size);
  const frame = Buffer.allocUnsafe(prefix.length + size);
  frame.set(prefix);
  frame.write(text, prefix.length);
  return frame;
}

function encodeLength(length: number): number[] {
  const bytes: number[] = [];
  let rest = length;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return [...bytes, rest];
}

/**
 * Collects one frame. `push` answers its JSON once it is complete and throws `FRAME_INVALID` at the first bad byte. Holds
 * as much as the prefix announces and no more, however small the pieces are that it comes in.
 */
export function frameDecoder(): { push(chunk: Uint8Array): { value: unknown } | null } {
  const prefix: number[] = [];
  let frame: Buffer | null = null;
  let held = 0;
  return {
    push: (chunk) => {
      let offset = 0;
      while (frame === null && offset < chunk.length) {
        prefix.push(chunk[offset] ?? 0);
        offset += 1;
        const length = decodeLength(prefix);
        if (length !== null) frame = Buffer.allocUnsafe(length);
      }
      if (frame === null) return null;
      const rest = chunk.subarray(offset);
      if (held + rest.length > frame.length) {
        throw new EdgeError('FRAME_INVALID', 'bytes after the frame', { context: { frameBytes: frame.length } });
      }
      frame.set(rest, held);
      held += rest.length;
      return held < frame.length ? null : { value: parse(frame) };
    },
  };
}

/**
 * The one frame that the remote sends on this stream. Rejects with `FRAME_INVALID` (too large, not JSON, more than one),
 * `STREAM_CLOSED` when the remote ends before the frame does, or the signal's reason.
 */
export function readFrame(stream: Stream, signal: AbortSignal): Promise<unknown> {
  const decoder = frameDecoder();
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      stream.removeEventListener('message', onMessage);
      stream.removeEventListener('end', onEnd);
      stream.removeEventListener('close', onEnd);
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    const onMessage = ({ data }: { data: { subarray(): Uint8Array } }): void => {
      try {
        const frame = decoder.push(data.subarray());
        if (frame !== null) finish(() => resolve(frame.value));
      } catch (error) {
        finish(() => reject(error));
      }
    };
    const onEnd = (): void => {
      finish(() => reject(new EdgeError('STREAM_CLOSED', 'the stream ended before the frame was complete')));
    };
    const onAbort = (): void => finish(() => reject(signal.reason));
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener('abort', onAbort);
    stream.addEventListener('end', onEnd);
    stream.addEventListener('close', onEnd);
    stream.addEventListener('message', onMessage);
    if (stream.readableEnded || (stream.status !== 'open' && stream.readBufferLength === 0)) onEnd();
  });
}

/** Null while the prefix is incomplete. */
function decodeLength(prefix: number[]): number | null {
  const last = prefix.at(-1) ?? 0;
  if (last > 0x7f) {
    if (prefix.length < MAX_PREFIX_BYTES) return null;
    throw new EdgeError('FRAME_INVALID', 'the length prefix has no end');
  }
  const length = prefix.reduce((sum, byte, index) => sum + (byte & 0x7f) * 2 ** (7 * index), 0);
  if (length > CALL_LIMITS.maxFrameBytes) throw tooLarge(length);
  return length;
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new EdgeError('FRAME_INVALID', 'the frame is not JSON', { context: { bytes: bytes.length }, cause });
  }
}

function tooLarge(bytes: number): EdgeError {
  return new EdgeError('FRAME_INVALID', `a frame holds at most ${CALL_LIMITS.maxFrameBytes} bytes`, {
    context: { bytes, maxBytes: CALL_LIMITS.maxFrameBytes },
    remedy: 'Send less, or split the request.',
  });
}
