import { z } from 'zod';
import {
  type ActivationCertificate,
  epochSchema,
  type SignedHandback,
  type SignedServiceRecord,
  signedServiceRecordSchema,
} from '../../arbitrator/types.ts';
import { toPlainJson } from '../../market/canonical.ts';
import { EdgeError } from '../../market/errors.ts';
import type { Clock } from '../../market/ports.ts';
import type { Logger } from '../logger.ts';
import type { AgreementRecord } from './records.ts';

/** The customer's cloud as a node sees it. A workload without a cloud answers epoch questions from the record alone. */
export interface CloudClient {
  register(record: AgreementRecord): Promise<void>;
  /** Tells the cloud who runs the workload now. Repeats until it is taken or refused; never throws for an outage. */
  raiseEpoch(
    record: AgreementRecord,
    proof: { certificate: ActivationCertificate } | { handback: SignedHandback },
  ): Promise<void>;
  currentEpoch(record: AgreementRecord): Promise<number | null>;
  /** Throws `CLOUD_UNREACHABLE`. */
  serviceRecord(record: AgreementRecord, epoch: number): Promise<SignedServiceRecord>;
}

const TIMEOUT_MS = 3_000;
const RETRY_MS = 250;
const RETRY_MAX_MS = 5_000;

/** An answer that will not change when asked again (4xx) is told apart from an outage. */
async function request(url: string, method: string, body?: unknown): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(toPlainJson(body)),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (cause) {
    throw new EdgeError('CLOUD_UNREACHABLE', 'the cloud does not answer', {
      context: { url },
      remedy: 'readings are kept and sent when it is back',
      cause,
    });
  }
  const text = await response.text();
  if (response.ok) return text === '' ? null : JSON.parse(text);
  const code = response.status >= 500 || response.status === 429 ? 'CLOUD_UNREACHABLE' : 'CLOUD_REFUSED';
  throw new EdgeError(code, `the cloud answered ${response.status}`, { context: { url, answer: text.slice(0, 300) } });
}

const NO_CLOUD = 'CLOUD_NONE';

export function createCloudClient(parts: { clock: Clock; log: Logger; signal: AbortSignal }): CloudClient {
  const { clock, log, signal } = parts;
  const urlOf = (record: AgreementRecord, path = ''): string => {
    const { cloud } = record.duties;
    if (cloud === null) throw new EdgeError(NO_CLOUD, 'the agreement names no cloud');
    return `${cloud.url.replace(/\/$/, '')}/v1/agreements/${record.id}${path}`;
  };
  const untilTaken = async (url: string, method: string, body: unknown): Promise<void> => {
    for (let waitMs = RETRY_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, RETRY_MAX_MS)) {
      try {
        await request(url, method, body);
        return;
      } catch (error) {
        if ((error as EdgeError).code !== 'CLOUD_UNREACHABLE') throw error;
        log.warn({ url }, 'the cloud does not answer; trying again');
      }
      await clock.sleep(waitMs, signal).catch(() => undefined);
    }
  };
  return {
    async register(record) {
      if (record.duties.cloud === null) return;
      const { terms, duties, customerSignature, providerSignature } = record;
      await untilTaken(urlOf(record), 'PUT', { terms, duties, customerSignature, providerSignature });
    },
    async raiseEpoch(record, proof) {
      if (record.duties.cloud === null) return;
      try {
        await untilTaken(urlOf(record, '/epochs'), 'POST', proof);
      } catch (error) {
        log.error({ agreement: record.id, error: String(error) }, 'the cloud refused the epoch');
      }
    },
    async currentEpoch(record) {
      if (record.duties.cloud === null) return null;
      const answer = await request(urlOf(record), 'GET');
      return z.looseObject({ epoch: epochSchema }).parse(answer).epoch;
    },
    async serviceRecord(record, epoch) {
      return signedServiceRecordSchema.parse(await request(urlOf(record, `/record/${epoch}`), 'GET'));
    },
  };
}
