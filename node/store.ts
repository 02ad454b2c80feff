import { mkdir } from 'node:fs/promises';
import { Level } from 'level';
import { EdgeError, hasCode } from '../market/errors.ts';
import type { KeyValue } from '../sdk/ports.ts';
import { WriteQueue } from './store/write-queue.ts';

/**
 * Opens the node's LevelDB in `dir`, making the folder if needed.
 *
 * Throws `STORE_LOCKED` when another process has it open, `STORE_CORRUPT` when its files are damaged, `STORE_FAILED`
 * when the disk refuses. After the first failed write or read every call throws what that one threw: whether the write
 * is on the disk is unknown, so the process must stop, open again, and look.
 */
export async function openStore(dir: string): Promise<KeyValue> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const db = new Level(dir);
    await db.open();
    return keyValueOver(db, dir);
  } catch (error) {
    throw openError(dir, error);
  }
}

function keyValueOver(db: Level, dir: string): KeyValue {
  let failure: EdgeError | null = null;
  const guarded = async <T>(operation: () => Promise<T>): Promise<T> => {
    if (failure) throw failure;
    try {
      return await operation();
    } catch (error) {
      failure ??= failureOf(dir, error);
      throw failure;
    }
  };
  const queue = new WriteQueue((batch) => guarded(() => db.batch(batch, { sync: true })));
  return {
    get: (key) => guarded(async () => (await db.get(key)) ?? null),
    write: (puts, deletes = []) => queue.add(puts, deletes),
    list: (prefix) => guarded(() => listOf(db, prefix)),
    async close() {
      await queue.drained();
      await db.close();
      failure ??= new EdgeError('STORE_FAILED', `The store in ${dir} is closed.`, { context: { dir } });
    },
  };
}

async function listOf(db: Level, prefix: string): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for await (const entry of db.iterator({ gte: prefix })) {
    if (!entry[0].startsWith(prefix)) break;
    found.push(entry);
  }
  return found;
}

function openError(dir: string, error: unknown): EdgeError {
  const cause = error instanceof Error ? error.cause : undefined;
  if (hasCode(cause, 'LEVEL_LOCKED')) {
    return new EdgeError('STORE_LOCKED', `Another process is using the data folder ${dir}.`, {
      context: { dir },
      cause: error,
      remedy: 'Stop the other node, or give this one its own data folder.',
    });
  }
  return failureOf(dir, cause ?? error);
}

function failureOf(dir: string, error: unknown): EdgeError {
  const reason = error instanceof Error ? error.message : String(error);
  if (hasCode(error, 'LEVEL_CORRUPTION')) {
    return new EdgeError('STORE_CORRUPT', `The data in ${dir} is damaged: ${reason}`, {
      context: { dir },
      cause: error,
      remedy: 'Move the folder away and restore a copy; agreements can be rebuilt from the chain and the other party.',
    });
  }
  return new EdgeError('STORE_FAILED', `The disk under ${dir} failed: ${reason}`, {
    context: { dir },
    cause: error,
    remedy: 'Check that the disk is healthy and has free space, then start the node again.',
  });
}
