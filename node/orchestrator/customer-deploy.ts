import { toPlainJson } from '../../market/canonical.ts';
import { EdgeError } from '../../market/errors.ts';
import { challenge, checkProof } from '../migration/possession.ts';
import { publishWorkload } from '../migration/publish.ts';
import type { Context } from './context.ts';
import { hex, peerOf, unhex } from './context.ts';
import type { AgreementRecord } from './records.ts';
import { okSchema, PROTOCOLS, type Progress, progressSchema, proofSchema } from './wire.ts';

const POLL_MS = 250;
const CALL_TIMEOUT_MS = 10_000;

async function ask(context: Context, record: AgreementRecord, body: object): Promise<unknown> {
  return context.streams.call(peerOf(record.duties.provider), PROTOCOLS.agreement, toPlainJson(body), {
    timeoutMs: CALL_TIMEOUT_MS,
    signal: context.signal,
  });
}

/**
 * Encrypts and publishes the workload, tells the provider, and waits until it holds the workload at the agreed tier
 * and has proven that it has the bytes. Every step may be repeated after a crash: same key, same blocks.
 */
export async function deploy(
  context: Context,
  record: AgreementRecord,
  layoutDirs: Map<string, string>,
): Promise<AgreementRecord> {
  const { manifest } = record;
  if (manifest === null) throw new EdgeError('WORKLOAD_UNKNOWN', 'the workload of the agreement is not here');
  allowProviders(context);
  let { deployment } = record;
  let totalBytes = 0;
  if (deployment === null) {
    const key = hex(context.randomBytes(32));
    const published = await publishWorkload({
      content: context.content,
      layoutDirs,
      manifest,
      key: unhex(key),
      signal: context.signal,
    });
    totalBytes = published.totalBytes;
    deployment = { rootCids: published.rootCids, blockCids: published.cids, key };
    await context.records.update(record.id, { deployment });
    context.emit('published', record.id, { totalBytes, rootCids: published.rootCids });
  }
  const { terms, duties, customerSignature, providerSignature } = record;
  const { rootCids, key } = deployment;
  const request = { type: 'deploy', terms, duties, customerSignature, providerSignature, rootCids, key };
  okSchema.parse(await ask(context, record, request));
  const progress = await untilReady(context, record, totalBytes);
  await challengePossession(context, record, deployment.blockCids);
  context.emit('protected', record.id, { tier: progress.tier, fetchedBytes: progress.fetchedBytes });
  return context.records.update(record.id, {
    readyAtMs: context.clock.nowMs(),
    migratedBytes: progress.fetchedBytes,
  });
}

/** Blocks are served to the providers of live agreements, and to nobody else. */
export function allowProviders(context: Context): void {
  const live = context.records.list().filter((record) => record.side === 'customer' && record.endedTx === null);
  context.content.allow(new Set(live.map((record) => record.duties.provider.peerId)));
}

async function untilReady(context: Context, record: AgreementRecord, totalBytes: number): Promise<Progress> {
  for (;;) {
    const progress = progressSchema.parse(await ask(context, record, { type: 'progress', agreementId: record.id }));
    context.emit('migrating', record.id, { fetchedBytes: progress.fetchedBytes, totalBytes });
    if (progress.tier !== null) return progress;
    if (progress.failure !== null)
      context.log.warn({ agreement: record.id, failure: progress.failure }, 'migration fails');
    await context.clock.sleep(POLL_MS, context.signal);
  }
}

/** The provider must hash blocks it claims to hold, under a nonce it could not know before. */
async function challengePossession(context: Context, record: AgreementRecord, cids: string[]): Promise<void> {
  const nonce = context.randomBytes(32);
  const asked = challenge(nonce, cids).indexes.flatMap((index) => cids[index] ?? []);
  const body = { type: 'challenge', agreementId: record.id, nonce: hex(nonce), cids: asked };
  const { hashes } = proofSchema.parse(await ask(context, record, body));
  if (!(await checkProof(context.content, nonce, asked, hashes))) {
    throw new EdgeError('POSSESSION_NOT_PROVEN', 'the provider could not prove that it holds the workload', {
      context: { agreement: record.id },
      remedy: 'let the agreement end and choose another provider',
    });
  }
  context.emit('possession-proven', record.id, { blocks: asked.length });
}
