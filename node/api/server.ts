import { randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { toPlainJson } from '../../market/canonical.ts';
import { EdgeError, isExpected } from '../../market/errors.ts';
import { amountSchema } from '../../market/terms.ts';
import type { Logger } from '../logger.ts';
import type { NodeService } from './service.ts';

const TOKEN_FILE = 'api-token';
const BODY_LIMIT = 256 * 1024;
const MAX_UNREAD_BYTES = 1024 * 1024;

const insureSchema = z.strictObject({
  compose: z.string().max(128 * 1024),
  baseDir: z.string().max(4096),
  environment: z.record(z.string(), z.string()).default({}),
  images: z.record(z.string(), z.string()).default({}),
});
const depositSchema = z.strictObject({ amountWei: amountSchema });

/** The token that a client of the local API presents; only the owner of the data folder can read it. */
export async function apiToken(dataDir: string): Promise<string> {
  const file = join(dataDir, TOKEN_FILE);
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch {
    const token = randomBytes(24).toString('base64url');
    await mkdir(dataDir, { recursive: true });
    await writeFile(file, `${token}\n`, { mode: 0o600 });
    return token;
  }
}

function sameToken(given: string, token: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(token);
  return a.length === b.length && timingSafeEqual(a, b);
}

/** HTTP status of an error code: what the client did wrong is 4xx, the rest is ours. */
function httpStatus(error: unknown): number {
  if (error instanceof z.ZodError) return 400;
  if (!isExpected(error)) return 500;
  if (/UNKNOWN|NOT_FOUND/.test(error.code)) return 404;
  if (/UNREACHABLE|TIMEOUT/.test(error.code)) return 503;
  return 422;
}

/** RFC 9457 problem details with the project's code and remedy. */
function problem(error: unknown): object {
  if (error instanceof z.ZodError) {
    return { title: 'the request is not understood', code: 'REQUEST_INVALID', detail: z.prettifyError(error) };
  }
  if (!isExpected(error)) return { title: 'internal error', code: 'INTERNAL' };
  return {
    title: error.message,
    code: error.code,
    context: toPlainJson(error.context),
    ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
  };
}

/** Refuses foreign Host headers (DNS rebinding) and, except for health, callers without the token. */
function guard(token: string): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(request.headers.host ?? '')) {
      throw new EdgeError('HOST_REFUSED', 'the API answers on this machine only', {
        context: { host: request.headers.host },
      });
    }
    if (request.url === '/health') return;
    if (!sameToken((request.headers.authorization ?? '').replace(/^Bearer /, ''), token)) {
      throw new EdgeError('TOKEN_WRONG', 'the API token is missing or wrong', {
        remedy: `send "Authorization: Bearer" with the content of ${TOKEN_FILE} in the node's data folder`,
      });
    }
  };
}

/** One JSON object a line: past events first (unless `after` says otherwise), then each new one. */
function streamEvents(service: NodeService, after: number, reply: FastifyReply): void {
  reply.hijack();
  reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  const write = (id: number, event: object): void => {
    // A reader that does not keep up is cut off: it can come back and ask for what it missed.
    if (reply.raw.writableLength > MAX_UNREAD_BYTES) return void reply.raw.destroy();
    reply.raw.write(`${JSON.stringify({ id, ...(toPlainJson(event) as object) })}\n`);
  };
  for (const { id, event } of service.events(after)) write(id, event);
  const off = service.onEvent(write);
  reply.raw.on('close', off);
}

function routes(app: FastifyInstance, service: NodeService): void {
  app.get('/v1/status', async () => toPlainJson(await service.status()));
  app.get('/v1/agreements', async () => toPlainJson(await service.agreements()));
  app.get('/v1/offers', async () => toPlainJson(await service.offers()));
  app.get('/v1/explain', async () => toPlainJson(await service.explain()));
  app.post('/v1/offer', async () => toPlainJson(await service.publishOffer()));
  app.post('/v1/insure', async (request) => toPlainJson(await service.insure(insureSchema.parse(request.body))));
  app.get('/v1/reputation', async () => toPlainJson(await service.reputation()));
  app.post('/v1/deposit', async (request) =>
    toPlainJson(await service.deposit(depositSchema.parse(request.body).amountWei)),
  );
  app.post('/v1/withdraw', async () => toPlainJson(await service.withdraw()));
  app.post('/v1/agreements/:id/settle', async (request) =>
    toPlainJson(await service.settle(z.object({ id: z.string() }).parse(request.params).id)),
  );
  app.get('/v1/events/last', async () => ({ id: service.events(0).at(-1)?.id ?? 0 }));
  app.get('/v1/events', (request, reply) => {
    const { after } = z.object({ after: z.coerce.number().int().default(0) }).parse(request.query);
    streamEvents(service, after, reply);
  });
}

export interface ApiServer {
  port: number;
  stop(): Promise<void>;
}

/** Starts the API on 127.0.0.1. Port 0 takes a free one; the port is written to `api-port` in the data folder. */
export async function startApi(
  service: NodeService,
  init: { dataDir: string; port: number; health: () => object; log: Logger },
): Promise<ApiServer> {
  const token = await apiToken(init.dataDir);
  const app = fastify({ logger: false, bodyLimit: BODY_LIMIT, forceCloseConnections: true });
  app.addHook('onRequest', guard(token));
  app.setErrorHandler((error, _request, reply) => {
    const status = (error as { code?: string }).code === 'TOKEN_WRONG' ? 401 : httpStatus(error);
    if (status >= 500) init.log.error({ error: String((error as Error).stack ?? error) }, 'API request failed');
    return reply.status(status).type('application/problem+json').send(problem(error));
  });
  app.get('/health', async () => init.health());
  routes(app, service);
  try {
    await app.listen({ host: '127.0.0.1', port: init.port });
  } catch (cause) {
    throw new EdgeError('API_PORT_TAKEN', `cannot listen on 127.0.0.1:${init.port}`, {
      context: { port: init.port },
      remedy: 'stop the other program or set another api.port (0 takes a free one)',
      cause,
    });
  }
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : init.port;
  await writeFile(join(init.dataDir, 'api-port'), `${port}\n`);
  return { port, stop: () => app.close() };
}
