/** Two megabytes of young generation: a node makes little garbage at a time, and V8 keeps what it once needed. */
const FLAG = '--max-semi-space-size';
const SEMI_SPACE_MB = 2;
/** One arena of the C library: buffers come and go on several threads, and each arena keeps its peak. */
const ARENAS = '1';

/**
 * Starts this very process again, under the same pid, with settings that can only be given at the start and that save a
 * third of a node's memory (docs/decisions/017). Returns where that was done already, where the caller has chosen a
 * semi-space of its own, and where the system cannot do it.
 */
export function relaunchLight(): void {
  const chosen = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some((text) => text.includes(FLAG));
  if (chosen || process.execve === undefined || process.platform === 'win32') return;
  const args = [process.execPath, `${FLAG}=${SEMI_SPACE_MB}`, ...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, args, { ...process.env, MALLOC_ARENA_MAX: process.env.MALLOC_ARENA_MAX ?? ARENAS });
}
