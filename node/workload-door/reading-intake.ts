import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { epochSchema, type Reading, readingSchema } from '../../arbitrator/types.ts';
import type { Log } from '../../sdk/log.ts';
import { type Answer, contentTypeOf, ok, problem } from '../cloud/answer.ts';

/** 200 readings of the longest payload are about 120 KiB. */
const MAX_BODY_BYTES = 256 * 1024;
export const MAX_READINGS_PER_POST = 200;
/** A workload needs one; more would only hold memory. */
const MAX_CONNECTIONS = 8;
const REQUEST_TIMEOUT_MS = 10_000;

const postSchema = z.strictObject({
  epoch: epochSchema,
  readings: z.array(readingSchema).min(1).max(MAX_READINGS_PER_POST),
});

export interface IntakeInit {
  epoch: () => number;
  /** Resolves when the readings are safe; null while nobody takes readings. */
  listener: () => ((epoch: number, readings: Reading[]) => Promise<void>) | null;
  log: Log;
}

/** The HTTP server behind `north.sock`. Answers 200 only after the node has the readings on disk. */
export function createIntake(init: IntakeInit): Server {
  const server = createServer((request, response) => {
    respond(init, request, response).catch((error: unknown) => {
      init.log.debug({ error }, 'a request of the workload broke off');
      response.destroy();
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  return server;
}

async function respond(init: IntakeInit, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const answer = await answerTo(init, request);
  const text = JSON.stringify(answer.body);
  response.writeHead(answer.status, {
    'content-type': contentTypeOf(answer),
    'content-length': Buffer.byteLength(text),
    // An unread body would be taken for the next request.
    ...(request.complete ? {} : { connection: 'close' }),
  });
  response.end(text);
}

async function answerTo(init: IntakeInit, request: IncomingMessage): Promise<Answer> {
  if (request.method === 'GET' && request.url === '/health') return ok({ epoch: init.epoch() });
  if (request.method !== 'POST' || request.url !== '/readings') {
    return problem(404, 'NOT_FOUND', 'There is only POST /readings and GET /health.', 'Check method and path.');
  }
  const text = await bodyOf(request);
  if (text === null) return problem(413, 'BODY_TOO_LARGE', 'The body is over 256 KiB.', 'Send fewer readings.');
  const parsed = postSchema.safeParse(parseJson(text));
  if (!parsed.success) return problem(400, 'READINGS_INVALID', z.prettifyError(parsed.error), 'See the wire format.');
  return take(init, parsed.data.epoch, parsed.data.readings);
}

async function take(init: IntakeInit, epoch: number, readings: Reading[]): Promise<Answer> {
  const currentEpoch = init.epoch();
  if (epoch !== currentEpoch) {
    const remedy = 'Reconnect to south.sock for the new epoch.';
    return problem(409, 'EPOCH_STALE', `The epoch is ${currentEpoch}.`, remedy, { currentEpoch });
  }
  const listener = init.listener();
  if (listener === null) return problem(503, 'NOT_READY', 'The node takes no readings yet.', 'Try again in a moment.');
  try {
    await listener(epoch, readings);
  } catch (error) {
    init.log.error({ error, epoch, count: readings.length }, 'readings could not be stored');
    return problem(503, 'NOT_STORED', 'The node could not store the readings.', 'Keep them and try again in a moment.');
  }
  return ok({ accepted: readings.length });
}

async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
