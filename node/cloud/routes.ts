import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Answer, contentTypeOf, problem } from './answer.ts';
import type { Sink } from './sink.ts';

const AGREEMENT = '/v1/agreements/:id';

interface Params {
  Params: { id: string; epoch?: string };
  Querystring: { since?: string };
}
type Request = FastifyRequest<Params>;

/** HTTP in front of the sink. `mayRead` guards the readings' content. */
export function addRoutes(server: FastifyInstance, sink: Sink, mayRead: (request: FastifyRequest) => boolean): void {
  const route = (method: 'GET' | 'PUT' | 'POST', path: string, handler: (request: Request) => Promise<Answer>) =>
    server.route<Params>({
      method,
      url: `${AGREEMENT}${path}`,
      handler: async (request, reply) => send(reply, await handler(request)),
    });
  route('PUT', '', (request) => sink.register(request.params.id, json(request)));
  route('GET', '', (request) => sink.overview(request.params.id));
  route('POST', '/epochs', (request) => sink.raiseEpoch(request.params.id, json(request)));
  route('GET', '/epochs', (request) => sink.evidence(request.params.id));
  route('GET', '/record/:epoch', (request) => sink.record(request.params.id, numberOf(request.params.epoch)));
  route('POST', '/readings', (request) =>
    sink.takeReadings(request.params.id, {
      body: bytesOf(request),
      peerId: headerOf(request, 'x-eaas-peer'),
      signature: headerOf(request, 'x-eaas-signature'),
    }),
  );
  route('GET', '/readings', async (request) =>
    mayRead(request)
      ? sink.readings(request.params.id, numberOf(request.query.since ?? '0'))
      : problem(401, 'TOKEN_WRONG', 'Reading takes the read token.', 'Send it as Authorization: Bearer.'),
  );
}

export function send(reply: FastifyReply, answer: Answer): FastifyReply {
  return reply.code(answer.status).type(contentTypeOf(answer)).send(JSON.stringify(answer.body));
}

function bytesOf(request: Request): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

function json(request: Request): unknown {
  try {
    return JSON.parse(bytesOf(request).toString('utf8'));
  } catch {
    return undefined;
  }
}

function headerOf(request: Request, name: string): string {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
}

/** NaN for anything but plain digits. */
function numberOf(text: string | undefined): number {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
}
