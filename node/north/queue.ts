import type { Reading } from '../../arbitrator/types.ts';
import { Fifo } from '../south/fifo.ts';

/** Readings of one epoch that were enqueued together, under one key of the store. */
export interface QueueEntry {
  key: string;
  epoch: number;
  readings: Reading[];
  /** Dropped to make room while it was being sent. */
  dropped: boolean;
}

/** The undelivered readings of one agreement, oldest first. Mirrors what is on disk. */
export class ReadingQueue {
  private readonly entries = new Fifo<QueueEntry>();
  private count = 0;

  /** Readings, not entries. */
  get size(): number {
    return this.count;
  }

  push(entry: QueueEntry): void {
    this.entries.push(entry);
    this.count += entry.readings.length;
  }

  /** The oldest entries of one epoch that fit one batch; at least one entry when there is any. */
  head(maxReadings: number): QueueEntry[] {
    const batch: QueueEntry[] = [];
    let room = maxReadings;
    for (const entry of this.entries) {
      const fits = batch.length === 0 || (entry.epoch === batch[0]?.epoch && entry.readings.length <= room);
      if (!fits) break;
      batch.push(entry);
      room -= entry.readings.length;
    }
    return batch;
  }

  /** What was to go out under `upTo` or an earlier epoch goes out under `epoch`. */
  relabel(upTo: number, epoch: number): void {
    for (const entry of this.entries) if (entry.epoch <= upTo) entry.epoch = epoch;
  }

  /** Takes the oldest entries away until no more than `maxReadings` are left. */
  trim(maxReadings: number): QueueEntry[] {
    const gone: QueueEntry[] = [];
    while (this.count > maxReadings) {
      const entry = this.shift();
      if (entry === undefined) break;
      entry.dropped = true;
      gone.push(entry);
    }
    return gone;
  }

  /** Takes the entries of a finished batch away. Those dropped meanwhile are gone already. */
  finish(batch: QueueEntry[]): QueueEntry[] {
    const finished = batch.filter((entry) => !entry.dropped);
    for (let left = finished.length; left > 0; left -= 1) this.shift();
    return finished;
  }

  private shift(): QueueEntry | undefined {
    const entry = this.entries.shift();
    this.count -= entry?.readings.length ?? 0;
    return entry;
  }
}
