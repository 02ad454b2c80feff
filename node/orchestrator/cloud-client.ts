import { z } from 'zod';
import {
  type ActivationCertificate,
  epochSchema,
  type SignedHandback,
  type SignedServiceRecord,
  signedHandbackSchema,
  signedServiceRecordSchema,
} from '../../arbitrator/types.ts';
import { toPlainJson } from '../../market/canonical.ts';
import { EdgeError, hasCode } from '../../market/errors.ts';
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
  /** The handback that began `epoch`, null when the cloud has none. Throws `CLOUD_UNREACHABLE`. */
  handbackOf(record: AgreementRecord, epoch: number): Promise<SignedHandback | null>;
}

const TIMEOUT_MS = 3_000;
const RETRY_MS = 250;
const RETRY_MAX_MS = 5_000;

/** An answer that will not change when asked again (4xx) is told apart from an outage. */
async function request(send: typeof fetch, url: string, method: string, body?: unknown): Promise<unknown> {
  let response: Response;
  let text: string;
  try {
    response = await send(url, {
      method,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(toPlainJson(body)),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    text = await response.text();
  } catch (cause) {
    throw new EdgeError('CLOUD_UNREACHABLE', 'the cloud does not answer', {
      context: { url },
      remedy: 'readings are kept and sent when it is back',
      cause,
    });
  }
  if (response.ok) return jsonOf(url, text);
  const code = response.status >= 500 || response.status === 429 ? 'CLOUD_UNREACHABLE' : 'CLOUD_REFUSED';
  throw new EdgeError(code, `the cloud answered ${response.status}`, {
    context: { url, status: response.status, answer: text.slice(0, 300) },
  });
}

function jsonOf(url: string, text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch (cause) {
    throw new EdgeError('CLOUD_UNREACHABLE', 'the cloud gave an answer that is not understood', {
      context: { url },
      cause,
    });
  }
}

const overviewSchema = z.looseObject({ epoch: epochSchema });
const evidenceSchema = z.looseObject({
  evidence: z.array(
    z.looseObject({ epoch: epochSchema, evidence: z.looseObject({ handback: signedHandbackSchema.optional() }) }),
  ),
});

export interface CloudParts {
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
  /** The global one unless a test puts another in its place. */
  fetch?: typeof fetch;
}

export function createCloudClient(parts: CloudParts): CloudClient {
  return new HttpCloud(parts);
}

class HttpCloud implements CloudClient {
  private readonly parts: CloudParts;

  constructor(parts: CloudParts) {
    this.parts = parts;
  }

  private request(url: string, method: string, body?: unknown): Promise<unknown> {
    return request(this.parts.fetch ?? fetch, url, method, body);
  }

  async register(record: AgreementRecord): Promise<void> {
    if (record.duties.cloud === null) return;
    const { terms, duties, customerSignature, providerSignature } = record;
    await this.untilTaken(urlOf(record), 'PUT', { terms, duties, customerSignature, providerSignature });
  }

  async raiseEpoch(
    record: AgreementRecord,
    proof: { certificate: ActivationCertificate } | { handback: SignedHandback },
  ): Promise<void> {
    if (record.duties.cloud === null) return;
    try {
      await this.untilTaken(urlOf(record, '/epochs'), 'POST', proof);
    } catch (error) {
      this.parts.log.error({ agreement: record.id, error: String(error) }, 'the cloud refused the epoch');
    }
  }

  async currentEpoch(record: AgreementRecord): Promise<number | null> {
    if (record.duties.cloud === null) return null;
    return overviewSchema.parse(await this.request(urlOf(record), 'GET')).epoch;
  }

  async serviceRecord(record: AgreementRecord, epoch: number): Promise<SignedServiceRecord> {
    return signedServiceRecordSchema.parse(await this.request(urlOf(record, `/record/${epoch}`), 'GET'));
  }

  async handbackOf(record: AgreementRecord, epoch: number): Promise<SignedHandback | null> {
    if (record.duties.cloud === null) return null;
    const { evidence } = evidenceSchema.parse(await this.request(urlOf(record, '/epochs'), 'GET'));
    return evidence.find((entry) => entry.epoch === epoch)?.evidence.handback ?? null;
  }

  /** Says once that the cloud is away, then keeps trying. Throws what the cloud refuses for good. */
  private async untilTaken(url: string, method: string, body: unknown): Promise<void> {
    const { clock, log, signal } = this.parts;
    for (let waitMs = RETRY_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, RETRY_MAX_MS)) {
      try {
        await this.request(url, method, body);
        return;
      } catch (error) {
        if (!hasCode(error, 'CLOUD_UNREACHABLE') && !isNotRegistered(error)) throw error;
        if (waitMs === RETRY_MS) log.warn({ url }, 'the cloud does not take this yet; trying on');
      }
      await clock.sleep(waitMs, signal).catch(() => undefined);
    }
  }
}

/** The customer registers the agreement in the background: its provider may be faster. */
function isNotRegistered(error: unknown): boolean {
  return hasCode(error, 'CLOUD_REFUSED') && error.context.status === 404;
}

function urlOf(record: AgreementRecord, path = ''): string {
  const { cloud } = record.duties;
  if (cloud === null) throw new EdgeError('CLOUD_NONE', 'the agreement names no cloud');
  return `${cloud.url.replace(/\/$/, '')}/v1/agreements/${record.id}${path}`;
}
