import { EdgeError } from '../../market/errors.ts';
import type { KeyValue } from '../../sdk/ports.ts';

export interface FakeKeyValue extends KeyValue {
  /** What survives a restart: hand it to `fakeKeyValue` again. */
  readonly data: Map<string, string>;
  /** Makes the n-th write from now (1 is the next) fail; `applied` says whether it reaches the data all the same. */
  failWrite(n: number, applied: boolean): void;
}

/** A store in memory with the failure rules of `node/store.ts`. */
export function fakeKeyValue(data = new Map<string, string>()): FakeKeyValue {
  let failure: EdgeError | null = null;
  let failing: { left: number; applied: boolean } | null = null;
  const check = () => {
    if (failure) throw failure;
  };
  const apply = (puts: Record<string, string>, deletes: string[]) => {
    for (const key of deletes) data.delete(key);
    for (const [key, value] of Object.entries(puts)) data.set(key, value);
  };
  return {
    data,
    failWrite(n, applied) {
      failing = { left: n, applied };
    },
    async get(key) {
      check();
      return data.get(key) ?? null;
    },
    async write(puts, deletes = []) {
      check();
      if (failing) failing.left -= 1;
      const fails = failing?.left === 0;
      if (!fails || failing?.applied) apply(puts, deletes);
      if (!fails) return;
      failure = new EdgeError('STORE_FAILED', 'The disk failed.');
      throw failure;
    },
    async list(prefix) {
      check();
      return [...data].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => byBytes(a, b));
    },
    async close() {
      failure ??= new EdgeError('STORE_FAILED', 'The store is closed.');
    },
  };
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
