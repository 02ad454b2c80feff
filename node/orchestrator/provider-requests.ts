import { checkReceipt } from '../../arbitrator/receipt.ts';
import { toPlainJson } from '../../market/canonical.ts';
import { EdgeError } from '../../market/errors.ts';
import { prove } from '../migration/possession.ts';
import { type Context, unhex } from './context.ts';
import type { ProviderActions } from './provider.ts';
import { acceptDeploy } from './provider-deploy.ts';
import { offerHandback } from './provider-takeover.ts';
import { type AgreementRecord, epochOf, isProviderRunning } from './records.ts';
import { answerSettle } from './settle.ts';
import { type AgreementRequest, agreementRequestSchema, PROTOCOLS, type RequestOf } from './wire.ts';

type Handlers = { [T in AgreementRequest['type']]: (request: RequestOf<T>, from: string) => Promise<object> };

const OK = { type: 'ok' };

/** Answers the customers of this provider's agreements, and nobody else. */
export async function serveProvider(context: Context, actions: ProviderActions): Promise<void> {
  const handlers = { ...beforeService(context, actions), ...afterService(context, actions) };
  await context.streams.handle(PROTOCOLS.agreement, async (body, from) => {
    const parsed = agreementRequestSchema.safeParse(body);
    if (!parsed.success) throw new EdgeError('REQUEST_INVALID', 'not a request about an agreement');
    const handler = handlers[parsed.data.type] as (request: AgreementRequest, from: string) => Promise<object>;
    return toPlainJson(await handler(parsed.data, from));
  });
  await context.streams.handle(PROTOCOLS.heartbeat, (body, from) => actions.guard.receive(body, from));
}

/** The record, for its customer only. Throws `AGREEMENT_UNKNOWN`, `AGREEMENT_ENDED`. */
function known(context: Context, id: string, fromPeerId: string): AgreementRecord {
  const record = context.records.get(id);
  if (record === null || record.side !== 'provider' || record.duties.customer.peerId !== fromPeerId) {
    throw new EdgeError('AGREEMENT_UNKNOWN', 'no such agreement of yours here', { context: { agreement: id } });
  }
  if (record.endedTx === null) return record;
  throw new EdgeError('AGREEMENT_ENDED', 'the agreement has ended', { context: { agreement: id } });
}

function beforeService(
  context: Context,
  actions: ProviderActions,
): Pick<Handlers, 'deploy' | 'progress' | 'challenge' | 'state' | 'leaving'> {
  return {
    deploy: async (request, from) => {
      const record = await acceptDeploy(context, request, from);
      if (record.endedTx !== null) throw new EdgeError('AGREEMENT_ENDED', 'the agreement has ended');
      if (record.readyAtMs === null) actions.startMigration(record.id);
      return OK;
    },
    progress: async ({ agreementId }, from) => {
      const record = known(context, agreementId, from);
      const { duties, failure, readyAtMs } = record;
      return {
        type: 'progress',
        tier: readyAtMs === null ? null : duties.tier,
        fetchedBytes: actions.fetchedBytes(record),
        failure: failure?.message.slice(0, 500) ?? null,
        isFinal: failure?.isFinal ?? false,
      };
    },
    challenge: async ({ agreementId, nonce, cids }, from) => {
      known(context, agreementId, from);
      return { type: 'proof', hashes: await prove(context.content, unhex(nonce), cids) };
    },
    state: async ({ agreementId }, from) => {
      const record = known(context, agreementId, from);
      const failure = record.failure?.message.slice(0, 500) ?? null;
      return { type: 'state', epoch: epochOf(record), active: isProviderRunning(record), failure };
    },
    leaving: async ({ agreementId }, from) => {
      actions.guard.left(known(context, agreementId, from).id);
      return OK;
    },
  };
}

function afterService(
  context: Context,
  actions: ProviderActions,
): Pick<Handlers, 'handback' | 'resumed' | 'receipt' | 'settle'> {
  return {
    handback: async ({ agreementId }, from) => {
      const record = known(context, agreementId, from);
      try {
        return await offerHandback(context, record, actions.runnerOf(record));
      } finally {
        if (isProviderRunning(record)) actions.awaitHandback(agreementId);
      }
    },
    resumed: async ({ agreementId, signed }, from) => {
      const fault = await actions.takeHandback(known(context, agreementId, from), signed);
      if (fault === null) return OK;
      throw new EdgeError('HANDBACK_REFUSED', fault, { context: { agreement: agreementId } });
    },
    receipt: async (request, from) => takeReceipt(context, known(context, request.agreementId, from), request),
    settle: async (request, from) => answerSettle(context, known(context, request.agreementId, from), request),
  };
}

/** Keeps the best receipt: it is what a claim pays when the customer never settles. */
async function takeReceipt(
  context: Context,
  record: AgreementRecord,
  { receipt, signature }: RequestOf<'receipt'>,
): Promise<object> {
  const { customer, customerStake } = record.terms;
  const last = record.receipt?.receipt ?? null;
  const expectation = { agreementId: record.id, customer, agents: [], customerStake, last };
  const fault = checkReceipt(context.domain, receipt, signature, expectation);
  if (fault !== null) throw new EdgeError('RECEIPT_REFUSED', fault, { context: { agreement: record.id } });
  if (last === null || receipt.earned > last.earned) {
    await context.records.update(record.id, { receipt: { receipt, signature } });
  }
  return OK;
}
