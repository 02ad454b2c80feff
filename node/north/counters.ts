import { z } from 'zod';

const countSchema = z.int().min(0);

/** What became of one agreement's readings, kept on disk with the queue. */
export const countersSchema = z.object({
  /** Next number of a queue entry. */
  nextSeq: countSchema,
  accepted: countSchema,
  duplicates: countSchema,
  refused: countSchema,
  dropped: countSchema,
});
export type Counters = z.infer<typeof countersSchema>;

export function noCounters(): Counters {
  return { nextSeq: 0, accepted: 0, duplicates: 0, refused: 0, dropped: 0 };
}
