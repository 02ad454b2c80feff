import type { Clock } from '../market/ports.ts';
import type { Logger } from './logger.ts';
import type { NodeEvent } from './orchestrator/context.ts';

/** What happened lately, and who wants to hear of it. Bounded; ids grow without gaps so that a reader can resume. */
export interface EventLog {
  emit(kind: string, agreementId: string | null, data?: Record<string, unknown>): void;
  after(id: number): { id: number; event: NodeEvent }[];
  subscribe(listener: (id: number, event: NodeEvent) => void): () => void;
}

const KEPT = 2_000;

export function createEventLog(clock: Clock, log: Logger): EventLog {
  const events: { id: number; event: NodeEvent }[] = [];
  const listeners = new Set<(id: number, event: NodeEvent) => void>();
  let nextId = 1;
  return {
    emit(kind, agreementId, data = {}) {
      const entry = { id: nextId, event: { atMs: clock.nowMs(), kind, agreementId, data } };
      nextId += 1;
      events.push(entry);
      if (events.length > KEPT) events.shift();
      log.info({ agreement: agreementId, ...data }, kind);
      for (const listener of listeners) listener(entry.id, entry.event);
    },
    after: (id) => events.filter((entry) => entry.id > id),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
