import { EdgeError, hasCode } from '../../market/errors.ts';
import type { Manifest } from '../../market/workload.ts';
import type { TxResult } from '../../sdk/ports.ts';
import { assertLive, reportIfAbandoned } from './breach.ts';
import type { CloudClient } from './cloud-client.ts';
import type { Context } from './context.ts';
import { announce, comeBack } from './customer-comeback.ts';
import { allowProviders, deploy } from './customer-deploy.ts';
import { dropped, finishOpening, opened } from './customer-opening.ts';
import { customerStep } from './ending.ts';
import { sayGoodbye } from './goodbye.ts';
import { createHeartbeats, type HeartbeatSender } from './heartbeats.ts';
import { keepTrying } from './keep-trying.ts';
import { type LocalWorkload, LocalWorkloads } from './local-workloads.ts';
import { RECEIPT_EVERY_MS, sendReceipt } from './receipts.ts';
import { type AgreementRecord, epochOf, type NewRecord, newRecord, statusOf } from './records.ts';
import { releaseInsured } from './release.ts';
import { REVIVE_EVERY_MS } from './revive.ts';
import { endRecord, settle } from './settle.ts';

export interface CustomerService {
  /** Continues every agreement of this device after a start. */
  start(): Promise<void>;
  /** Runs the workload here under epoch 1, insured or not. Throws `ALREADY_INSURED`. */
  runLocal(manifest: Manifest, layoutDirs: Map<string, string>): Promise<LocalWorkload>;
  /** Puts what both signed on disk, before anything is opened: a crash from here on is recovered from. */
  remember(signed: NewRecord, workload: LocalWorkload): Promise<void>;
  /** Opening did not succeed: dropped when the chain refused, carried on with in the background otherwise. */
  openingFailed(id: string, error: unknown): Promise<void>;
  /** From the opened agreement to a provider that stands by. */
  protect(id: string, openedTx: TxResult): Promise<AgreementRecord>;
  settle(id: string): Promise<TxResult>;
  stop(): Promise<void>;
}

/** How often agreements are looked at on chain once that matters: after a report, and from the end of the term on. */
const CHAIN_POLL_MS = 1_000;
/** While the provider is silent the cloud is asked this often whether somebody else runs the workload. */
const ASK_CLOUD_EVERY_MS = 5_000;

/** The customer's half of every agreement: its own containers, heartbeats, comeback, settlement, reports. */
export function createCustomer(
  context: Context,
  cloud: CloudClient,
  options: { breachAfterMs?: number } = {},
): CustomerService {
  return new Customer(context, cloud, options);
}

class Customer implements CustomerService {
  private readonly context: Context;
  private readonly cloud: CloudClient;
  private readonly options: { breachAfterMs?: number };
  private readonly workloads: LocalWorkloads;
  private readonly heartbeats: HeartbeatSender;
  private readonly returning = new Set<string>();
  private readonly carrying = new Set<string>();
  private readonly askedCloudAtMs = new Map<string, number>();

  constructor(context: Context, cloud: CloudClient, options: { breachAfterMs?: number }) {
    this.context = context;
    this.cloud = cloud;
    this.options = options;
    this.workloads = new LocalWorkloads(context);
    this.heartbeats = createHeartbeats(context, {
      serving: (id) => this.of(id, (record) => this.workloads.runnerOf(record).serving()) ?? false,
      onBehind: (id) => this.inBackground(id, 'come back', this.bringBackIfFenced(id)),
      onAhead: (id) => this.of(id, (record) => this.inBackground(id, 'announce', announce(context, cloud, record))),
      onUnheard: (id) => this.inBackground(id, 'ask the cloud', this.askCloud(id)),
    });
  }

  async start(): Promise<void> {
    const { clock, signal } = this.context;
    allowProviders(this.context);
    for (const record of this.mine()) this.inBackground(record.id, 'continue', this.carryOn(record.id));
    clock.every(CHAIN_POLL_MS, () => this.lookAtChain(), signal);
    clock.every(REVIVE_EVERY_MS, () => this.workloads.revive(), signal);
    clock.every(RECEIPT_EVERY_MS, () => this.sendReceipts(), signal);
  }

  async runLocal(manifest: Manifest, layoutDirs: Map<string, string>): Promise<LocalWorkload> {
    const workload = this.workloads.of(manifest, layoutDirs);
    const insured = this.mine().find((record) => record.duties.workloadHash === workload.hash);
    if (insured !== undefined) {
      throw new EdgeError('ALREADY_INSURED', 'this workload is insured already', {
        context: { agreement: insured.id, status: statusOf(insured) },
        remedy: 'look at it with: eaas agreements; end it with: eaas settle ID',
      });
    }
    await workload.runner.prepare(layoutDirs);
    // What the radio heard while the image was taken in is the workload's too.
    await workload.runner.run(1, 0);
    return workload;
  }

  async remember(signed: NewRecord, workload: LocalWorkload): Promise<void> {
    const images = Object.fromEntries(workload.layoutDirs);
    await this.context.records.add({ ...newRecord(signed), manifest: workload.manifest, images });
  }

  async openingFailed(id: string, error: unknown): Promise<void> {
    const record = this.context.records.get(id);
    if (record === null || record.openedTx !== null) return;
    const { code = 'OPEN_FAILED', message } = error as { code?: string; message: string };
    if (code.startsWith('TX_')) await dropped(this.context, record, code, message);
    else this.inBackground(id, 'continue', this.carryOn(id));
  }

  async protect(id: string, openedTx: TxResult): Promise<AgreementRecord> {
    this.carrying.add(id);
    try {
      const record = this.require(id);
      await opened(this.context, record, openedTx.hash);
      return await this.deployAndWatch(id);
    } catch (error) {
      const { code = 'MIGRATION_FAILED', message } = error as { code?: string; message: string };
      const failure = { code, message, atMs: this.context.clock.nowMs(), isFinal: true };
      if (!this.context.signal.aborted) await this.context.records.update(id, { failure });
      throw error;
    } finally {
      this.carrying.delete(id);
    }
  }

  async settle(id: string): Promise<TxResult> {
    const record = this.require(id);
    assertLive(record);
    const tx = await settle(this.context, record);
    await this.end(record, tx.hash);
    return tx;
  }

  async stop(): Promise<void> {
    const leaving = this.mine();
    for (const record of leaving) this.heartbeats.stop(record.id);
    await Promise.all(leaving.map((record) => sayGoodbye(this.context, record)));
    await this.workloads.halt();
  }

  private mine(): AgreementRecord[] {
    return this.context.records.list().filter(({ side, endedTx }) => side === 'customer' && endedTx === null);
  }

  private require(id: string): AgreementRecord {
    const record = this.context.records.get(id);
    if (record?.side === 'customer') return record;
    throw new EdgeError('AGREEMENT_UNKNOWN', `no agreement ${id} of this customer`, { context: { id } });
  }

  private of<T>(id: string, use: (record: AgreementRecord) => T): T | null {
    const record = this.context.records.get(id);
    return record === null || record.endedTx !== null ? null : use(record);
  }

  private inBackground(id: string, what: string, work: Promise<unknown>): void {
    void work.catch((error) => {
      if (this.context.signal.aborted) return;
      this.context.log.error({ agreement: id, what, error: String(error) }, 'work for an agreement failed');
    });
  }

  /** After a start: whatever is missing until the provider stands by. Repeated until it succeeds or cannot. */
  private async carryOn(id: string): Promise<void> {
    if (this.carrying.has(id)) return;
    this.carrying.add(id);
    try {
      await keepTrying(this.context, { firstMs: 500, maxMs: 10_000 }, async () => {
        try {
          await this.resume(id);
          return true;
        } catch (error) {
          if (this.context.signal.aborted) return true;
          this.context.log.warn({ agreement: id, error: String(error) }, 'the agreement is not continued yet');
          return ['MIGRATION_FAILED', 'POSSESSION_NOT_PROVEN', 'STORE_FAILED'].some((code) => hasCode(error, code));
        }
      });
    } finally {
      this.carrying.delete(id);
    }
  }

  private async resume(id: string): Promise<void> {
    const record = this.context.records.get(id);
    if (record === null || record.endedTx !== null) return;
    const { runner } = await this.workloads.insuredBy(record);
    await runner.prepare(new Map(Object.entries(record.images)));
    if (record.openedTx === null) {
      await runner.run(epochOf(record), 0);
      if (await finishOpening(this.context, record)) await this.deployAndWatch(id);
      return;
    }
    this.inBackground(id, 'register', this.cloud.register(record));
    if (record.settlement?.providerSignature != null) await this.settle(id);
    else if (record.readyAtMs === null) {
      await runner.run(epochOf(record), 0);
      await this.deployAndWatch(id);
    } else {
      await reportIfAbandoned(this.context, this.cloud, record, this.options.breachAfterMs);
      await this.bringBack(id);
    }
  }

  private async deployAndWatch(id: string): Promise<AgreementRecord> {
    const record = this.require(id);
    await this.workloads.insuredBy(record);
    this.inBackground(id, 'register', this.cloud.register(record));
    const ready = await deploy(this.context, id);
    this.heartbeats.start(id);
    return ready;
  }

  /** One at a time per agreement. Heartbeats pause meanwhile: they would claim an epoch that is over. */
  private async bringBack(id: string): Promise<void> {
    const record = this.context.records.get(id);
    if (record === null || this.returning.has(id)) return;
    this.returning.add(id);
    try {
      this.heartbeats.stop(id);
      await comeBack(this.context, this.cloud, id, this.workloads.runnerOf(record));
      if (!this.context.signal.aborted) this.heartbeats.start(id);
    } finally {
      this.returning.delete(id);
    }
  }

  /**
   * Cut off but alive, and taken over meanwhile: stop serving at once, then ask for the workload back. The cloud
   * decides where it can be asked: a provider's word alone does not stop a customer whose readings are taken.
   */
  private async bringBackIfFenced(id: string): Promise<void> {
    const record = this.context.records.get(id);
    if (record === null || record.endedTx !== null || this.returning.has(id)) return;
    const sink = await this.cloud.currentEpoch(record).catch(() => null);
    if (sink !== null && sink <= epochOf(record)) return;
    await this.fence(record);
  }

  private async fence(record: AgreementRecord): Promise<void> {
    if (this.returning.has(record.id)) return;
    this.context.emit('fenced', record.id, { epoch: epochOf(record) });
    this.heartbeats.stop(record.id);
    await this.workloads.runnerOf(record).halt(1_000);
    await this.bringBack(record.id);
  }

  private async askCloud(id: string): Promise<void> {
    const nowMs = this.context.clock.nowMs();
    const record = this.context.records.get(id);
    if (record === null || nowMs - (this.askedCloudAtMs.get(id) ?? 0) < ASK_CLOUD_EVERY_MS) return;
    this.askedCloudAtMs.set(id, nowMs);
    const sink = await this.cloud.currentEpoch(record).catch(() => null);
    if (sink !== null && sink > epochOf(record)) await this.fence(record);
  }

  private async lookAtChain(): Promise<void> {
    for (const record of this.mine()) {
      try {
        await customerStep(this.context, record, {
          settle: (current) => this.settle(current.id),
          onAnswered: ({ id }) => this.context.emit('report-answered', id),
          release: (current) => this.release(current),
        });
      } catch (error) {
        this.context.log.debug({ agreement: record.id, error: String(error) }, 'cannot look at the agreement on chain');
      }
    }
  }

  private async sendReceipts(): Promise<void> {
    for (const record of this.mine()) {
      try {
        await sendReceipt(this.context, record);
      } catch (error) {
        this.context.log.debug({ agreement: record.id, error: String(error) }, 'receipt not delivered');
      }
    }
  }

  private async end(record: AgreementRecord, txHash: string): Promise<void> {
    await this.release(record);
    await endRecord(this.context, record.id, txHash, 'settled');
    allowProviders(this.context);
  }

  private async release(record: AgreementRecord): Promise<void> {
    this.heartbeats.stop(record.id);
    await releaseInsured(this.context, record);
  }
}
