import type { Reading } from '../../../arbitrator/types.ts';

interface Batch {
  agreementId: string;
  epoch: number;
  readings: Reading[];
}

export const ID = `0x${'ab'.repeat(32)}`;

export function readings(from: number, count: number): Reading[] {
  return Array.from({ length: count }, (_, index) => ({
    devAddr: '01000000',
    fCnt: from + index,
    payload: '0a',
    receivedAtMs: from + index,
  }));
}

export interface FakeCloud {
  fetch: typeof fetch;
  requests: { url: string; headers: Record<string, string>; body: Batch }[];
  /** Batches that were answered with 200. */
  taken: Batch[];
  /** `up`, `down`, `html`, `nonsense` (a 200 that is not understood), or the code of a problem. */
  answers(kind: string): void;
  /** Readings that count as duplicates from now on. */
  know(readings: Reading[]): void;
  /** Requests wait for `release`. */
  hold(): void;
  release(): void;
}

/** The cloud's side of a delivery, without HTTP. */
export function fakeCloud(): FakeCloud {
  const requests: FakeCloud['requests'] = [];
  const taken: Batch[] = [];
  const known = new Set<string>();
  let kind = 'up';
  let gate = Promise.resolve();
  let open = () => {};
  const keyOf = ({ devAddr, fCnt }: Reading) => `${devAddr} ${fCnt}`;

  const answerOf = (batch: Batch): Response => {
    if (kind === 'down') throw new TypeError('fetch failed');
    if (kind === 'html') return new Response('<html>', { status: 502 });
    if (kind === 'nonsense') return Response.json({ thanks: true });
    if (kind !== 'up') return Response.json({ code: kind, currentEpoch: 7 }, { status: 409 });
    const acceptedIndexes = [...batch.readings.keys()].filter((index) => {
      const reading = batch.readings[index];
      return reading !== undefined && !known.has(keyOf(reading));
    });
    for (const reading of batch.readings) known.add(keyOf(reading));
    taken.push(batch);
    const accepted = acceptedIndexes.length;
    const duplicates = batch.readings.length - accepted;
    return Response.json({ accepted, duplicates, refused: 0, acceptedIndexes, currentEpoch: batch.epoch });
  };

  return {
    requests,
    taken,
    answers: (next) => {
      kind = next;
    },
    know: (readings) => {
      for (const reading of readings) known.add(keyOf(reading));
    },
    hold: () => {
      gate = new Promise((resolve) => {
        open = resolve;
      });
    },
    release: () => open(),
    fetch: async (url, init) => {
      if (init?.method !== 'POST') {
        if (kind === 'down') throw new TypeError('fetch failed');
        return Response.json({ status: 'ok' });
      }
      const body = JSON.parse(Buffer.from(init.body as Uint8Array).toString('utf8')) as Batch;
      requests.push({ url: String(url), headers: init.headers as Record<string, string>, body });
      await gate;
      return answerOf(body);
    },
  };
}
