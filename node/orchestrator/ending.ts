import type { AgreementState } from '../../sdk/ports.ts';
import type { Context } from './context.ts';
import { type AgreementRecord, statusOf } from './records.ts';
import { endRecord, submitSettlement } from './settle.ts';

/**
 * How agreements end when nobody ends them: both sides look at the chain from time to time and take the exit that is
 * due. Each step may be repeated; a step that lost a race reverts before it costs anything, and the next look sees why.
 */

export interface ProviderHooks {
  /** True when the report could be answered. */
  answer(record: AgreementRecord): Promise<boolean>;
  /** Frees what the agreement held on this device. Repeated after a crash. */
  release(record: AgreementRecord): Promise<void>;
}

export interface CustomerHooks {
  settle(record: AgreementRecord): Promise<unknown>;
  /** The provider answered the report: the agreement goes on. */
  onAnswered(record: AgreementRecord): void;
  release(record: AgreementRecord): Promise<void>;
}

/** How long the provider waits for the customer to submit what both signed, and to settle after the term. */
const SUBMIT_WAIT_MS = 30_000;
/** After the exit is open the customer lets the provider go first: one transaction is enough for both. */
const CUSTOMER_WAIT_SEC = 15;

/** The later of both clocks: a local chain's stands still between blocks, a device's may lag behind. */
async function timeSec({ chain, clock }: Context): Promise<number> {
  return Math.max(await chain.nowSec(), Math.floor(clock.nowMs() / 1000));
}

function patienceSec({ terms }: AgreementRecord): number {
  return Math.min(SUBMIT_WAIT_MS / 1000, Math.floor(terms.responseWindowSec / 4));
}

export async function providerStep(context: Context, record: AgreementRecord, hooks: ProviderHooks): Promise<void> {
  const state = await context.chain.agreement(record.terms);
  if (state.status === 'none') return;
  if (state.status === 'ended') return finish(context, record, endedBefore(record), 'by-other', hooks);
  if (state.status === 'reported') return answerWhenPossible(context, record, hooks);
  if (await settleForCustomer(context, record, hooks)) return;
  const nowSec = await timeSec(context);
  if (await claimWhenDue(context, record, state, nowSec)) return;
  if (state.exitsAt > 0 && nowSec > state.exitsAt) await expire(context, record, state, hooks);
}

async function answerWhenPossible(context: Context, record: AgreementRecord, hooks: ProviderHooks): Promise<void> {
  if (record.reportedTx === null) {
    await context.records.update(record.id, { reportedTx: 'seen' });
    context.emit('report-seen', record.id);
  }
  if (await hooks.answer(record)) await context.records.update(record.id, { reportAnswered: true });
}

/** A customer that holds both signatures and never submits them would keep a provider that is paid no more. */
async function settleForCustomer(context: Context, record: AgreementRecord, hooks: ProviderHooks): Promise<boolean> {
  const { settlement } = record;
  if (settlement === null || settlement.providerSignature === null) return false;
  if (context.clock.nowMs() < settlement.signedAtMs + SUBMIT_WAIT_MS) return false;
  const tx = await submitSettlement(context, record);
  await finish(context, record, 'settled', tx.hash, hooks);
  return true;
}

/** After the term, with the best receipt. Waits a little first: a settlement is cheaper and ends it at once. */
async function claimWhenDue(
  context: Context,
  { id, terms, receipt: best, ...record }: AgreementRecord,
  state: AgreementState,
  nowSec: number,
): Promise<boolean> {
  if (best === null || (state.status !== 'open' && state.status !== 'claimed')) return false;
  if (best.receipt.earned <= state.claimed || nowSec >= state.exitsAt) return false;
  if (nowSec < terms.endsAt + patienceSec({ id, terms, receipt: best, ...record })) return false;
  const { receipt, signature: customerSignature } = best;
  const key = `claim/${id}/${receipt.earned}`;
  const tx = await context.chain.submit(key, { name: 'claim', terms, receipt, customerSignature }, context);
  context.emit('claimed', id, { earned: receipt.earned.toString(), txHash: tx.hash });
  return true;
}

export async function customerStep(context: Context, record: AgreementRecord, hooks: CustomerHooks): Promise<void> {
  const nowMs = context.clock.nowMs();
  const isReported = statusOf(record) === 'reported';
  const isSigned = record.settlement?.providerSignature != null;
  const isEndOfTerm = nowMs >= record.terms.endsAt * 1000;
  if (record.openedTx === null || !(isReported || isSigned || isEndOfTerm)) return;
  const state = await context.chain.agreement(record.terms);
  if (state.status === 'ended') return finish(context, record, endedBefore(record), 'by-other', hooks);
  if (isReported && state.status !== 'reported') {
    hooks.onAnswered(await context.records.update(record.id, { reportAnswered: true }));
    return;
  }
  const nowSec = await timeSec(context);
  const isQuiet = state.status === 'open' || state.status === 'claimed';
  if (isSigned || (isQuiet && isEndOfTerm && nowSec <= state.exitsAt)) await hooks.settle(record);
  else if (state.exitsAt > 0 && nowSec > state.exitsAt + (isReported ? 0 : CUSTOMER_WAIT_SEC)) {
    await expire(context, record, state, hooks);
  }
}

async function expire(
  context: Context,
  record: AgreementRecord,
  { status }: AgreementState,
  hooks: Pick<ProviderHooks, 'release'>,
): Promise<void> {
  const tx = await context.chain.submit(`expire/${record.id}`, { name: 'expire', terms: record.terms }, context);
  const endedAs = status === 'reported' ? 'breached' : status === 'claimed' ? 'claimed' : 'expired';
  await finish(context, record, endedAs, tx.hash, hooks);
}

/** How it must have ended when somebody else ended it, from what this node saw before. */
function endedBefore(record: AgreementRecord): NonNullable<AgreementRecord['endedAs']> {
  if (record.reportedTx !== null && !record.reportAnswered) return 'breached';
  return record.settlement?.providerSignature ? 'settled' : 'expired';
}

/** Frees first, records last: a crash in between frees again. */
async function finish(
  context: Context,
  record: AgreementRecord,
  endedAs: NonNullable<AgreementRecord['endedAs']>,
  txHash: string,
  hooks: Pick<ProviderHooks, 'release'>,
): Promise<void> {
  await hooks.release(record);
  await endRecord(context, record.id, txHash, endedAs);
}
