/** How the agreements of an account ended, as the escrow counts them. */
export interface TrackRecord {
  honoured: number;
  breached: number;
  disputesLost: number;
}

/**
 * Chance in thousandths that the next agreement is honoured, by Laplace's rule of succession: 500 for a newcomer,
 * nearer to the record with each agreement. A lost dispute counts as one more breach: it cost the other side a fee.
 */
export function reputationPermille(record: TrackRecord): number {
  const bad = record.breached + record.disputesLost;
  return Math.floor((1000 * (record.honoured + 1)) / (record.honoured + bad + 2));
}
