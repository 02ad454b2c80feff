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
  const counts = new Map<string, number>();
  const waiters: Waiter[] = [];
  const fits = (keys: string[]): boolean => keys.every((key) => (counts.get(key) ?? 0) < limitOf(key));
  const take = (keys: string[]): void => {
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  const leave = (keys: string[]): void => {
    for (const key of keys) {
      const left = (counts.get(key) ?? 1) - 1;
      if (left === 0) counts.delete(key);
      else counts.set(key, left);
    }
    // Not only the first: a task that waits for its own key must not hold up those of other keys.
    for (const waiter of [...waiters]) {
      if (!fits(waiter.keys)) continue;
      waiters.splice(waiters.indexOf(waiter), 1);
      take(waiter.keys);
      waiter.admit();
    }
  };
  const placeOf = (keys: string[]): (() => void) => {
    let free = false;
    return () => {
      if (!free) leave(keys);
      free = true;
    };
  };
  const wait = (keys: string[], signal: AbortSignal): Promise<() => void> => {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        waiters.splice(waiters.indexOf(waiter), 1);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        keys,
        admit: () => {
          signal.removeEventListener('abort', onAbort);
          resolve(placeOf(keys));
        },
      };
      waiters.push(waiter);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  };
  const tryEnter = (keys: string[]): (() => void) | null => {
    if (!fits(keys)) return null;
    take(keys);
    return placeOf(keys);
  };
  return { tryEnter, enter: async (keys, signal) => tryEnter(keys) ?? wait(keys, signal) };
}
