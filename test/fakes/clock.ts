import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../market/ports.ts';

/** A clock that stands still until it is told to move. */
export interface FakeClock extends Clock {
  /**
   * Moves time on by `ms`, stopping at each timer that falls due, earliest first (equal times: oldest first), and lets
   * the promises it woke run before the next one. Rejects with the first error an `every` callback threw.
   */
  tick(ms: number): Promise<void>;
  /** Timers that wait now: 0 when everything that was started has been stopped. */
  pending(): number;
}

interface Timer {
  atMs: number;
  order: number;
  fire: () => void;
}

/** Sleepers and repeated calls by due time; ties go to whoever came first. */
class TimerQueue {
  readonly timers = new Set<Timer>();
  private made = 0;

  add(atMs: number, fire: () => void): Timer {
    this.made += 1;
    const timer = { atMs, order: this.made, fire };
    this.timers.add(timer);
    return timer;
  }

  takeDue(untilMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.timers) {
      if (timer.atMs > untilMs) continue;
      if (first === undefined || timer.atMs < first.atMs || (timer.atMs === first.atMs && timer.order < first.order)) {
        first = timer;
      }
    }
    if (first !== undefined) this.timers.delete(first);
    return first;
  }
}

/** Lets every promise that can settle without time passing settle. */
async function flush(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await setImmediate();
}

class ManualClock implements FakeClock {
  private readonly queue = new TimerQueue();
  private readonly failures: unknown[] = [];
  private atMs: number;

  constructor(startMs: number) {
    this.atMs = startMs;
  }

  nowMs(): number {
    return this.atMs;
  }

  pending(): number {
    return this.queue.timers.size;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        this.queue.timers.delete(timer);
        reject(signal?.reason);
      };
      const timer = this.queue.add(this.atMs + ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  every(ms: number, fn: () => void | Promise<void>, signal: AbortSignal): void {
    if (!(ms > 0)) throw new RangeError(`every needs a positive interval, got ${ms}`);
    if (signal.aborted) return;
    let timer: Timer;
    let running = false;
    const call = async (): Promise<void> => {
      running = true;
      await this.run(fn);
      running = false;
    };
    const schedule = (atMs: number): void => {
      timer = this.queue.add(atMs, () => {
        schedule(atMs + ms);
        if (!running) void call();
      });
    };
    schedule(this.atMs + ms);
    signal.addEventListener('abort', () => this.queue.timers.delete(timer), { once: true });
  }

  async tick(ms: number): Promise<void> {
    const untilMs = this.atMs + ms;
    await flush();
    for (let due = this.queue.takeDue(untilMs); due !== undefined; due = this.queue.takeDue(untilMs)) {
      this.atMs = Math.max(this.atMs, due.atMs);
      due.fire();
      await flush();
    }
    this.atMs = untilMs;
    if (this.failures.length > 0) throw this.failures.splice(0)[0];
  }

  private async run(fn: () => void | Promise<void>): Promise<void> {
    try {
      await fn();
    } catch (error) {
      this.failures.push(error);
    }
  }
}

export function fakeClock(startMs = 0): FakeClock {
  return new ManualClock(startMs);
}
