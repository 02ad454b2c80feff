import { proposeSettlement } from '../../arbitrator/settlement.ts';
import { toPlainJson } from '../../market/canonical.ts';
import { signerOf } from '../../market/eip712.ts';
import { EdgeError } from '../../market/errors.ts';
import type { Settlement } from '../../market/terms.ts';
import type { TxResult } from '../../sdk/ports.ts';
import type { Context } from './context.ts';
import { peerOf } from './context.ts';
import { type AgreementRecord, nextTurns, servedSec } from './records.ts';
import { PROTOCOLS, type RequestOf, settleAnswerSchema } from './wire.ts';

/** Both sides measure with their own clocks: the provider signs what is short of its own figure by this much at most. */
const TOLERANCE_SEC = 10n;

function proposal(context: Context, record: AgreementRecord): Settlement {
  const served = servedSec(record, context.clock.nowMs());
  return proposeSettlement({
    agreementId: record.id,
    terms: record.terms,
    duties: record.duties,
    ...served,
    breached: false,
  });
}

/**
 * Customer: proposes what was earned, gets the provider's signature, submits both in one transaction. What both signed
 * before a crash is submitted as it is. Throws `SETTLEMENT_DECLINED`, or as `Streams.call` and `Chain.submit`.
 */
export async function settle(context: Context, record: AgreementRecord): Promise<TxResult> {
  if (record.settlement?.providerSignature != null) return submitSettlement(context, record);
  const settlement = proposal(context, record);
  const customerSignature = await context.signer.sign('Settlement', settlement);
  const answer = settleAnswerSchema.parse(
    await context.streams.call(
      peerOf(record.duties.provider),
      PROTOCOLS.agreement,
      toPlainJson({ type: 'settle', agreementId: record.id, settlement, customerSignature }),
      { timeoutMs: 10_000, signal: context.signal },
    ),
  );
  if (answer.type === 'decline') {
    throw new EdgeError('SETTLEMENT_DECLINED', `the provider does not sign: ${answer.message}`, {
      context: { agreement: record.id, code: answer.code },
      remedy: 'propose again, or let the agreement end by claim or by time',
    });
  }
  const { providerSignature } = answer;
  const signer = signerOf(context.domain, 'Settlement', settlement, providerSignature);
  if (signer?.toLowerCase() !== record.terms.provider.toLowerCase()) {
    throw new EdgeError('SETTLEMENT_DECLINED', "the provider's signature is wrong", {
      context: { agreement: record.id },
      remedy: 'let the agreement end by claim or by time',
    });
  }
  const signedAtMs = context.clock.nowMs();
  const signed = { settlement, customerSignature, providerSignature, signedAtMs };
  return submitSettlement(context, await context.records.update(record.id, { settlement: signed }));
}

/** Submits what both signed; either may. */
export async function submitSettlement(
  context: Context,
  { id, terms, settlement }: AgreementRecord,
): Promise<TxResult> {
  if (settlement === null || settlement.providerSignature === null) {
    throw new EdgeError('SETTLEMENT_UNSIGNED', 'the settlement is not signed by both', { context: { agreement: id } });
  }
  const { customerSignature, providerSignature } = settlement;
  const call = { name: 'settle' as const, terms, settlement: settlement.settlement };
  return context.chain.submit(`settle/${id}`, { ...call, customerSignature, providerSignature }, context);
}

/** Provider: signs a fair proposal, declines a short one with its own figure. */
export async function answerSettle(
  context: Context,
  record: AgreementRecord,
  request: RequestOf<'settle'>,
): Promise<object> {
  const { settlement, customerSignature } = request;
  const decline = (code: string, message: string): object => ({ type: 'decline', code, message });
  if (settlement.agreementId !== record.id)
    return decline('AGREEMENT_MISMATCH', 'the settlement names another agreement');
  const signer = signerOf(context.domain, 'Settlement', settlement, customerSignature);
  if (signer?.toLowerCase() !== record.terms.customer.toLowerCase()) {
    return decline('SIGNATURE_INVALID', "the customer's signature is wrong");
  }
  const own = proposal(context, record);
  const slack = TOLERANCE_SEC * (record.duties.activeWeiPerSec + record.duties.standbyWeiPerSec);
  if (settlement.outcome !== own.outcome || settlement.toProvider + slack < own.toProvider) {
    return decline('SETTLEMENT_SHORT', `${settlement.toProvider} is less than the ${own.toProvider} that were earned`);
  }
  const providerSignature = await context.signer.sign('Settlement', settlement);
  const signedAtMs = context.clock.nowMs();
  const signed = { settlement, customerSignature, providerSignature, signedAtMs };
  await context.records.update(record.id, { settlement: signed });
  context.emit('settlement-signed', record.id, { toProvider: settlement.toProvider.toString() });
  return { type: 'settle', providerSignature };
}

export async function endRecord(
  context: Context,
  id: string,
  txHash: string,
  endedAs: NonNullable<AgreementRecord['endedAs']>,
): Promise<void> {
  if (context.records.get(id)?.endedTx !== null) return;
  const atMs = context.clock.nowMs();
  await context.records.update(id, ({ turns }) => ({ endedTx: txHash, endedAs, turns: nextTurns(turns, atMs, null) }));
  context.emit('ended', id, { endedAs, txHash });
}
