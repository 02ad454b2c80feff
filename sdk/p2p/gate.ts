/** Lets a bounded number of tasks in at once, per key and together; the others wait in order of arrival. */
export interface Gate {
  /** Resolves to the function that frees the place. Rejects with the signal's reason while waiting. */
  enter(keys: string[], signal: AbortSignal): Promise<() => void>;
  /** As `enter`, but null instead of waiting. */
  tryEnter(keys: string[]): (() => void) | null;
}

interface Waiter {
  keys: string[];
  admit: () => void;
}

/** `limitOf` gives the places of a key; every task counts for each of its keys. */
export function createGate(limitOf: (key: string) => number): Gate {
  const places = createPlaces(limitOf);
  const waiters = new Set<Waiter>();
  const leaveOnce = (keys: string[]): (() => void) => {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      places.free(keys);
      // Not only the first: a task that waits for its own key must not hold up those of other keys.
      for (const waiter of waiters) if (places.take(waiter.keys)) waiter.admit();
    };
  };
  const tryEnter = (keys: string[]): (() => void) | null => (places.take(keys) ? leaveOnce(keys) : null);
  const wait = async (keys: string[], signal: AbortSignal): Promise<() => void> => {
    await queue(waiters, keys, signal);
    return leaveOnce(keys);
  };
  return { tryEnter, enter: async (keys, signal) => tryEnter(keys) ?? wait(keys, signal) };
}

/** How many are in, by key. */
function createPlaces(limitOf: (key: string) => number) {
  const counts = new Map<string, number>();
  return {
    /** True when every key had a place left, which is now taken. */
    take: (keys: string[]): boolean => {
      if (!keys.every((key) => (counts.get(key) ?? 0) < limitOf(key))) return false;
      for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
      return true;
    },
    free: (keys: string[]): void => {
      for (const key of keys) {
        const rest = (counts.get(key) ?? 1) - 1;
        if (rest === 0) counts.delete(key);
        else counts.set(key, rest);
      }
    },
  };
}

/** Resolves when the waiter is admitted, rejects with the signal's reason. */
function queue(waiters: Set<Waiter>, keys: string[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      waiters.delete(waiter);
      reject(signal.reason);
    };
    const waiter: Waiter = {
      keys,
      admit: () => {
        waiters.delete(waiter);
        signal.removeEventListener('abort', onAbort);
        resolve();
      },
    };
    waiters.add(waiter);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
