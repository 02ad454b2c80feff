import type { Reading } from '../../arbitrator/types.ts';
import { EdgeError } from '../../market/errors.ts';
import { type Manifest, workloadHash } from '../../market/workload.ts';
import type { Context } from './context.ts';
import type { AgreementRecord } from './records.ts';
import { reviveNoted } from './revive.ts';
import { createRunner, type Runner } from './runner.ts';

/** A workload of this device, running here whether or not it is insured yet. */
export interface LocalWorkload {
  hash: string;
  manifest: Manifest;
  layoutDirs: Map<string, string>;
  runner: Runner;
}

/** Readings kept in memory while a workload has no agreement to send them under: an hour of a dozen slow sensors. */
const MAX_PENDING = 10_000;
const HALT_GRACE_MS = 2_000;

/** The customer's own workloads by manifest, and the agreement that each one's readings belong to. */
export class LocalWorkloads {
  private readonly context: Context;
  private readonly workloads = new Map<string, LocalWorkload>();
  private readonly pending = new Map<string, Reading[]>();
  private readonly agreementOf = new Map<string, string>();

  constructor(context: Context) {
    this.context = context;
  }

  of(manifest: Manifest, layoutDirs: Map<string, string>): LocalWorkload {
    const hash = workloadHash(manifest);
    const known = this.workloads.get(hash);
    if (known !== undefined) return known;
    const init = { id: hash, dataDir: this.context.dataDir, manifest };
    const runner = createRunner(this.context, init, (epoch, readings) => this.take(hash, epoch, readings));
    const workload = { hash, manifest, layoutDirs, runner };
    this.workloads.set(hash, workload);
    return workload;
  }

  runnerOf(record: AgreementRecord): Runner {
    const workload = this.workloads.get(record.duties.workloadHash);
    if (workload !== undefined) return workload.runner;
    if (record.manifest === null) throw new EdgeError('WORKLOAD_UNKNOWN', 'the workload of the agreement is not here');
    return this.of(record.manifest, new Map(Object.entries(record.images))).runner;
  }

  /** From now on its readings go north under the agreement, those that waited first. */
  async insuredBy(record: AgreementRecord): Promise<{ runner: Runner }> {
    const hash = record.duties.workloadHash;
    const runner = this.runnerOf(record);
    this.agreementOf.set(hash, record.id);
    const waiting = this.pending.get(hash) ?? [];
    this.pending.delete(hash);
    if (waiting.length > 0) await this.context.north.enqueue(record.id, 1, waiting);
    return { runner };
  }

  async revive(): Promise<void> {
    for (const { hash, runner } of this.workloads.values()) {
      await reviveNoted(this.context, this.agreementOf.get(hash) ?? null, runner);
    }
  }

  async halt(): Promise<void> {
    for (const { runner } of this.workloads.values()) await runner.halt(HALT_GRACE_MS);
  }

  private async take(hash: string, epoch: number, readings: Reading[]): Promise<void> {
    const agreementId = this.agreementOf.get(hash);
    if (agreementId !== undefined) return this.context.north.enqueue(agreementId, epoch, readings);
    const kept = [...(this.pending.get(hash) ?? []), ...readings];
    this.pending.set(hash, kept.slice(-MAX_PENDING));
  }
}
