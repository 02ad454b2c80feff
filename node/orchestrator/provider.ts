import { checkHandback } from '../../arbitrator/handback.ts';
import type { SignedHandback } from '../../arbitrator/types.ts';
import { hasCode } from '../../market/errors.ts';
import { answerReport } from './breach.ts';
import type { CloudClient } from './cloud-client.ts';
import type { Context } from './context.ts';
import { providerStep } from './ending.ts';
import { createGuard, type GuardService } from './guard.ts';
import { keepTrying } from './keep-trying.ts';
import { migrate } from './provider-deploy.ts';
import { serveProvider } from './provider-requests.ts';
import { runTurn, takeEpoch } from './provider-takeover.ts';
import { type AgreementRecord, currentTurn, epochOf, isProviderRunning, isProviderTurn, nextTurns } from './records.ts';
import { releaseProvided } from './release.ts';
import { REVIVE_EVERY_MS, reviveNoted } from './revive.ts';
import type { Runner } from './runner.ts';

/** How often a provider looks at the chain for reports against it and for agreements that ended without it. */
const CHAIN_POLL_MS = 2_000;
/** Trying again sooner would not help: these end when the customer publishes anew. */
const FINAL_MIGRATION = /^(IMAGE_INVALID|BLOCK_CORRUPT|KEY_WRONG|WORKLOAD_\w+)$/;
/** How long a provider that stopped for a handback waits for the countersignature before it serves again. */
export const HANDBACK_WAIT_MS = 15_000;

export interface ProviderService {
  start(): Promise<void>;
  /** Resources promised to others: what the DMU must not sell twice. */
  live(): AgreementRecord[];
  /** Stops what it runs for others; the next start of the node continues. */
  stop(): Promise<void>;
}

/** The provider's half of every agreement: migration, guard, takeover, handback, settlement. */
export function createProvider(
  context: Context,
  cloud: CloudClient,
  makeRunner: (record: AgreementRecord) => Runner,
): ProviderService {
  return new Provider(context, cloud, makeRunner);
}

/** What requests of the customer may set in motion (`provider-requests.ts`). */
export interface ProviderActions {
  guard: GuardService;
  runnerOf(record: AgreementRecord): Runner;
  fetchedBytes(record: AgreementRecord): number;
  startMigration(id: string): void;
  /** Called when the workload was stopped for a handback that is not countersigned yet. */
  awaitHandback(id: string): void;
  takeHandback(record: AgreementRecord, signed: SignedHandback): Promise<string | null>;
}

class Provider implements ProviderService, ProviderActions {
  readonly guard: GuardService;
  private readonly context: Context;
  private readonly cloud: CloudClient;
  private readonly makeRunner: (record: AgreementRecord) => Runner;
  private readonly runners = new Map<string, Runner>();
  private readonly fetched = new Map<string, number>();
  private readonly migrating = new Set<string>();
  private readonly serving = new Set<string>();
  private readonly handbackWaits = new Map<string, AbortController>();

  constructor(context: Context, cloud: CloudClient, makeRunner: (record: AgreementRecord) => Runner) {
    this.context = context;
    this.cloud = cloud;
    this.makeRunner = makeRunner;
    this.guard = createGuard(context, { onDead: (record, grounds) => this.onDead(record.id, grounds) });
  }

  live(): AgreementRecord[] {
    return this.context.records.list().filter(({ side, endedTx }) => side === 'provider' && endedTx === null);
  }

  async start(): Promise<void> {
    await serveProvider(this.context, this);
    for (const record of this.live()) this.background(record.id, 'continue', this.carryOn(record));
    const { clock, signal } = this.context;
    clock.every(CHAIN_POLL_MS, () => this.lookAtChain(), signal);
    clock.every(REVIVE_EVERY_MS, () => this.revive(), signal);
  }

  async stop(): Promise<void> {
    for (const runner of this.runners.values()) await runner.halt(0);
  }

  runnerOf(record: AgreementRecord): Runner {
    const runner = this.runners.get(record.id) ?? this.makeRunner(record);
    this.runners.set(record.id, runner);
    return runner;
  }

  fetchedBytes(record: AgreementRecord): number {
    return Math.max(record.migratedBytes, this.fetched.get(record.id) ?? 0);
  }

  startMigration(id: string): void {
    this.background(id, 'migrate', this.keepMigrating(id));
  }

  /** Null when it is (or was before) the customer's turn by this handback, or why it is refused. */
  async takeHandback(record: AgreementRecord, signed: SignedHandback): Promise<string | null> {
    const { terms, duties, id } = record;
    const { epoch } = signed.handback;
    if (epochOf(record) >= epoch) return null;
    const expected = { terms, duties, agreementId: id, currentEpoch: epochOf(record) };
    const fault = checkHandback(this.context.domain, signed, expected);
    if (fault !== null) return fault;
    const startedAtMs = this.context.clock.nowMs();
    const turn = { epoch, holder: 'customer' as const, startedAtMs, endedAtMs: null, certificate: null };
    await this.context.records.update(id, (current) =>
      epochOf(current) < epoch ? { turns: nextTurns(current.turns, startedAtMs, { ...turn, handback: signed }) } : {},
    );
    this.handbackWaits.get(id)?.abort();
    await this.runnerOf(record).halt(0);
    this.guard.unwatch(id);
    this.guard.watch(id);
    this.context.emit('handed-back', id, { epoch });
    return null;
  }

  /** A customer that asked for its workload and went silent again must not leave it with nobody. */
  awaitHandback(id: string): void {
    this.handbackWaits.get(id)?.abort();
    const wait = new AbortController();
    this.handbackWaits.set(id, wait);
    const over = AbortSignal.any([wait.signal, this.context.signal]);
    const waited = this.context.clock.sleep(HANDBACK_WAIT_MS, over).then(
      () => this.handbackMissed(id),
      () => undefined,
    );
    this.background(id, 'wait for the handback', waited);
  }

  /** The customer may have signed and told only the cloud; otherwise the turn is still this provider's. */
  private async handbackMissed(id: string): Promise<void> {
    const record = this.context.records.get(id);
    if (record === null || !isProviderRunning(record)) return;
    const signed = await this.cloud.handbackOf(record, epochOf(record) + 1).catch(() => null);
    if (signed !== null && (await this.takeHandback(record, signed)) === null) return;
    this.context.emit('handback-missed', id, { epoch: epochOf(record) });
    await this.serve(id);
  }

  private async onDead(id: string, grounds: Parameters<typeof takeEpoch>[2]): Promise<void> {
    const record = this.context.records.get(id);
    if (record === null || this.isOver(record)) return;
    if (await takeEpoch(this.context, id, grounds)) await this.serve(id);
  }

  /** Tells the cloud, and starts the workload as often as it takes while the epoch is this provider's. */
  private async serve(id: string): Promise<void> {
    const record = this.context.records.get(id);
    const certificate = record === null ? null : currentTurn(record)?.certificate;
    if (record === null || certificate == null || this.serving.has(id)) return;
    this.serving.add(id);
    const { epoch } = certificate.activation;
    const told = this.cloud.raiseEpoch(record, { certificate }).then(() => this.context.north.kick(id, epoch));
    this.background(id, 'tell the cloud', told);
    const isOwed = (): boolean => {
      const now = this.context.records.get(id);
      return now !== null && epochOf(now) === epoch && !this.isOver(now);
    };
    try {
      await keepTrying(this.context, { firstMs: 5_000, maxMs: 60_000 }, async () => {
        return !isOwed() || (await runTurn(this.context, id, this.runnerOf(record)));
      });
    } finally {
      this.serving.delete(id);
    }
  }

  /** After a restart: whatever this provider owed, it owes still. */
  private async carryOn(record: AgreementRecord): Promise<void> {
    if (this.isOver(record)) return;
    if (isProviderTurn(record)) return this.serve(record.id);
    if (record.readyAtMs === null) return this.keepMigrating(record.id);
    try {
      const runner = this.runnerOf(record);
      await runner.halt(0);
      await runner.prepare(new Map());
      this.guard.watch(record.id);
    } catch (error) {
      this.context.log.warn({ agreement: record.id, error: String(error) }, 'the workload must be prepared again');
      await this.keepMigrating(record.id);
    }
  }

  /** One at a time per agreement: a customer that deploys again finds the running one. */
  private async keepMigrating(id: string): Promise<void> {
    if (this.migrating.has(id)) return;
    this.migrating.add(id);
    try {
      await keepTrying(this.context, { firstMs: 2_000, maxMs: 30_000 }, () => this.migrateOnce(id));
    } finally {
      this.migrating.delete(id);
    }
  }

  private async migrateOnce(id: string): Promise<boolean> {
    const record = this.context.records.get(id);
    if (record === null || record.endedTx !== null) return true;
    try {
      const note = (bytes: number): unknown => this.fetched.set(id, bytes);
      await migrate(this.context, id, (ready) => this.runnerOf(ready), note);
      this.guard.watch(id);
      return true;
    } catch (error) {
      if (this.context.signal.aborted || hasCode(error, 'STORE_FAILED')) throw error;
      const { code = 'MIGRATION_FAILED', message } = error as { code?: string; message: string };
      const isFinal = FINAL_MIGRATION.test(code);
      await this.context.records.update(id, { failure: { code, message, atMs: this.context.clock.nowMs(), isFinal } });
      this.context.emit('migration-failed', id, { code, message });
      return isFinal;
    }
  }

  private async revive(): Promise<void> {
    for (const record of this.live().filter(isProviderRunning)) {
      const runner = this.runners.get(record.id);
      if (runner !== undefined && !this.isOver(record)) await reviveNoted(this.context, record.id, runner);
    }
  }

  private isOver(record: AgreementRecord): boolean {
    return record.endedTx !== null || this.context.clock.nowMs() >= record.terms.endsAt * 1000;
  }

  private async lookAtChain(): Promise<void> {
    for (const record of this.live()) {
      try {
        if (this.isOver(record)) await this.standDown(record);
        await providerStep(this.context, record, {
          answer: (current) => answerReport(this.context, this.cloud, current),
          release: (current) => this.release(current),
        });
      } catch (error) {
        this.context.log.debug({ agreement: record.id, error: String(error) }, 'cannot look at the agreement on chain');
      }
    }
  }

  /** The term is over: nothing is owed any more, whatever the chain says and whether or not it answers. */
  private async standDown(record: AgreementRecord): Promise<void> {
    this.guard.unwatch(record.id);
    if (!isProviderRunning(record)) return;
    await this.runnerOf(record).halt(0);
    const atMs = this.context.clock.nowMs();
    await this.context.records.update(record.id, ({ turns }) => ({ turns: nextTurns(turns, atMs, null) }));
  }

  private async release(record: AgreementRecord): Promise<void> {
    this.guard.unwatch(record.id);
    this.handbackWaits.get(record.id)?.abort();
    await releaseProvided(this.context, record, record.manifest === null ? null : this.runnerOf(record));
    this.runners.delete(record.id);
    this.fetched.delete(record.id);
  }

  private background(id: string, what: string, work: Promise<unknown>): void {
    void work.catch((error) => {
      if (this.context.signal.aborted) return;
      this.context.log.error({ agreement: id, what, error: String(error) }, 'work for an agreement failed');
    });
  }
}
