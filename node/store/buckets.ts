/**
 * First part of every key in a node's store. Append only: a number is never used again for something else, also when
 * its bucket is gone, so that an old data folder can never be misread.
 *
 * A key is `keyOf(BUCKETS.x, ...parts)`; a value is canonical JSON unless the line says otherwise.
 */
export const BUCKETS = {
  /** account, intent key → the signed transaction and how far it got (`sdk/chain/outbox.ts`). */
  outbox: '01',
  /** agreement id → terms, duties, signatures, what became of it. */
  agreements: '02',
  /** agreement id, epoch, step → intent or result of a step that must be done once. */
  steps: '03',
  /** agreement id → epoch and its certificate or handback. */
  epochs: '04',
  /** agreement id → newest receipt, signed by the customer. */
  receipts: '05',
  /** order id → own signed offer or demand that is still published. */
  orders: '06',
  /** agreement id, epoch, sequence number → readings not yet acknowledged by the cloud. */
  readings: '07',
  /** agreement id → manifest, content key and block list of a migrated workload. */
  workloads: '08',
  /** name → facts about this data folder, such as its format version and boot count. */
  meta: '09',
  /** agreement id → what the north relay delivered, per epoch (`node/north/`). */
  relayCounters: '10',
  /** Role cloud: agreement id → terms, duties, both signatures (`node/cloud/`). */
  cloudAgreements: '11',
  /** Role cloud: agreement id, epoch → who may deliver in it and the evidence that said so. */
  cloudEpochs: '12',
  /** Role cloud: agreement id → next sequence number and counters per epoch. */
  cloudCounters: '13',
  /** Role cloud: agreement id, block, sequence number → accepted reading. */
  cloudReadings: '14',
  /** Role cloud: agreement id, device address, frame counter → sequence number of the accepted reading. */
  cloudSeen: '15',
} as const;

export type Bucket = (typeof BUCKETS)[keyof typeof BUCKETS];

/** `02/0xabc…`: parts may hold anything but a slash. Ends in a slash when the last part is empty: a prefix to list. */
export function keyOf(bucket: Bucket, ...parts: (string | number)[]): string {
  for (const part of parts) {
    if (String(part).includes('/')) throw new TypeError(`a part of a store key holds a slash: ${part}`);
  }
  return [bucket, ...parts].join('/');
}
