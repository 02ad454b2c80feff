import { z } from 'zod';
import { decodeReadingSet, emptyReadingSet, type ReadingSet } from '../../arbitrator/reading-set.ts';
import { epochSchema, readingSchema } from '../../arbitrator/types.ts';
import type { KeyValue } from '../../sdk/ports.ts';
import { BUCKETS, keyOf } from '../store/buckets.ts';
import { type Counters, countersSchema, noCounters } from './counters.ts';
import type { QueueEntry } from './queue.ts';

const entrySchema = z.object({ epoch: epochSchema, readings: z.array(readingSchema) });

/** Digits of a sequence number in a key, so that keys sort as numbers do. */
const SEQ_DIGITS = 16;

export function entryKey(agreementId: string, seq: number): string {
  return keyOf(BUCKETS.readings, agreementId, String(seq).padStart(SEQ_DIGITS, '0'));
}

export function countersKey(agreementId: string): string {
  return keyOf(BUCKETS.relayCounters, agreementId);
}

/** The summary of what was accepted in one provider's epoch. */
export function accountKey(agreementId: string, epoch: number): string {
  return keyOf(BUCKETS.relayCounters, agreementId, epoch);
}

export interface StoredLane {
  agreementId: string;
  accounts: Map<number, ReadingSet>;
  counters: Counters;
  entries: QueueEntry[];
}

/** Everything the relay left on disk, per agreement, oldest entry first. */
export async function loadLanes(store: KeyValue): Promise<StoredLane[]> {
  const lanes = new Map<string, StoredLane>();
  for (const [key, value] of await store.list(keyOf(BUCKETS.relayCounters, ''))) {
    const lane = laneOf(lanes, partOf(key, 1));
    const epoch = partOf(key, 2);
    if (epoch === '') lane.counters = countersSchema.parse(JSON.parse(value));
    else lane.accounts.set(Number(epoch), decodeReadingSet(value) ?? emptyReadingSet());
  }
  for (const [key, value] of await store.list(keyOf(BUCKETS.readings, ''))) {
    const lane = laneOf(lanes, partOf(key, 1));
    lane.entries.push({ key, ...entrySchema.parse(JSON.parse(value)), dropped: false });
    // An entry may be newer than the counters: they are written when a batch ends.
    lane.counters.nextSeq = Math.max(lane.counters.nextSeq, Number(partOf(key, 2)) + 1);
  }
  return [...lanes.values()];
}

function laneOf(lanes: Map<string, StoredLane>, agreementId: string): StoredLane {
  const known = lanes.get(agreementId);
  if (known) return known;
  const made = { agreementId, accounts: new Map(), counters: noCounters(), entries: [] };
  lanes.set(agreementId, made);
  return made;
}

function partOf(key: string, index: number): string {
  return key.split('/')[index] ?? '';
}
