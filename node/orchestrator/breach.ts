import { keccak256, toUtf8Bytes } from 'ethers';
import { TAKEOVER_LIMIT_MS } from '../../arbitrator/ruling.ts';
import { canonicalJson } from '../../market/canonical.ts';
import { EdgeError } from '../../market/errors.ts';
import { providerState } from './ask-provider.ts';
import type { CloudClient } from './cloud-client.ts';
import type { Context } from './context.ts';
import { type AgreementRecord, epochOf } from './records.ts';

/** How long a provider that claims to serve may take until the cloud has seen it. */
const PROOF_WAIT_MS = 15_000;

/**
 * True when the customer was away for longer than a takeover may take and the cloud never saw a later epoch: the
 * provider did not do what it was paid for. Without a cloud nobody saw it, so nothing can be said.
 */
export async function wasAbandoned(
  cloud: CloudClient,
  record: AgreementRecord,
  backAtMs: number,
  limitMs = TAKEOVER_LIMIT_MS,
): Promise<boolean> {
  if (record.readyAtMs === null || record.lastHeardAtMs === null || record.reportedTx !== null) return false;
  if (backAtMs - record.lastHeardAtMs < limitMs) return false;
  const mine = epochOf(record);
  const seen = await cloud.currentEpoch(record);
  if (seen === null) return false;
  if (seen <= mine) return true;
  const { record: service } = await cloud.serviceRecord(record, seen);
  return service.acceptedCount === 0;
}

/** Customer, back from an absence: reports a provider that left it alone. */
export async function reportIfAbandoned(
  context: Context,
  cloud: CloudClient,
  record: AgreementRecord,
  limitMs?: number,
): Promise<void> {
  if (!(await isAbandoned(context, cloud, record, limitMs))) return;
  context.emit('abandoned', record.id, { lastHeardAtMs: record.lastHeardAtMs });
  await report(context, record);
}

/** A provider that says it serves may be cut off from the cloud only: it gets some time to prove it. */
async function isAbandoned(
  context: Context,
  cloud: CloudClient,
  record: AgreementRecord,
  limitMs?: number,
): Promise<boolean> {
  const { clock, log, signal } = context;
  const backAtMs = clock.nowMs();
  try {
    if (!(await wasAbandoned(cloud, record, backAtMs, limitMs))) return false;
    const state = await providerState(context, record);
    if (!state?.active || state.epoch <= epochOf(record)) return true;
    await clock.sleep(PROOF_WAIT_MS, signal);
    return await wasAbandoned(cloud, record, backAtMs, limitMs);
  } catch (error) {
    log.warn({ agreement: record.id, error: String(error) }, 'cannot tell whether the provider served');
    return false;
  }
}

/** Customer: reports the breach on chain. The evidence is named by its hash; the pack itself stays with the node. */
async function report(context: Context, record: AgreementRecord): Promise<AgreementRecord> {
  const { id, terms, lastHeardAtMs, turns } = record;
  const evidence = keccak256(toUtf8Bytes(canonicalJson({ id, lastHeardAtMs, turns })));
  const tx = await context.chain.submit(`report/${id}`, { name: 'report', terms, evidence }, context);
  context.emit('reported', id, { txHash: tx.hash });
  return context.records.update(id, { reportedTx: tx.hash });
}

/** Provider: answers a report when it did serve, with the cloud's record as evidence; silent otherwise it would lose. */
export async function answerReport(context: Context, cloud: CloudClient, record: AgreementRecord): Promise<boolean> {
  const served = record.turns.filter((turn) => turn.holder === 'provider').at(-1);
  if (served === undefined) return false;
  const { record: service } = await cloud.serviceRecord(record, served.epoch);
  if (service.acceptedCount === 0) return false;
  const evidence = keccak256(toUtf8Bytes(canonicalJson({ id: record.id, service, turns: record.turns })));
  await context.chain.submit(`answer/${record.id}`, { name: 'answer', terms: record.terms, evidence }, context);
  context.emit('answered', record.id, { epoch: served.epoch });
  return true;
}

/** Guards calls that need an agreement that has not ended. */
export function assertLive(record: AgreementRecord): void {
  if (record.endedTx === null) return;
  throw new EdgeError('AGREEMENT_ENDED', 'the agreement has ended', {
    context: { agreement: record.id, endedAs: record.endedAs, tx: record.endedTx },
  });
}
