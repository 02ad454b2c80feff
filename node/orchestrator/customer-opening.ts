import { type EdgeError, hasCode } from '../../market/errors.ts';
import type { Context } from './context.ts';
import { type AgreementRecord, firstTurn } from './records.ts';
import { endRecord } from './settle.ts';

/** What stands for the transaction when another party submitted it, or when it was never opened. */
const BY_OTHER = 'by-other';
const NEVER_OPENED = 'never-opened';

/**
 * Customer, after a crash between signature and opening: finishes it while the signatures are good, else drops it.
 * False when the agreement will never open.
 */
export async function finishOpening(context: Context, record: AgreementRecord): Promise<boolean> {
  const { id, terms, customerSignature, providerSignature } = record;
  const { status } = await context.chain.agreement(terms);
  if (status === 'none' && context.clock.nowMs() > terms.openBy * 1000) {
    return dropped(context, record, 'OPEN_BY_PASSED', 'the signatures ran out before the agreement was opened');
  }
  if (status !== 'none') return opened(context, record, BY_OTHER);
  try {
    const call = { name: 'open' as const, terms, customerSignature, providerSignature };
    const tx = await context.chain.submit(`open/${id}`, call, context);
    return opened(context, record, tx.hash);
  } catch (error) {
    if (hasCode(error, 'CHAIN_UNREACHABLE')) throw error;
    return dropped(context, record, (error as EdgeError).code ?? 'OPEN_FAILED', (error as Error).message);
  }
}

/** Both stakes are locked: the first turn is the customer's. */
export async function opened(context: Context, { id }: AgreementRecord, txHash: string): Promise<true> {
  await context.records.update(id, ({ createdAtMs, turns }) => ({
    openedTx: txHash,
    turns: turns.length > 0 ? turns : [firstTurn(createdAtMs)],
  }));
  return true;
}

export async function dropped(
  context: Context,
  record: AgreementRecord,
  code: string,
  message: string,
): Promise<false> {
  const failure = { code, message, atMs: context.clock.nowMs(), isFinal: true };
  await context.records.update(record.id, { failure });
  await endRecord(context, record.id, NEVER_OPENED, 'expired');
  return false;
}
