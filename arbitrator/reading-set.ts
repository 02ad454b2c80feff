import { createHash } from 'node:crypto';
import type { Reading } from './types.ts';

/**
 * Summary of a set of readings: LtHash16 (Bellare, Micciancio 1997; lattice hash as in github.com/facebook/folly).
 * 2 KiB whatever the number of readings, one addition per reading, the same in any order. A Merkle tree would need every
 * leaf in memory (47 MB for a day of 1,024 motes) and its one advantage, proofs for single readings, is given by the
 * anchored batches. It counts with multiplicity: add a reading once, after duplicates were removed.
 */
export type ReadingSet = Readonly<{ count: number; lanes: Uint16Array }>;

/** What identifies a reading's content; times differ between the two sides and are left out. */
export type ReadingKey = Pick<Reading, 'devAddr' | 'fCnt' | 'payload'>;

const LANES = 1024;

export function emptyReadingSet(): ReadingSet {
  return { count: 0, lanes: new Uint16Array(LANES) };
}

export function addReading(set: ReadingSet, reading: ReadingKey): ReadingSet {
  const lanes = set.lanes.slice();
  addInto(lanes, reading);
  return { count: set.count + 1, lanes };
}

/** Adds many with one copy. */
export function addReadings(set: ReadingSet, readings: Iterable<ReadingKey>): ReadingSet {
  const lanes = set.lanes.slice();
  let count = set.count;
  for (const reading of readings) {
    addInto(lanes, reading);
    count += 1;
  }
  return { count, lanes };
}

/** The `readingsRoot` of handbacks and service records. Also binds the count. */
export function rootOf(set: ReadingSet): string {
  const hash = createHash('sha256').update(`eaas-readings-1:${set.count}:`).update(bytesOf(set.lanes));
  return `0x${hash.digest('hex')}`;
}

export function readingsRoot(readings: Iterable<ReadingKey>): string {
  return rootOf(addReadings(emptyReadingSet(), readings));
}

/** For the store; `decodeReadingSet` reads it back. */
export function encodeReadingSet(set: ReadingSet): string {
  return `${set.count}:${bytesOf(set.lanes).toString('base64')}`;
}

/** Null for text that is no encoded set. */
export function decodeReadingSet(text: string): ReadingSet | null {
  const match = /^(\d{1,15}):([A-Za-z0-9+/]+=*)$/.exec(text);
  const bytes = Buffer.from(match?.[2] ?? '', 'base64');
  if (match === null || bytes.length !== LANES * 2) return null;
  return { count: Number(match[1]), lanes: lanesOf(bytes) };
}

function addInto(lanes: Uint16Array, reading: ReadingKey): void {
  // Fixed-width fields first, so that no two readings share an encoding.
  const element = `${reading.devAddr}:${reading.fCnt.toString(16).padStart(8, '0')}:${reading.payload}`;
  const expanded = createHash('shake256', { outputLength: LANES * 2 })
    .update(element)
    .digest();
  const added = lanesOf(expanded);
  // Uint16Array wraps modulo 2^16, which is the group operation.
  for (let lane = 0; lane < LANES; lane += 1) lanes[lane] = (lanes[lane] ?? 0) + (added[lane] ?? 0);
}

/** Little-endian by definition, so that the root does not depend on the machine. */
function lanesOf(bytes: Buffer): Uint16Array {
  return Uint16Array.from({ length: LANES }, (_, lane) => bytes.readUInt16LE(lane * 2));
}

function bytesOf(lanes: Uint16Array): Buffer {
  const bytes = Buffer.alloc(LANES * 2);
  lanes.forEach((value, lane) => {
    bytes.writeUInt16LE(value, lane * 2);
  });
  return bytes;
}
