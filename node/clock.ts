import type { Clock } from '../market/ports.ts';

/** Node's timers treat a longer delay as 1 ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * The machine's time. This file is the only place that touches `Date.now` and the global timers.
 *
 * A callback of `every` that throws or rejects is not caught here: it ends the process as any uncaught error does.
 */
export function systemClock(): Clock {
  return { nowMs: () => Date.now(), sleep, every };
}

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  const endsAtMs = performance.now() + ms;
  let leftMs = ms;
  do {
    await timer(Math.min(Math.max(leftMs, 0), MAX_TIMER_MS), signal);
    leftMs = endsAtMs - performance.now();
  } while (leftMs >= 1);
}

function timer(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      clearTimeout(handle);
      reject(signal?.reason);
    };
    const handle = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

function every(ms: number, fn: () => void | Promise<void>, signal: AbortSignal): void {
  if (signal.aborted) return;
  let busy = false;
  const handle = setInterval(async () => {
    if (busy) return;
    busy = true;
    try {
      await fn();
    } finally {
      busy = false;
    }
  }, ms);
  signal.addEventListener('abort', () => clearInterval(handle), { once: true });
}
