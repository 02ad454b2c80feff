import { keccak256, toUtf8Bytes } from 'ethers';
import { TAKEOVER_LIMIT_MS } from '../../arbitrator/ruling.ts';
import { canonicalJson } from '../../market/canonical.ts';
import { EdgeError } from '../../market/errors.ts';
import type { CloudClient } from './cloud-client.ts';
import type { Context } from './context.ts';
import { type AgreementRecord, currentTurn } from './records.ts';
import { endRecord } from './settle.ts';

const POLL_MS = 500;

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
  if (record.readyAtMs === null || record.lastHeardAtMs === null) return false;
  if (backAtMs - record.lastHeardAtMs < limitMs) return false;
  const mine = currentTurn(record)?.epoch ?? 1;
  const seen = await cloud.currentEpoch(record);
  if (seen === null) return false;
  if (seen <= mine) return true;
  const { record: service } = await cloud.serviceRecord(record, seen);
  return service.acceptedCount === 0;
}

/** Customer: reports the breach on chain. The evidence is named by its hash; the pack itself stays with the node. */
export async function report(context: Context, record: AgreementRecord): Promise<AgreementRecord> {
  const evidence = keccak256(
    toUtf8Bytes(canonicalJson({ id: record.id, lastHeardAtMs: record.lastHeardAtMs, turns: record.turns })),
  );
  const tx = await context.chain.submit(
    `report/${record.id}`,
    { name: 'report', terms: record.terms, evidence },
    { signal: context.signal },
  );
  context.emit('reported', record.id, { txHash: tx.hash });
  return context.records.update(record.id, { reportedTx: tx.hash });
}

/** Waits for the agreement's exit by time and takes it. Anyone may; here the customer does, for its money. */
export async function expireWhenDue(context: Context, record: AgreementRecord): Promise<void> {
  for (;;) {
    const state = await context.chain.agreement(record.terms);
    if (state.status === 'ended') return endRecord(context, record.id, 'by-other', 'expired');
    const nowSec = await context.chain.nowSec();
    const wallSec = Math.floor(context.clock.nowMs() / 1000);
    if (state.exitsAt > 0 && Math.max(nowSec, wallSec) > state.exitsAt) break;
    await context.clock.sleep(POLL_MS, context.signal);
  }
  const ended = record.reportedTx === null ? 'expired' : 'breached';
  const tx = await context.chain.submit(
    `expire/${record.id}`,
    { name: 'expire', terms: record.terms },
    { signal: context.signal },
  );
  await endRecord(context, record.id, tx.hash, ended);
}

/** Provider: answers a report when it did serve, with the cloud's record as evidence; silent otherwise it would lose. */
export async function answerReport(context: Context, cloud: CloudClient, record: AgreementRecord): Promise<boolean> {
  const served = record.turns.filter((turn) => turn.holder === 'provider').at(-1);
  if (served === undefined) return false;
  const { record: service } = await cloud.serviceRecord(record, served.epoch);
  if (service.acceptedCount === 0) return false;
  const evidence = keccak256(toUtf8Bytes(canonicalJson({ id: record.id, service, turns: record.turns })));
  await context.chain.submit(`answer/${record.id}`, { name: 'answer', terms: record.terms, evidence });
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
