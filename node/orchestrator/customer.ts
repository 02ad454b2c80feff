import type { Reading } from '../../arbitrator/types.ts';
import { EdgeError } from '../../market/errors.ts';
import type { Manifest } from '../../market/workload.ts';
import { workloadHash } from '../../market/workload.ts';
import type { TxResult } from '../../sdk/ports.ts';
import { assertLive, expireWhenDue, report, wasAbandoned } from './breach.ts';
import type { CloudClient } from './cloud-client.ts';
import type { Context } from './context.ts';
import { comeBack } from './customer-comeback.ts';
import { allowProviders, deploy } from './customer-deploy.ts';
import { createHeartbeats } from './heartbeats.ts';
import { type AgreementRecord, currentTurn, type NewRecord, newRecord, statusOf } from './records.ts';
import { createRunner, type Runner } from './runner.ts';
import { settle } from './settle.ts';

/** A workload of this device, running here whether or not it is insured yet. */
export interface LocalWorkload {
  manifest: Manifest;
  layoutDirs: Map<string, string>;
  runner: Runner;
}

export interface CustomerService {
  /** Continues every agreement of this device after a start. */
  start(): Promise<void>;
  /** Runs the workload here under epoch 1, insured or not. */
  runLocal(manifest: Manifest, layoutDirs: Map<string, string>): Promise<LocalWorkload>;
  /** From the signed, opened agreement to a provider that stands by. */
  protect(signed: NewRecord, openedTx: TxResult, workload: LocalWorkload): Promise<AgreementRecord>;
  settle(id: string): Promise<TxResult>;
  stop(): Promise<void>;
}

/** Readings kept in memory while a workload has no agreement to send them under: an hour of a dozen slow sensors. */
const MAX_PENDING = 10_000;

/** The customer's half of every agreement: its own containers, heartbeats, comeback, settlement, reports. */
export function createCustomer(
  context: Context,
  cloud: CloudClient,
  options: { breachAfterMs?: number } = {},
): CustomerService {
  const workloads = new Map<string, LocalWorkload>();
  const pending = new Map<string, Reading[]>();
  const agreementOf = new Map<string, string>();

  const onReadings = (hash: string) => async (epoch: number, readings: Reading[]) => {
    const agreementId = agreementOf.get(hash);
    if (agreementId !== undefined) return context.north.enqueue(agreementId, epoch, readings);
    const kept = [...(pending.get(hash) ?? []), ...readings];
    pending.set(hash, kept.slice(-MAX_PENDING));
  };

  const workloadOf = (manifest: Manifest, layoutDirs: Map<string, string>): LocalWorkload => {
    const hash = workloadHash(manifest);
    const known = workloads.get(hash);
    if (known !== undefined) return known;
    const init = { id: hash, dataDir: context.dataDir, manifest };
    const workload = { manifest, layoutDirs, runner: createRunner(context, init, onReadings(hash)) };
    workloads.set(hash, workload);
    return workload;
  };

  const runnerOf = (record: AgreementRecord): Runner => {
    const workload = workloads.get(record.duties.workloadHash);
    if (workload !== undefined) return workload.runner;
    if (record.manifest === null) throw new EdgeError('WORKLOAD_UNKNOWN', 'the workload of the agreement is not here');
    return workloadOf(record.manifest, new Map()).runner;
  };

  const heartbeats = createHeartbeats(context, {
    serving: (id) => {
      const record = context.records.get(id);
      return record !== null && runnerOf(record).serving();
    },
    onBehind: (id, epoch) => void onBehind(id, epoch),
  });

  /** Cut off but alive, and taken over meanwhile: stop serving at once, then ask for the workload back. */
  const onBehind = async (id: string, epoch: number): Promise<void> => {
    const record = context.records.get(id);
    if (record === null || record.endedTx !== null) return;
    heartbeats.stop(id);
    context.emit('fenced', id, { epoch });
    await runnerOf(record).halt(1_000);
    await comeBack(context, cloud, record, runnerOf(record));
    heartbeats.start(id);
  };

  const mine = (): AgreementRecord[] =>
    context.records.list().filter((record) => record.side === 'customer' && record.endedTx === null);

  const resume = async (record: AgreementRecord): Promise<void> => {
    agreementOf.set(record.duties.workloadHash, record.id);
    const runner = runnerOf(record);
    if (statusOf(record) === 'reported') return expireWhenDue(context, record);
    if (await abandoned(record)) {
      context.emit('abandoned', record.id, { lastHeardAtMs: record.lastHeardAtMs });
      await runner.run(currentTurn(record)?.epoch ?? 1, 0);
      return expireWhenDue(context, await report(context, record));
    }
    if (record.readyAtMs === null) {
      await runner.run(currentTurn(record)?.epoch ?? 1, 0);
      await deploy(context, record, workloadOf(runnerManifest(record), new Map()).layoutDirs);
    } else {
      await comeBack(context, cloud, record, runner);
    }
    heartbeats.start(record.id);
  };

  const abandoned = (record: AgreementRecord): Promise<boolean> =>
    wasAbandoned(cloud, record, context.clock.nowMs(), options.breachAfterMs).catch((error) => {
      context.log.warn({ agreement: record.id, error: String(error) }, 'cannot tell yet whether the provider served');
      return false;
    });

  return {
    async start() {
      allowProviders(context);
      for (const record of mine()) {
        agreementOf.set(record.duties.workloadHash, record.id);
        void resume(record).catch((error) =>
          context.log.error({ agreement: record.id, error: String(error) }, 'the agreement could not be continued'),
        );
      }
    },
    async runLocal(manifest, layoutDirs) {
      const workload = workloadOf(manifest, layoutDirs);
      await workload.runner.prepare(layoutDirs);
      // What the radio heard while the image was taken in is the workload's too.
      await workload.runner.run(1, 0);
      return workload;
    },
    async protect(signed, openedTx, workload) {
      const turn = { epoch: 1, holder: 'customer' as const, startedAtMs: signed.createdAtMs, endedAtMs: null };
      const record: AgreementRecord = {
        ...newRecord(signed),
        openedTx: openedTx.hash,
        manifest: workload.manifest,
        turns: [{ ...turn, certificate: null, handback: null }],
      };
      await context.records.add(record);
      agreementOf.set(record.duties.workloadHash, record.id);
      void cloud.register(record).catch((error) => context.log.error({ error: String(error) }, 'the cloud refused'));
      const waiting = pending.get(record.duties.workloadHash) ?? [];
      pending.delete(record.duties.workloadHash);
      if (waiting.length > 0) await context.north.enqueue(record.id, 1, waiting);
      const ready = await deploy(context, record, workload.layoutDirs);
      heartbeats.start(record.id);
      return ready;
    },
    async settle(id) {
      const record = context.records.get(id);
      if (record === null) throw new EdgeError('AGREEMENT_UNKNOWN', `no agreement ${id}`);
      assertLive(record);
      const tx = await settle(context, record);
      heartbeats.stop(id);
      return tx;
    },
    async stop() {
      for (const record of mine()) heartbeats.stop(record.id);
      for (const { runner } of workloads.values()) await runner.halt(2_000);
    },
  };
}

function runnerManifest(record: AgreementRecord): Manifest {
  if (record.manifest === null) throw new EdgeError('WORKLOAD_UNKNOWN', 'the workload of the agreement is not here');
  return record.manifest;
}
