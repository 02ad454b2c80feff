import { toPlainJson } from '../../market/canonical.ts';
import { type Context, peerOf } from './context.ts';
import type { AgreementRecord } from './records.ts';
import { PROTOCOLS, type ProviderState, stateSchema } from './wire.ts';

/** A handback waits for containers to stop and for readings to flow out. */
const CALL_TIMEOUT_MS = 20_000;

/** One request of the customer about its agreement. Throws the provider's error under its own code, or as `Streams.call`. */
export async function askProvider(context: Context, record: AgreementRecord, body: object): Promise<unknown> {
  return context.streams.call(peerOf(record.duties.provider), PROTOCOLS.agreement, toPlainJson(body), {
    timeoutMs: CALL_TIMEOUT_MS,
    signal: context.signal,
  });
}

/** What the provider says, or null when it cannot be reached. */
export async function providerState(context: Context, record: AgreementRecord): Promise<ProviderState | null> {
  try {
    return stateSchema.parse(await askProvider(context, record, { type: 'state', agreementId: record.id }));
  } catch (error) {
    context.log.debug(
      { agreement: record.id, error: String(error) },
      'the provider does not say who runs the workload',
    );
    return null;
  }
}
