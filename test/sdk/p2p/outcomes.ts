import { setTimeout } from 'node:timers/promises';
import type { EdgeError } from '../../../market/errors.ts';

/** Resolves to the error that the promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<EdgeError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('value' in outcome) throw new Error(`resolved to ${JSON.stringify(outcome.value)}`);
  return outcome.error as EdgeError;
}

/** Resolves once the condition holds; the test's own timeout ends it otherwise. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setTimeout(10);
}
