import { type EpochRegister, firstEpoch } from '../../arbitrator/epoch.ts';
import { addReadings, emptyReadingSet, type ReadingSet } from '../../arbitrator/reading-set.ts';
import type { KeyValue } from '../../sdk/ports.ts';
import {
  type AcceptedReading,
  type EpochEvidence,
  type EpochTally,
  noTallies,
  type Registration,
  readReadings,
  type StoredAgreement,
  type Tallies,
} from './storage.ts';

/** One agreement at the cloud: its epoch, what was accepted in each, and who may deliver. */
export class Ledger {
  readonly agreementId: string;
  readonly registration: Registration;
  register: EpochRegister;
  tallies: Tallies;
  readonly evidence: { epoch: number; evidence: EpochEvidence }[];
  private readonly store: KeyValue;
  /** Summaries kept up to date in memory; after a restart they are read back when first asked for. */
  private readonly sets = new Map<number, ReadingSet>();
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    store: KeyValue,
    stored: Pick<StoredAgreement, 'agreementId' | 'registration'> & Partial<StoredAgreement>,
  ) {
    this.store = store;
    this.agreementId = stored.agreementId;
    this.registration = stored.registration;
    this.tallies = stored.tallies ?? noTallies();
    this.evidence = stored.evidence ?? [];
    const epoch = Math.max(1, ...this.evidence.map((item) => item.epoch));
    this.register = { ...firstEpoch(stored.agreementId), epoch };
  }

  /** Runs changes of this agreement one after the other. */
  async exclusively<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.last.then(change, change);
    this.last = turn;
    return turn;
  }

  /** The counters of an epoch, all zero when nothing was delivered in it. */
  tally(epoch: number): EpochTally {
    const { nextSeq, epochs } = this.tallies;
    const none = { accepted: 0, duplicates: 0, refused: 0, firstAcceptedAtMs: 0, lastAcceptedAtMs: 0 };
    return epochs.find((tally) => tally.epoch === epoch) ?? { epoch, ...none, firstSeq: nextSeq, endSeq: nextSeq };
  }

  /** The tallies with one epoch's replaced. */
  talliesWith(changed: EpochTally): Tallies {
    const others = this.tallies.epochs.filter((tally) => tally.epoch !== changed.epoch);
    return { ...this.tallies, epochs: [...others, changed].sort((a, b) => a.epoch - b.epoch) };
  }

  /** Takes over what has just been written to the store. */
  commit(tallies: Tallies, epoch: number, accepted: AcceptedReading[]): void {
    const before = this.tally(epoch);
    const set = this.sets.get(epoch) ?? (before.accepted === 0 ? emptyReadingSet() : undefined);
    if (set && accepted.length > 0) this.sets.set(epoch, addReadings(set, accepted));
    this.tallies = tallies;
  }

  /** The summary of an epoch's readings together with the counters it belongs to. */
  async summary(epoch: number): Promise<{ tally: EpochTally; set: ReadingSet }> {
    // Most of a long epoch is read while deliveries go on, the rest while they wait.
    const until = this.tally(epoch).endSeq;
    const first = this.sets.get(epoch) ?? (await this.readSet(emptyReadingSet(), this.tally(epoch).firstSeq, until));
    return this.exclusively(async () => {
      const tally = this.tally(epoch);
      const set = this.sets.get(epoch) ?? (await this.readSet(first, until, tally.endSeq));
      if (tally.accepted > 0) this.sets.set(epoch, set);
      return { tally, set };
    });
  }

  private async readSet(set: ReadingSet, fromSeq: number, endSeq: number): Promise<ReadingSet> {
    let grown = set;
    for await (const block of readReadings(this.store, this.agreementId, fromSeq, endSeq)) {
      grown = addReadings(grown, block);
    }
    return grown;
  }
}
