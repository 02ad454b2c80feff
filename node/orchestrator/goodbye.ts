import { toPlainJson } from '../../market/canonical.ts';
import { type Context, peerOf } from './context.ts';
import type { AgreementRecord } from './records.ts';
import { okSchema, PROTOCOLS } from './wire.ts';

/** A provider that does not answer soon will find out by itself; the node's stop does not wait for it. */
const TIMEOUT_MS = 1_000;

/**
 * Customer, about to stop on its owner's word: its silence is no failure, so nobody takes over, and an absence that it
 * chose itself is nobody's breach. What the owner forgets is only this: `lastHeardAtMs` starts anew when it is back.
 */
export async function sayGoodbye(context: Context, record: AgreementRecord): Promise<void> {
  const { id, duties, readyAtMs } = record;
  if (readyAtMs === null) return;
  try {
    const body = toPlainJson({ type: 'leaving', agreementId: id });
    const options = { timeoutMs: TIMEOUT_MS };
    okSchema.parse(await context.streams.call(peerOf(duties.provider), PROTOCOLS.agreement, body, options));
  } catch (error) {
    context.log.info({ agreement: id, error: String(error) }, 'the provider did not hear the goodbye');
  }
  await context.records.update(id, { lastHeardAtMs: null });
}
