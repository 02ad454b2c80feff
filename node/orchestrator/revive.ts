import type { Context } from './context.ts';
import type { Runner } from './runner.ts';

/** How often containers that should run are looked at. */
export const REVIVE_EVERY_MS = 2_000;

/** Starts containers again that ended by themselves, and says so. One that cannot be started is tried again later. */
export async function reviveNoted(
  context: Pick<Context, 'emit' | 'log'>,
  agreementId: string | null,
  runner: Runner,
): Promise<void> {
  try {
    const containers = await runner.revive();
    if (containers.length > 0) context.emit('revived', agreementId, { containers });
  } catch (error) {
    context.log.warn({ agreement: agreementId, error: String(error) }, 'a container ended and does not start again');
  }
}
