import type { Clock } from '../../market/ports.ts';

/** Repeats until `attempt` says that it is done, or the node stops. The pauses double from `firstMs` to `maxMs`. */
export async function keepTrying(
  context: { clock: Clock; signal: AbortSignal },
  pauses: { firstMs: number; maxMs: number },
  attempt: () => Promise<boolean>,
): Promise<void> {
  for (let waitMs = pauses.firstMs; !context.signal.aborted; waitMs = Math.min(waitMs * 2, pauses.maxMs)) {
    if (await attempt()) return;
    // Stopping is not an error here: the loop ends.
    await context.clock.sleep(waitMs, context.signal).catch(() => undefined);
  }
}
