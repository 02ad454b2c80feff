import { earnedWei } from '../../market/settlement-math.ts';
import { askProvider } from './ask-provider.ts';
import type { Context } from './context.ts';
import { type AgreementRecord, servedSec } from './records.ts';

/** How often the customer signs what was earned so far: bounds what a provider loses when its customer vanishes. */
export const RECEIPT_EVERY_MS = 10_000;
/** A provider that was not heard for longer than this is not standing by, as far as the customer can tell. */
const HEARD_WITHIN_MS = 10_000;

/**
 * Customer: signs the total earned so far and hands it to the provider. Stored before it is sent, so that the total
 * never goes back. Does nothing while nothing more was earned.
 */
export async function sendReceipt(context: Context, record: AgreementRecord): Promise<void> {
  const nowMs = context.clock.nowMs();
  const { id, duties, terms } = record;
  if (record.readyAtMs === null || record.reportedTx !== null || record.endedTx !== null) return;
  if (nowMs - (record.lastHeardAtMs ?? 0) > HEARD_WITHIN_MS) return;
  const untilMs = Math.min(nowMs, terms.endsAt * 1000);
  const earned = earnedWei(servedSec(record, untilMs), duties, terms);
  if (earned <= (record.receipt?.receipt.earned ?? 0n)) return;
  const receipt = { agreementId: id, earned };
  const signature = await context.signer.sign('Receipt', receipt);
  await context.records.update(id, { receipt: { receipt, signature } });
  await askProvider(context, record, { type: 'receipt', agreementId: id, receipt, signature });
}
