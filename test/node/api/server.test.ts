import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { EdgeError } from '../../../market/errors.ts';
import { type ApiClient, connectApi } from '../../../node/api/client.ts';
import { type ApiServer, startApi } from '../../../node/api/server.ts';
import type { NodeService } from '../../../node/api/service.ts';
import { createEventLog } from '../../../node/events.ts';
import { silentLog } from '../../../sdk/log.ts';
import { fakeClock } from '../../fakes/clock.ts';

const ID = `0x${'ab'.repeat(32)}`;

function fakeService(): { service: NodeService; emit: ReturnType<typeof createEventLog>['emit']; calls: unknown[] } {
  const events = createEventLog(fakeClock(1_000), silentLog());
  const calls: unknown[] = [];
  const note = async (value: unknown): Promise<object> => {
    calls.push(value);
    return { amountWei: 7n };
  };
  const service: NodeService = {
    status: async () => ({ vault: { balance: 10n ** 20n } }),
    agreements: async () => [{ id: ID }],
    offers: async () => [],
    explain: async () => {
      throw new EdgeError('NOTHING_UNKNOWN', 'nothing was demanded', { remedy: 'insure a workload first' });
    },
    publishOffer: async () => {
      throw new EdgeError('STAKE_NOT_FUNDED', 'the vault is empty', { context: { balanceWei: 0n } });
    },
    insure: note,
    deposit: note,
    reputation: async () => {
      throw new EdgeError('CHAIN_UNREACHABLE', 'the chain does not answer');
    },
    settle: note,
    withdraw: async () => {
      throw new TypeError('a secret detail of a bug');
    },
    events: (after) => events.after(after),
    onEvent: (listener) => events.subscribe(listener),
  };
  return { service, emit: events.emit, calls };
}

/** The status of a raw request with these headers. */
function statusWith(port: number, path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.once('error', reject).end();
  });
}

describe('local API', () => {
  let dataDir: string;
  let server: ApiServer;
  let client: ApiClient;
  let fake: ReturnType<typeof fakeService>;

  const start = (port = 0): Promise<ApiServer> =>
    startApi(fake.service, { dataDir, port, health: () => ({ ok: true }), log: silentLog() });
  const failureOf = (work: Promise<unknown>): Promise<EdgeError> =>
    work.then(
      () => expect.fail('no error'),
      (error) => error,
    );

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'eaas-api-'));
    fake = fakeService();
    server = await start();
    client = await connectApi(dataDir);
  });
  afterEach(async () => {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('answers with amounts as decimal strings', async () => {
    expect(await client.get('/v1/status')).to.deep.equal({ vault: { balance: '100000000000000000000' } });
    expect(await client.get('/v1/agreements')).to.deep.equal([{ id: ID }]);
    expect(await client.post('/v1/deposit', { amountWei: '5' })).to.deep.equal({ amountWei: '7' });
    await client.post(`/v1/agreements/${ID}/settle`);
    expect(fake.calls).to.deep.equal([5n, ID]);
  });

  it('keeps its token to the owner of the data folder, and the same one across starts', async () => {
    const file = join(dataDir, 'api-token');
    expect((await stat(file)).mode & 0o777).to.equal(0o600);
    const token = await readFile(file, 'utf8');
    await server.stop();
    server = await start();
    expect(await readFile(file, 'utf8')).to.equal(token);
    expect(token.trim()).to.have.lengthOf.at.least(32);
  });

  it('answers health to anybody on this machine, the rest with the token only, nothing under a foreign name', async () => {
    const { port } = server;
    const authorization = `Bearer ${(await readFile(join(dataDir, 'api-token'), 'utf8')).trim()}`;
    expect(await statusWith(port, '/health', {})).to.equal(200);
    expect(await statusWith(port, '/v1/status', {})).to.equal(401);
    expect(await statusWith(port, '/v1/status', { authorization: 'Bearer wrong' })).to.equal(401);
    expect(await statusWith(port, '/v1/status', { authorization })).to.equal(200);
    expect(await statusWith(port, '/v1/status', { authorization, host: 'evil.example' })).to.equal(422);
    expect(await statusWith(port, '/health', { host: 'evil.example' })).to.equal(422);
  });

  const failures: [path: string, method: 'get' | 'post', status: number, code: string][] = [
    ['/v1/explain', 'get', 404, 'NOTHING_UNKNOWN'],
    ['/v1/offer', 'post', 422, 'STAKE_NOT_FUNDED'],
    ['/v1/reputation', 'get', 503, 'CHAIN_UNREACHABLE'],
    ['/v1/withdraw', 'post', 500, 'INTERNAL'],
    ['/v1/deposit', 'post', 400, 'REQUEST_INVALID'],
    ['/v1/insure', 'post', 400, 'REQUEST_INVALID'],
  ];
  for (const [path, method, status, code] of failures) {
    it(`answers ${path} with ${status} ${code}`, async () => {
      const error = await failureOf(client[method](path));
      expect(error).to.include({ code }).and.to.have.nested.property('context.status', status);
      expect(error.message).not.to.match(/secret detail/);
    });
  }

  it('tells past events first and then each new one, until the reader goes', async () => {
    fake.emit('one', ID, { amountWei: 3n });
    fake.emit('two', null);
    const stop = new AbortController();
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const event of client.events(1, stop.signal)) {
        seen.push(event);
        if (seen.length === 1) fake.emit('three', ID, { amountWei: 4n });
        if (seen.length === 2) return;
      }
    })();
    await reading;
    stop.abort();
    expect(seen).to.deep.equal([
      { id: 2, atMs: 1_000, kind: 'two', agreementId: null, data: {} },
      { id: 3, atMs: 1_000, kind: 'three', agreementId: ID, data: { amountWei: '4' } },
    ]);
    expect(await client.get('/v1/events/last')).to.deep.equal({ id: 3 });
  });

  it('says what to do about a taken port, and about a node that does not run', async () => {
    const taken = await failureOf(start(server.port));
    expect(taken).to.include({ code: 'API_PORT_TAKEN' });
    await server.stop();
    expect(await failureOf(client.get('/v1/status'))).to.include({ code: 'NODE_NOT_RUNNING' });
    await rm(join(dataDir, 'api-port'));
    expect(await failureOf(connectApi(dataDir))).to.include({ code: 'NODE_NOT_RUNNING' });
    await writeFile(join(dataDir, 'api-port'), String(server.port));
  });
});
