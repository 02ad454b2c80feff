import { holderOf } from '../../arbitrator/epoch.ts';
import {
  addReadings,
  emptyReadingSet,
  encodeReadingSet,
  type ReadingSet,
  rootOf,
} from '../../arbitrator/reading-set.ts';
import type { Reading } from '../../arbitrator/types.ts';
import { type DeliveryResult, deliver, type FinalResult } from './cloud-client.ts';
import { type Counters, noCounters } from './counters.ts';
import type { RelayInit, RelayLimits } from './init.ts';
import { accountKey, countersKey, entryKey, type StoredLane } from './load.ts';
import { type QueueEntry, ReadingQueue } from './queue.ts';

export interface LaneStats {
  queued: number;
  accepted: number;
  duplicates: number;
  refused: number;
  dropped: number;
}

export interface LaneInit extends Omit<RelayInit, 'limits'> {
  limits: RelayLimits;
  /** Stops everything. */
  signal: AbortSignal;
}

/** One agreement's way to its cloud: a queue and at most one request at a time. */
export class Lane {
  private readonly agreementId: string;
  private readonly init: LaneInit;
  private readonly queue = new ReadingQueue();
  private counters: Counters = noCounters();
  private accounts = new Map<number, ReadingSet>();
  private running: Promise<void> | null = null;
  private failed = false;
  private pause = new AbortController();
  private readonly waiters = new Set<() => void>();
  /** The latest epoch this node has run under, as far as the lane was told. */
  private epoch = 0;
  /** The cloud has closed this epoch and those before it. */
  private staleEpoch = 0;

  constructor(agreementId: string, init: LaneInit) {
    this.agreementId = agreementId;
    this.init = init;
  }

  restore(stored: StoredLane): void {
    this.counters = stored.counters;
    this.accounts = stored.accounts;
    for (const entry of stored.entries) {
      this.queue.push(entry);
      this.epoch = Math.max(this.epoch, entry.epoch);
    }
    this.wake();
  }

  /**
   * Resolves when the readings are on disk. They are sent at once, not after that: should the node crash in between,
   * the workload (not answered yet) sends them again and the cloud drops the duplicates.
   */
  async enqueue(epoch: number, readings: Reading[]): Promise<void> {
    this.adopt(epoch);
    const puts: Record<string, string> = {};
    for (let from = 0; from < readings.length; from += this.init.limits.maxBatch) {
      const part = readings.slice(from, from + this.init.limits.maxBatch);
      const key = entryKey(this.agreementId, this.counters.nextSeq);
      this.counters.nextSeq += 1;
      this.queue.push({ key, epoch, readings: part, dropped: false });
      puts[key] = JSON.stringify({ epoch, readings: part });
    }
    const deletes = this.makeRoom();
    // What is dropped at once is never written: a key that is both put and deleted would be put.
    for (const key of deletes) delete puts[key];
    if (deletes.length > 0) puts[countersKey(this.agreementId)] = JSON.stringify(this.counters);
    const written = this.init.store.write(puts, deletes);
    this.wake();
    await written;
  }

  async drained(signal: AbortSignal): Promise<boolean> {
    if (this.queue.size === 0) return true;
    if (signal.aborted) return false;
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', aborted);
        resolve(true);
      };
      const aborted = () => {
        this.waiters.delete(done);
        resolve(false);
      };
      signal.addEventListener('abort', aborted, { once: true });
      this.waiters.add(done);
    });
  }

  stats(): LaneStats {
    const { accepted, duplicates, refused, dropped } = this.counters;
    return { queued: this.queue.size, accepted, duplicates, refused, dropped };
  }

  delivered(epoch: number): { count: number; readingsRoot: string | null } {
    if (holderOf(epoch) === 'customer') return { count: 0, readingsRoot: null };
    const account = this.accounts.get(epoch) ?? emptyReadingSet();
    return { count: account.count, readingsRoot: rootOf(account) };
  }

  kick(epoch: number): void {
    this.adopt(epoch);
    this.pause.abort();
    this.wake();
  }

  async stopped(): Promise<void> {
    await this.running;
  }

  /**
   * A reading is a fact, whoever delivers it when: what an epoch that is over left undelivered goes out under the next
   * one that this node holds. The cloud knows what it has already.
   */
  private adopt(epoch: number): void {
    this.epoch = Math.max(this.epoch, epoch);
    if (this.epoch > this.staleEpoch) this.queue.relabel(this.staleEpoch, this.epoch);
  }

  /** Whether what waits may still be taken: not while its epoch is over and this node holds no later one. */
  private get held(): boolean {
    return this.staleEpoch > 0 && this.epoch <= this.staleEpoch;
  }

  private makeRoom(): string[] {
    const gone = this.queue.trim(this.init.limits.maxQueued);
    const count = gone.reduce((sum, entry) => sum + entry.readings.length, 0);
    if (count === 0) return [];
    this.counters.dropped += count;
    const { agreementId } = this;
    this.init.log.warn({ agreementId, count, dropped: this.counters.dropped }, 'the queue to the cloud is full');
    return gone.map((entry) => entry.key);
  }

  private wake(): void {
    if (this.running || this.failed || this.held || this.queue.size === 0 || this.init.signal.aborted) return;
    this.running = this.run()
      .catch((error: unknown) => {
        this.failed = true;
        this.init.log.error({ agreementId: this.agreementId, error }, 'the queue to the cloud stopped');
        this.init.onFatal?.(error);
      })
      .finally(() => {
        this.running = null;
        // Something may have been enqueued after the loop found nothing more.
        this.wake();
      });
  }

  private async run(): Promise<void> {
    let failures = 0;
    while (!this.init.signal.aborted && !this.held) {
      const batch = this.queue.head(this.init.limits.maxBatch);
      const epoch = batch[0]?.epoch;
      if (epoch === undefined) return;
      const result = await this.send(epoch, batch);
      if (result.kind === 'retry') {
        failures += 1;
        await this.backOff(failures, result.reason);
        continue;
      }
      failures = 0;
      if (this.mayComeBack(result)) this.close(epoch, result.currentEpoch);
      else await this.finish(epoch, batch, result);
    }
  }

  /** Refused because somebody else runs the workload now. While the agreement lives, this node may hold it again. */
  private mayComeBack(result: FinalResult): boolean {
    if (result.kind !== 'refused' || result.reason !== 'EPOCH_STALE') return false;
    return this.init.isLive?.(this.agreementId) ?? true;
  }

  private close(epoch: number, currentEpoch: number | null): void {
    this.staleEpoch = Math.max(this.staleEpoch, epoch);
    this.adopt(this.epoch);
    const fields = { agreementId: this.agreementId, epoch, currentEpoch, queued: this.queue.size };
    this.init.log.warn(fields, 'the epoch is over; what it left goes out under the next one of this node');
  }

  private async send(epoch: number, batch: QueueEntry[]): Promise<DeliveryResult> {
    const target = this.init.targets(this.agreementId);
    if (target === null) return { kind: 'retry', reason: 'the cloud of this agreement is not known' };
    const { fetch, sign, signal, limits } = this.init;
    const readings = batch.flatMap((entry) => entry.readings);
    const content = { agreementId: this.agreementId, epoch, readings };
    return deliver({ fetch, sign, timeoutMs: limits.requestTimeoutMs }, target.url, content, signal);
  }

  private async finish(epoch: number, batch: QueueEntry[], result: FinalResult): Promise<void> {
    const readings = batch.flatMap((entry) => entry.readings);
    this.count(epoch, readings.length, result);
    const puts = this.account(epoch, readings, result);
    puts[countersKey(this.agreementId)] = JSON.stringify(this.counters);
    const keys = this.queue.finish(batch).map((entry) => entry.key);
    const written = this.init.store.write(puts, keys);
    this.init.onDelivery?.({ agreementId: this.agreementId, epoch, readings, result });
    if (this.queue.size === 0) this.tellDrained();
    await written;
  }

  private count(epoch: number, sent: number, result: FinalResult): void {
    if (result.kind === 'taken') {
      this.counters.accepted += result.accepted;
      this.counters.duplicates += result.duplicates;
      this.counters.refused += result.refused;
      return;
    }
    this.counters.refused += sent;
    const { reason, currentEpoch } = result;
    this.init.log.warn({ agreementId: this.agreementId, epoch, currentEpoch, reason, count: sent }, 'readings refused');
  }

  /** A handback speaks of the provider's epochs only: for the others the summary is not worth its 3 KB per write. */
  private account(epoch: number, readings: Reading[], result: FinalResult): Record<string, string> {
    if (result.kind !== 'taken' || result.accepted === 0 || holderOf(epoch) === 'customer') return {};
    const accepted = readings.filter((_, index) => result.acceptedIndexes.includes(index));
    const account = addReadings(this.accounts.get(epoch) ?? emptyReadingSet(), accepted);
    this.accounts.set(epoch, account);
    return { [accountKey(this.agreementId, epoch)]: encodeReadingSet(account) };
  }

  private tellDrained(): void {
    for (const waiter of this.waiters) waiter();
    this.waiters.clear();
  }

  private async backOff(failures: number, reason: string): Promise<void> {
    const { backoffMinMs, backoffMaxMs } = this.init.limits;
    const fullMs = Math.min(backoffMaxMs, backoffMinMs * 2 ** Math.min(failures - 1, 30));
    const pauseMs = Math.round(fullMs * (1 - this.init.random() / 2));
    const fields = { agreementId: this.agreementId, failures, pauseMs, reason, queued: this.queue.size };
    if (failures === 1) this.init.log.warn(fields, 'the cloud did not take readings, will try again');
    else this.init.log.debug(fields, 'the cloud did not take readings, will try again');
    this.pause = new AbortController();
    const signal = AbortSignal.any([this.pause.signal, this.init.signal]);
    // Woken early is as good as slept: the loop looks again.
    await this.init.clock.sleep(pauseMs, signal).catch(() => undefined);
  }
}
