import { EdgeError, hasCode } from '../../market/errors.ts';
import { challenge, checkProof } from '../migration/possession.ts';
import { publishWorkload } from '../migration/publish.ts';
import { askProvider } from './ask-provider.ts';
import type { Context } from './context.ts';
import { hex, unhex } from './context.ts';
import { keepTrying } from './keep-trying.ts';
import type { AgreementRecord } from './records.ts';
import { okSchema, type Progress, progressSchema, proofSchema } from './wire.ts';

const POLL_MS = 250;
/** Passing: the provider restarts, its chain lags, it is busy. */
const TRANSIENT = [
  'PEER_UNREACHABLE',
  'CALL_TIMEOUT',
  'CALL_FAILED',
  'BUSY',
  'AGREEMENT_NOT_OPEN',
  'CHAIN_UNREACHABLE',
];

type Deployment = NonNullable<AgreementRecord['deployment']>;

/**
 * Encrypts and publishes the workload, tells the provider, and waits until it holds the workload at the agreed tier
 * and has proven that it has the bytes. Every step may be repeated after a crash: same key, same blocks. Keeps trying
 * while the provider is away; throws `MIGRATION_FAILED` or `POSSESSION_NOT_PROVEN` when it will never succeed.
 */
export async function deploy(context: Context, id: string): Promise<AgreementRecord> {
  allowProviders(context);
  await keepTrying(context, { firstMs: 500, maxMs: 10_000 }, async () => {
    const record = context.records.get(id);
    if (record === null || record.endedTx !== null || record.readyAtMs !== null) return true;
    try {
      await deployOnce(context, record);
      return true;
    } catch (error) {
      if (!TRANSIENT.some((code) => hasCode(error, code))) throw error;
      context.log.warn({ agreement: id, error: String(error) }, 'the workload is not deployed yet; trying again');
      return false;
    }
  });
  const record = context.records.get(id);
  if (record?.readyAtMs != null) return record;
  throw new EdgeError('MIGRATION_FAILED', 'the agreement ended before the provider was ready', {
    context: { agreement: id },
  });
}

async function deployOnce(context: Context, record: AgreementRecord): Promise<void> {
  const { id, terms, duties, customerSignature, providerSignature } = record;
  const { deployment, totalBytes } = await publish(context, record);
  const { rootCids, key } = deployment;
  const request = { type: 'deploy', terms, duties, customerSignature, providerSignature, rootCids, key };
  okSchema.parse(await askProvider(context, record, request));
  const progress = await untilReady(context, record, totalBytes);
  await challengePossession(context, record, deployment.blockCids);
  const { tier, fetchedBytes } = progress;
  await context.records.update(id, { readyAtMs: context.clock.nowMs(), migratedBytes: fetchedBytes, failure: null });
  context.emit('protected', id, { tier, fetchedBytes });
}

/** The key is stored before anything is encrypted with it: after a crash the same blocks are made again. */
async function publish(
  context: Context,
  record: AgreementRecord,
): Promise<{ deployment: Deployment; totalBytes: number }> {
  const { id, manifest, images } = record;
  if (manifest === null) throw new EdgeError('WORKLOAD_UNKNOWN', 'the workload of the agreement is not here');
  if (record.deployment !== null && record.deployment.blockCids.length > 0) {
    return { deployment: record.deployment, totalBytes: 0 };
  }
  const key = record.deployment?.key ?? hex(context.randomBytes(32));
  await context.records.update(id, { deployment: { rootCids: [], blockCids: [], key } });
  const { content, signal } = context;
  const layoutDirs = new Map(Object.entries(images));
  const { rootCids, cids, totalBytes } = await publishWorkload({
    content,
    layoutDirs,
    manifest,
    key: unhex(key),
    signal,
  });
  const deployment = { rootCids, blockCids: cids, key };
  await context.records.update(id, { deployment });
  context.emit('published', id, { totalBytes, rootCids });
  return { deployment, totalBytes };
}

/** Blocks are served to the providers of live agreements, and to nobody else. */
export function allowProviders(context: Context): void {
  const live = context.records.list().filter((record) => record.side === 'customer' && record.endedTx === null);
  context.content.allow(new Set(live.map((record) => record.duties.provider.peerId)));
}

async function untilReady(context: Context, record: AgreementRecord, totalBytes: number): Promise<Progress> {
  const { id } = record;
  for (;;) {
    const progress = progressSchema.parse(await askProvider(context, record, { type: 'progress', agreementId: id }));
    context.emit('migrating', id, { fetchedBytes: progress.fetchedBytes, totalBytes });
    if (progress.tier !== null) return progress;
    if (progress.isFinal) {
      throw new EdgeError('MIGRATION_FAILED', `the provider cannot take the workload: ${progress.failure}`, {
        context: { agreement: id },
        remedy: 'settle the agreement and choose another provider: eaas settle ID, then eaas insure',
      });
    }
    if (progress.failure !== null) context.log.debug({ agreement: id, failure: progress.failure }, 'migration fails');
    await context.clock.sleep(POLL_MS, context.signal);
  }
}

/** The provider must hash blocks it claims to hold, under a nonce it could not know before. */
async function challengePossession(context: Context, record: AgreementRecord, cids: string[]): Promise<void> {
  const nonce = context.randomBytes(32);
  const asked = challenge(nonce, cids).indexes.flatMap((index) => cids[index] ?? []);
  const body = { type: 'challenge', agreementId: record.id, nonce: hex(nonce), cids: asked };
  const { hashes } = proofSchema.parse(await askProvider(context, record, body));
  if (!(await checkProof(context.content, nonce, asked, hashes))) {
    throw new EdgeError('POSSESSION_NOT_PROVEN', 'the provider could not prove that it holds the workload', {
      context: { agreement: record.id },
      remedy: 'let the agreement end and choose another provider',
    });
  }
  context.emit('possession-proven', record.id, { blocks: asked.length });
}
