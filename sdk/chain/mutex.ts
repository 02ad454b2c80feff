/** Lets one task in at a time, in the order they came. */
export class Mutex {
  private last: Promise<void> = Promise.resolve();

  /** Runs `task` once those before it have ended, well or badly. A signal that aborts while waiting takes it out. */
  async run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const before = this.last;
    let release = () => {};
    this.last = new Promise((resolve) => {
      release = resolve;
    });
    try {
      await unlessAborted(before, signal);
    } catch (error) {
      void before.then(release);
      throw error;
    }
    try {
      return await task();
    } finally {
      release();
    }
  }
}

function unlessAborted(promise: Promise<void>, signal?: AbortSignal): Promise<void> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    void promise.then(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
  });
}
