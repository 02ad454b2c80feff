import { timingSafeEqual } from 'node:crypto';
import { type FastifyInstance, type FastifyRequest, fastify } from 'fastify';
import type { Domain, Signer } from '../../market/eip712.ts';
import { EdgeError } from '../../market/errors.ts';
import type { Clock } from '../../market/ports.ts';
import type { Log } from '../../sdk/log.ts';
import type { KeyValue } from '../../sdk/ports.ts';
import { type Answer, ok, problem } from './answer.ts';
import { type RateLimit, rateLimiter } from './rate-limit.ts';
import { addRoutes, send } from './routes.ts';
import { Sink } from './sink.ts';

export interface CloudInit {
  /** TCP port; 0 lets the system choose. */
  port: number;
  host: string;
  store: KeyValue;
  /** Signs service records; its address is the one that duties name. */
  signer: Signer;
  domain: Domain;
  /** Accounts whose agreements are served. */
  customers: string[];
  verifyPeer: (peerId: string, bytes: Uint8Array, signature: string) => boolean | Promise<boolean>;
  /** Bearer token that reading the readings takes; null lets everybody who reaches the port read them. */
  readToken?: string | null;
  limits?: { rate?: RateLimit; maxAgreements?: number };
  /** Called when the store fails: the process must stop. */
  onFatal?: (error: unknown) => void;
  clock: Clock;
  log: Log;
}

export interface Cloud {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** 200 readings of the longest payload are about 120 KiB; terms and duties with 1,024 devices about 40 KiB. */
const BODY_LIMIT_BYTES = 256 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;
/** Two devices with a reading every 10 ms. */
const DEFAULT_RATE: RateLimit = { perSec: 200, burst: 400 };
const DEFAULT_MAX_AGREEMENTS = 10_000;

/** The customer's cloud. Throws `CLOUD_PORT_TAKEN`, `CLOUD_FAILED` or `STORE_FAILED`. */
export async function startCloud(init: CloudInit): Promise<Cloud> {
  const maxAgreements = init.limits?.maxAgreements ?? DEFAULT_MAX_AGREEMENTS;
  const sink = await Sink.load({ ...init, maxAgreements });
  const server = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
  });
  guard(server, init);
  server.get('/health', async (_request, reply) => send(reply, ok({ status: 'ok', address: init.signer.address })));
  addRoutes(server, sink, readGuard(init.readToken ?? null));
  try {
    await server.listen({ port: init.port, host: init.host });
  } catch (error) {
    throw listenError(init, error);
  }
  const address = server.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : init.port;
  const host = init.host.includes(':') ? `[${init.host}]` : init.host;
  return { url: `http://${host}:${port}`, port, stop: () => server.close() };
}

/** Everything that holds for all routes. Bodies stay bytes: signatures are over the bytes. */
function guard(server: FastifyInstance, init: CloudInit): void {
  const allowed = rateLimiter(init.limits?.rate ?? DEFAULT_RATE, init.clock);
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.addHook('onRequest', async (request, reply) => {
    if (allowed(request.ip)) return;
    await send(reply, problem(429, 'TOO_MANY_REQUESTS', 'Too many requests.', 'Send larger batches, or wait.'));
  });
  server.setNotFoundHandler((_request, reply) =>
    send(reply, problem(404, 'NOT_FOUND', 'There is nothing here.', 'See node/cloud/README.md for the paths.')),
  );
  server.setErrorHandler((error, _request, reply) => send(reply, answerToError(init, error)));
}

function answerToError(init: CloudInit, error: unknown): Answer {
  const { statusCode, code } = error as { statusCode?: number; code?: string };
  if (statusCode === 413) return problem(413, 'BODY_TOO_LARGE', 'The body is over 256 KiB.', 'Send fewer readings.');
  if (statusCode === 415) return problem(415, 'NOT_JSON', 'Bodies are application/json.', 'Set the content type.');
  if (statusCode !== undefined && statusCode < 500) {
    return problem(
      statusCode,
      'REQUEST_INVALID',
      String(code ?? 'The request is not understood.'),
      'Mend the request.',
    );
  }
  init.log.error({ error }, 'a request failed');
  if (code === 'STORE_FAILED') init.onFatal?.(error);
  return problem(500, 'INTERNAL', 'The cloud failed.', 'Keep the readings and try again; its log says more.');
}

function readGuard(token: string | null): (request: FastifyRequest) => boolean {
  if (token === null) return () => true;
  const expected = Buffer.from(`Bearer ${token}`);
  return (request) => {
    const given = Buffer.from(request.headers.authorization ?? '');
    return given.length === expected.length && timingSafeEqual(given, expected);
  };
}

function listenError({ port, host }: CloudInit, error: unknown): EdgeError {
  const taken = (error as { code?: unknown }).code === 'EADDRINUSE';
  return new EdgeError(taken ? 'CLOUD_PORT_TAKEN' : 'CLOUD_FAILED', `Cannot listen on ${host}:${port}.`, {
    context: { port, host },
    cause: error,
    remedy: taken ? 'Stop the other server, or set another port.' : 'Check the host.',
  });
}
