import type { VerifyPeer } from '../../../arbitrator/heartbeat.ts';
import type { Domain, Signer } from '../../../market/eip712.ts';
import type { Clock } from '../../../market/ports.ts';
import type { Answer } from '../../../node/cloud/answer.ts';
import { Sink } from '../../../node/cloud/sink.ts';
import { fakeKeyValue } from '../../fakes/key-value.ts';

export const CLOUD_URL = 'http://cloud.test';

/** The real cloud behind a `fetch` that needs no network. */
export interface TestCloud {
  fetch: typeof fetch;
  /** False: nobody reaches it. */
  setReachable(reachable: boolean): void;
  /** Epoch and counts of an agreement, as the cloud tells everybody. */
  overview(id: string): Promise<{ epoch: number; epochs: { epoch: number; accepted: number; refused: number }[] }>;
}

export async function testCloud(init: {
  signer: Signer;
  domain: Domain;
  clock: Clock;
  customers: string[];
  verifyPeer: VerifyPeer;
}): Promise<TestCloud> {
  const sink = await Sink.load({ ...init, store: fakeKeyValue(), maxAgreements: 100 });
  let isReachable = true;
  const send: typeof fetch = async (input, request = {}) => {
    if (!isReachable) throw new TypeError('fetch failed');
    const headers = new Headers(request.headers);
    const bytes = request.body === undefined ? Buffer.alloc(0) : Buffer.from(request.body as string | Uint8Array);
    return responseOf(await route(sink, request.method ?? 'GET', new URL(String(input)).pathname, bytes, headers));
  };
  return {
    fetch: send,
    setReachable: (reachable) => {
      isReachable = reachable;
    },
    overview: async (id) => {
      const { body } = await sink.overview(id);
      return body as Awaited<ReturnType<TestCloud['overview']>>;
    },
  };
}

async function route(sink: Sink, method: string, path: string, bytes: Buffer, headers: Headers): Promise<Answer> {
  const [, , , id = '', what = '', epoch = ''] = path.split('/');
  const json = (): unknown => JSON.parse(bytes.toString('utf8'));
  if (method === 'PUT') return sink.register(id, json());
  if (method === 'POST' && what === 'epochs') return sink.raiseEpoch(id, json());
  if (method === 'POST' && what === 'readings') {
    const [peerId, signature] = [headers.get('x-eaas-peer') ?? '', headers.get('x-eaas-signature') ?? ''];
    return sink.takeReadings(id, { body: bytes, peerId, signature });
  }
  if (what === 'epochs') return sink.evidence(id);
  return what === 'record' ? sink.record(id, Number(epoch)) : sink.overview(id);
}

function responseOf({ status, body }: Answer): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });
}
