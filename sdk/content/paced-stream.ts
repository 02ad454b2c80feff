import { once } from 'node:events';
import type { Stream } from '@libp2p/interface';

/** Small enough for the write buffers that the node allows per stream and per connection. */
const CHUNK_BYTES = 64 * 1024;

/** Resolves when the stream has passed on all it was given; rejects when it closes first or the signal aborts. */
async function idle(stream: Stream, signal: AbortSignal): Promise<void> {
  if (stream.writeBufferLength === 0) return;
  const settled = new AbortController();
  const either = AbortSignal.any([signal, settled.signal]);
  const closed = once(stream, 'close', { signal: either }).then(() => {
    throw new Error('the stream closed before everything was sent');
  });
  try {
    await Promise.race([once(stream, 'idle', { signal: either }), closed]);
  } finally {
    settled.abort();
  }
}

/**
 * What bitswap uses of an outgoing stream. It hands over whole messages of a block each and takes a drained stream for
 * an empty one, so they pile up in the write buffer, up to a reset. Here `send` keeps the message and `onDrain`, which
 * bitswap awaits before the next, passes it on bit by bit. `timeoutMs` is for one message: a peer that reads slowly
 * holds a place of the send queue.
 */
export function pacedStream(
  stream: Stream,
  timeoutMs: number,
): Pick<Stream, 'send' | 'onDrain' | 'close' | 'closeRead' | 'abort'> {
  let unsent: Parameters<Stream['send']>[0] | null = null;
  return {
    send(message) {
      unsent = message;
      return false;
    },
    async onDrain(options) {
      const message = unsent;
      unsent = null;
      if (message === null) return;
      const late = AbortSignal.timeout(timeoutMs);
      const signal = options?.signal == null ? late : AbortSignal.any([options.signal, late]);
      for (let offset = 0; offset < message.byteLength; offset += CHUNK_BYTES) {
        stream.send(message.subarray(offset, Math.min(offset + CHUNK_BYTES, message.byteLength)));
        await idle(stream, signal);
      }
    },
    close: (options) => stream.close(options),
    closeRead: (options) => stream.closeRead(options),
    abort: (error) => stream.abort(error),
  };
}
