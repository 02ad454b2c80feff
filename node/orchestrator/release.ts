import { rm } from 'node:fs/promises';
import type { Context } from './context.ts';
import { layoutsDir } from './provider-deploy.ts';
import type { AgreementRecord } from './records.ts';
import type { Runner } from './runner.ts';

/** Runs each step though others fail: what is left over costs disk space, not money. */
async function allOf(context: Context, record: AgreementRecord, steps: (() => Promise<unknown>)[]): Promise<void> {
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      context.log.warn({ agreement: record.id, error: String(error) }, 'something of an ended agreement stays behind');
    }
  }
}

function blocksOf({ deployment }: AgreementRecord): string[] {
  return deployment === null ? [] : [...deployment.rootCids, ...deployment.blockCids];
}

/** Provider: removes the containers, images and blocks that only this agreement needed. Safe to repeat. */
export async function releaseProvided(context: Context, record: AgreementRecord, runner: Runner | null): Promise<void> {
  const isOther = (other: AgreementRecord): boolean => other.id !== record.id && other.endedTx === null;
  const others = context.records.list().filter(isOther);
  const needed = new Set(others.flatMap(({ manifest }) => manifest?.services.map((service) => service.imageDigest)));
  const images = new Set(record.manifest?.services.map(({ imageDigest }) => imageDigest) ?? []);
  await allOf(context, record, [
    async () => runner?.remove(),
    () => context.content.drop(blocksOf(record)),
    () => rm(layoutsDir(context, record.id), { recursive: true, force: true }),
    ...[...images].filter((digest) => !needed.has(digest)).map((digest) => () => context.runtime.removeImage(digest)),
  ]);
}

/** Customer: the encrypted blocks go; the workload is its own and goes on running, uninsured. */
export async function releaseInsured(context: Context, record: AgreementRecord): Promise<void> {
  await allOf(context, record, [() => context.content.drop(blocksOf(record))]);
}
