import { join } from 'node:path';
import { agreementIdOf, dutiesHash, signerOf } from '../../market/eip712.ts';
import { EdgeError } from '../../market/errors.ts';
import { fetchWorkload } from '../migration/fetch.ts';
import type { Context } from './context.ts';
import { unhex } from './context.ts';
import { type AgreementRecord, firstTurn, newRecord } from './records.ts';
import type { Runner } from './runner.ts';
import type { RequestOf } from './wire.ts';

/** More than any image this reference device could hold next to its own work. */
const MAX_WORKLOAD_BYTES = 2 * 1024 ** 3;

/** Checks that the agreement is what both signed, and that this node is its provider. */
function checkDeploy(context: Context, request: RequestOf<'deploy'>, fromPeerId: string): string {
  const { terms, duties } = request;
  const id = agreementIdOf(context.domain, terms);
  const fail = (code: string, message: string): never => {
    throw new EdgeError(code, message, { context: { agreement: id } });
  };
  if (fromPeerId !== duties.customer.peerId) fail('NOT_A_PARTY', 'only the customer of the agreement may deploy');
  if (duties.provider.peerId !== context.peer.peerId) fail('NOT_A_PARTY', 'the agreement names another provider');
  if (terms.dutiesHash !== dutiesHash(duties)) fail('DUTIES_MISMATCH', 'the duties are not those that were signed');
  const signed = (who: string, signature: string): boolean =>
    signerOf(context.domain, 'Terms', terms, signature)?.toLowerCase() === who.toLowerCase();
  if (!signed(terms.customer, request.customerSignature))
    fail('SIGNATURE_INVALID', "the customer's signature is wrong");
  if (!signed(terms.provider, request.providerSignature))
    fail('SIGNATURE_INVALID', "the provider's signature is wrong");
  return id;
}

/** Takes over what the customer deployed: stored first, migrated in the background. Repeating it is harmless. */
export async function acceptDeploy(
  context: Context,
  request: RequestOf<'deploy'>,
  fromPeerId: string,
): Promise<AgreementRecord> {
  const id = checkDeploy(context, request, fromPeerId);
  const deployment = { rootCids: request.rootCids, blockCids: [], key: request.key };
  if (context.records.get(id) === null) await requireOpen(context, id, request);
  // Looked up again: the same request may have come twice while the chain was asked.
  const known = context.records.get(id);
  if (known?.readyAtMs != null) return known;
  if (known !== null) return context.records.update(id, { deployment, failure: null });
  const { terms, duties, customerSignature, providerSignature } = request;
  const signed = { terms, duties, customerSignature, providerSignature };
  const record = newRecord({ id, side: 'provider', createdAtMs: context.clock.nowMs(), ...signed });
  const added: AgreementRecord = { ...record, openedTx: 'seen', deployment, turns: [firstTurn(record.createdAtMs)] };
  await context.records.add(added);
  return added;
}

/** Nothing is fetched before both stakes are locked. */
async function requireOpen(context: Context, id: string, request: RequestOf<'deploy'>): Promise<void> {
  const { status } = await context.chain.agreement(request.terms);
  if (status !== 'open') {
    throw new EdgeError('AGREEMENT_NOT_OPEN', `the agreement is '${status}' on chain, not open`, {
      context: { agreement: id, status },
      remedy: 'open it first; the stakes are locked then',
    });
  }
}

export function layoutsDir(context: Context, id: string): string {
  return join(context.dataDir, 'workloads', id.slice(2, 14));
}

/** Fetches, verifies and prepares the workload up to its tier. Resumes where an earlier try stopped. */
export async function migrate(
  context: Context,
  id: string,
  makeRunner: (record: AgreementRecord) => Runner,
  onProgress: (fetchedBytes: number) => void,
): Promise<void> {
  const record = context.records.get(id);
  if (record === null || record.deployment === null) return;
  const fetched = await fetchWorkload({
    content: context.content,
    from: record.duties.customer.peerId,
    rootCids: record.deployment.rootCids,
    key: unhex(record.deployment.key),
    workloadHash: record.duties.workloadHash,
    targetDir: layoutsDir(context, id),
    maxBytes: MAX_WORKLOAD_BYTES,
    onProgress,
    signal: context.signal,
  });
  const { deployment, migratedBytes } = record;
  const manifested = await context.records.update(id, {
    manifest: fetched.manifest,
    deployment: { ...deployment, blockCids: fetched.cids },
    migratedBytes: migratedBytes + fetched.fetchedBytes,
  });
  await makeRunner(manifested).prepare(fetched.layoutDirs);
  await context.records.update(id, { readyAtMs: context.clock.nowMs(), failure: null });
  context.emit('ready', id, { tier: record.duties.tier, fetchedBytes: fetched.fetchedBytes });
}
