import { checkReceipt } from '../../arbitrator/receipt.ts';
import { toPlainJson } from '../../market/canonical.ts';
import { EdgeError } from '../../market/errors.ts';
import { prove } from '../migration/possession.ts';
import { answerReport } from './breach.ts';
import type { CloudClient } from './cloud-client.ts';
import type { Context } from './context.ts';
import { unhex } from './context.ts';
import { createGuard } from './guard.ts';
import { acceptDeploy, migrate } from './provider-deploy.ts';
import { offerHandback, resumeTurn, takeOver } from './provider-takeover.ts';
import { type AgreementRecord, currentTurn, nextTurns, statusOf } from './records.ts';
import type { Runner } from './runner.ts';
import { answerSettle, endRecord } from './settle.ts';
import { type AgreementRequest, agreementRequestSchema, PROTOCOLS, type RequestOf } from './wire.ts';

/** How often a provider looks at the chain for reports against it and for agreements that ended without it. */
const CHAIN_POLL_MS = 2_000;
const MIGRATION_RETRY_MS = 2_000;

export interface ProviderService {
  start(): Promise<void>;
  /** Resources promised to others: what the DMU must not sell twice. */
  live(): AgreementRecord[];
}

/** The provider's half of every agreement: migration, guard, takeover, handback, settlement. */
export function createProvider(
  context: Context,
  cloud: CloudClient,
  makeRunner: (record: AgreementRecord) => Runner,
): ProviderService {
  const runners = new Map<string, Runner>();
  const fetched = new Map<string, number>();
  const runnerOf = (record: AgreementRecord): Runner => {
    const runner = runners.get(record.id) ?? makeRunner(record);
    runners.set(record.id, runner);
    return runner;
  };
  const guard = createGuard(context, {
    onDead: async (record, grounds) => takeOver(context, cloud, record, runnerOf(record), grounds),
  });
  const live = (): AgreementRecord[] =>
    context.records.list().filter((record) => record.side === 'provider' && record.endedTx === null);

  const keepMigrating = async (id: string): Promise<void> => {
    while (!context.signal.aborted) {
      try {
        await migrate(context, id, runnerOf, (bytes) => fetched.set(id, bytes));
        guard.watch(id);
        return;
      } catch (error) {
        const { code = 'MIGRATION_FAILED', message } = error as EdgeError;
        const failure = { code, message, atMs: context.clock.nowMs() };
        await context.records.update(id, { failure });
        context.emit('migration-failed', id, { code, message });
        if (code === 'IMAGE_INVALID' || code === 'BLOCK_CORRUPT' || code === 'KEY_WRONG') return;
      }
      await context.clock.sleep(MIGRATION_RETRY_MS, context.signal).catch(() => undefined);
    }
  };

  /** After a restart: the containers are still there, or are made again from what was fetched. */
  const rearm = async (record: AgreementRecord): Promise<void> => {
    try {
      await runnerOf(record).prepare(new Map());
      guard.watch(record.id);
    } catch (error) {
      context.log.warn({ agreement: record.id, error: String(error) }, 'the workload must be prepared again');
      await keepMigrating(record.id);
    }
  };

  const known = (id: string, fromPeerId: string): AgreementRecord => {
    const record = context.records.get(id);
    if (record === null || record.side !== 'provider' || record.duties.customer.peerId !== fromPeerId) {
      throw new EdgeError('AGREEMENT_UNKNOWN', 'no such agreement of yours here', { context: { agreement: id } });
    }
    return record;
  };

  const resumed = async (record: AgreementRecord, { signed }: RequestOf<'resumed'>): Promise<void> => {
    const atMs = context.clock.nowMs();
    const { epoch } = signed.handback;
    if ((currentTurn(record)?.epoch ?? 1) >= epoch) return;
    const turn = {
      epoch,
      holder: 'customer' as const,
      startedAtMs: atMs,
      endedAtMs: null,
      certificate: null,
      handback: signed,
    };
    await context.records.update(record.id, { turns: nextTurns(record.turns, atMs, turn) });
    guard.unwatch(record.id);
    guard.watch(record.id);
    context.emit('handed-back', record.id, { epoch });
  };

  const handlers: { [T in AgreementRequest['type']]: (request: RequestOf<T>, from: string) => Promise<object> } = {
    deploy: async (request, from) => {
      const record = await acceptDeploy(context, request, from);
      if (record.readyAtMs === null) void keepMigrating(record.id);
      return { type: 'ok' };
    },
    progress: async ({ agreementId }, from) => {
      const record = known(agreementId, from);
      const tier = record.readyAtMs === null ? null : record.duties.tier;
      const fetchedBytes = Math.max(record.migratedBytes, fetched.get(agreementId) ?? 0);
      return { type: 'progress', tier, fetchedBytes, failure: record.failure?.message ?? null };
    },
    challenge: async ({ agreementId, nonce, cids }, from) => {
      known(agreementId, from);
      return { type: 'proof', hashes: await prove(context.content, unhex(nonce), cids) };
    },
    state: async ({ agreementId }, from) => {
      const record = known(agreementId, from);
      const failure = record.failure?.message ?? null;
      return { type: 'state', epoch: currentTurn(record)?.epoch ?? 1, active: statusOf(record) === 'active', failure };
    },
    handback: async ({ agreementId }, from) => {
      const record = known(agreementId, from);
      return offerHandback(context, record, runnerOf(record));
    },
    resumed: async (request, from) => {
      await resumed(known(request.agreementId, from), request);
      return { type: 'ok' };
    },
    receipt: async ({ agreementId, receipt, signature }, from) => {
      const record = known(agreementId, from);
      const { customer, customerStake } = record.terms;
      const expectation = { agreementId, customer, agents: [], customerStake, last: record.receipt?.receipt ?? null };
      const fault = checkReceipt(context.domain, receipt, signature, expectation);
      if (fault !== null) throw new EdgeError('RECEIPT_REFUSED', fault, { context: { agreement: agreementId } });
      await context.records.update(agreementId, { receipt: { receipt, signature } });
      return { type: 'ok' };
    },
    settle: async (request, from) => answerSettle(context, known(request.agreementId, from), request),
    leaving: async ({ agreementId }, from) => {
      guard.left(known(agreementId, from).id);
      return { type: 'ok' };
    },
  };

  const dispatch = async (body: unknown, from: string): Promise<unknown> => {
    const parsed = agreementRequestSchema.safeParse(body);
    if (!parsed.success) throw new EdgeError('REQUEST_INVALID', 'not a request about an agreement');
    const handler = handlers[parsed.data.type] as (request: AgreementRequest, from: string) => Promise<object>;
    return toPlainJson(await handler(parsed.data, from));
  };

  return {
    live,
    async start() {
      await context.streams.handle(PROTOCOLS.agreement, dispatch);
      await context.streams.handle(PROTOCOLS.heartbeat, (body, from) => guard.receive(body, from));
      for (const record of live()) {
        if (statusOf(record) === 'active') void resumeTurn(context, cloud, record, runnerOf(record));
        else if (record.readyAtMs === null) void keepMigrating(record.id);
        else void rearm(record);
      }
      context.clock.every(
        CHAIN_POLL_MS,
        () => watchChain(context, cloud, live(), runners, guard.unwatch),
        context.signal,
      );
    },
  };
}

/** Answers reports, and notices agreements that ended: their containers go, their stake is free again. */
async function watchChain(
  context: Context,
  cloud: CloudClient,
  live: AgreementRecord[],
  runners: Map<string, Runner>,
  unwatch: (id: string) => void,
): Promise<void> {
  for (const record of live) {
    try {
      const { status } = await context.chain.agreement(record.terms);
      if (status === 'reported' && record.reportedTx === null && (await answerReport(context, cloud, record))) {
        await context.records.update(record.id, { reportedTx: 'answered' });
      }
      if (status !== 'ended') continue;
      unwatch(record.id);
      await runners.get(record.id)?.remove();
      await endRecord(context, record.id, 'by-other', record.settlement === null ? 'expired' : 'settled');
    } catch (error) {
      context.log.warn({ agreement: record.id, error: String(error) }, 'cannot look at the agreement on chain');
    }
  }
}
