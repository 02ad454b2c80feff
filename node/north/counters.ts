import { z } from 'zod';
import { epochSchema } from '../../arbitrator/types.ts';

const countSchema = z.int().min(0);

/** What became of one agreement's readings, kept on disk with the queue. */
export const countersSchema = z.object({
  /** Next number of a queue entry. */
  nextSeq: countSchema,
  accepted: countSchema,
  duplicates: countSchema,
  refused: countSchema,
  dropped: countSchema,
  /** Accepted, by epoch: what the handback states. */
  acceptedByEpoch: z.array(z.tuple([epochSchema, countSchema])),
});
export type Counters = z.infer<typeof countersSchema>;

export function noCounters(): Counters {
  return { nextSeq: 0, accepted: 0, duplicates: 0, refused: 0, dropped: 0, acceptedByEpoch: [] };
}

export function countAccepted(counters: Counters, epoch: number, accepted: number): void {
  counters.accepted += accepted;
  const found = counters.acceptedByEpoch.find(([known]) => known === epoch);
  if (found) found[1] += accepted;
  else counters.acceptedByEpoch.push([epoch, accepted]);
}
