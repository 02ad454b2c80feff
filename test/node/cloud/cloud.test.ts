import { expect } from 'chai';
import { readingsRoot } from '../../../arbitrator/reading-set.ts';
import type { Reading } from '../../../arbitrator/types.ts';
import { toPlainJson } from '../../../market/canonical.ts';
import { signerOf } from '../../../market/eip712.ts';
import { type Cloud, type CloudInit, startCloud } from '../../../node/cloud/cloud.ts';
import { silentLog } from '../../../sdk/log.ts';
import { type FakeClock, fakeClock } from '../../fakes/clock.ts';
import { type FakeKeyValue, fakeKeyValue } from '../../fakes/key-value.ts';
import {
  agreementWith,
  certificateFor,
  cloudSigner,
  customer,
  customerPeer,
  domain,
  dutiesWith,
  handbackFor,
  provider,
  providerPeer,
  reading,
  strangerPeer,
  type TestAgreement,
  type TestPeer,
  termsFor,
  verifyPeer,
} from './agreement.ts';

interface Answered {
  status: number;
  body: Record<string, unknown>;
}

describe('startCloud', () => {
  let cloud: Cloud;
  let store: FakeKeyValue;
  let agreement: TestAgreement;
  let path: string;
  let clock: FakeClock;

  async function start(init: Partial<CloudInit> = {}): Promise<void> {
    cloud = await startCloud({
      port: 0,
      host: '127.0.0.1',
      store,
      signer: cloudSigner,
      domain,
      customers: [customer.address],
      verifyPeer,
      clock,
      log: silentLog(),
      ...init,
    });
  }

  async function restart(): Promise<void> {
    await cloud.stop();
    store = fakeKeyValue(store.data);
    await start();
  }

  async function call(method: string, url: string, body?: unknown, headers: Record<string, string> = {}) {
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const text = typeof body === 'string' ? body : JSON.stringify(toPlainJson(body ?? null));
    const response = await fetch(`${cloud.url}${url}`, {
      method,
      headers: { ...json, ...headers },
      body: body === undefined ? undefined : text,
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  async function deliver(
    epoch: number,
    readings: Reading[],
    peer: TestPeer = customerPeer,
    agreementId: string = agreement.agreementId,
  ): Promise<Answered> {
    const body = JSON.stringify({ agreementId, epoch, readings });
    const { peerId, signature } = peer.sign(Buffer.from(body));
    return call('POST', `${path}/readings`, body, { 'x-eaas-peer': peerId, 'x-eaas-signature': signature });
  }

  const takeOver = async (epoch: number) =>
    call('POST', `${path}/epochs`, { certificate: await certificateFor(agreement.agreementId, epoch) });
  const handBack = async (epoch: number) =>
    call('POST', `${path}/epochs`, { handback: await handbackFor(agreement.agreementId, epoch) });

  beforeEach(async () => {
    clock = fakeClock(50_000);
    store = fakeKeyValue();
    await start();
    agreement = await agreementWith();
    path = `/v1/agreements/${agreement.agreementId}`;
    await call('PUT', path, agreement.registration);
  });

  afterEach(() => cloud.stop());

  it('says that it is there', async () => {
    expect(await call('GET', '/health')).to.deep.equal({
      status: 200,
      body: { status: 'ok', address: cloudSigner.address },
    });
  });

  describe('registration', () => {
    it('is harmless twice', async () => {
      expect(await call('PUT', path, agreement.registration)).to.deep.equal({
        status: 200,
        body: { agreementId: agreement.agreementId, epoch: 1 },
      });
    });

    const other = { ...dutiesWith(), salt: `0x${'99'.repeat(32)}` };
    const cases: [string, () => Promise<{ id?: string; body: unknown }>, number, string][] = [
      ['no agreement', async () => ({ body: { terms: 1 } }), 400, 'AGREEMENT_INVALID'],
      ['no JSON', async () => ({ body: '{"terms":' }), 400, 'AGREEMENT_INVALID'],
      [
        'another id',
        async () => ({ id: `0x${'ab'.repeat(32)}`, body: agreement.registration }),
        422,
        'AGREEMENT_ID_WRONG',
      ],
      ['other duties', async () => ({ body: { ...agreement.registration, duties: other } }), 422, 'DUTIES_WRONG'],
      [
        'a customer signature by somebody else',
        async () => ({
          body: { ...agreement.registration, customerSignature: agreement.registration.providerSignature },
        }),
        422,
        'SIGNATURE_WRONG',
      ],
      [
        'a provider signature by somebody else',
        async () => ({
          body: { ...agreement.registration, providerSignature: agreement.registration.customerSignature },
        }),
        422,
        'SIGNATURE_WRONG',
      ],
      [
        'duties that name another cloud',
        async () => {
          const made = await agreementWith(dutiesWith({ cloud: { url: 'http://x.test', address: provider.address } }));
          return { id: made.agreementId, body: made.registration };
        },
        422,
        'NOT_THIS_CLOUD',
      ],
      [
        'duties without a cloud',
        async () => {
          const made = await agreementWith(dutiesWith({ cloud: null }));
          return { id: made.agreementId, body: made.registration };
        },
        422,
        'NOT_THIS_CLOUD',
      ],
    ];
    for (const [name, make, status, code] of cases) {
      it(`refuses ${name}`, async () => {
        const { id, body } = await make();
        const answer = await call('PUT', `/v1/agreements/${id ?? agreement.agreementId}`, body);
        expect(answer.status).to.equal(status);
        expect(answer.body).to.include({ code }).and.to.have.property('remedy');
      });
    }

    it('refuses customers that are not allowed, also when the terms name one that is', async () => {
      await cloud.stop();
      store = fakeKeyValue();
      await start({ customers: [provider.address] });
      expect((await call('PUT', path, agreement.registration)).body).to.include({ code: 'CUSTOMER_UNKNOWN' });
      // The node's account of the duties may sign, but it must be allowed itself.
      const duties = dutiesWith({ customer: { ...dutiesWith().customer, address: customer.address } });
      const forged = await agreementWith(duties, termsFor(duties, { customer: provider.address }));
      const answer = await call('PUT', `/v1/agreements/${forged.agreementId}`, forged.registration);
      expect(answer.body).to.include({ code: 'CUSTOMER_UNKNOWN' });
    });

    it('stops at its limit of agreements', async () => {
      await cloud.stop();
      await start({ limits: { maxAgreements: 1 } });
      const second = await agreementWith(dutiesWith({ salt: `0x${'55'.repeat(32)}` }));
      const answer = await call('PUT', `/v1/agreements/${second.agreementId}`, second.registration);
      expect(answer.body).to.include({ code: 'TOO_MANY_AGREEMENTS' });
    });
  });

  describe('readings', () => {
    it('counts each once, whoever repeats it', async () => {
      expect((await deliver(1, [reading(1), reading(2), reading(2)])).body).to.deep.equal({
        accepted: 2,
        duplicates: 1,
        refused: 0,
        acceptedIndexes: [0, 1],
        currentEpoch: 1,
      });
      await takeOver(2);
      const replayed = await deliver(2, [reading(2), reading(3)], providerPeer);
      expect(replayed.body).to.deep.include({ accepted: 1, duplicates: 1, acceptedIndexes: [1], currentEpoch: 2 });
    });

    it('gives the same answer to the same batch', async () => {
      const first = await deliver(1, [reading(1)]);
      expect(await deliver(1, [reading(1)])).to.deep.equal(first);
      expect((await call('GET', path)).body).to.have.nested.include({ 'epochs[0].accepted': 1 });
    });

    it('keeps its word across a restart', async () => {
      await deliver(1, [reading(1), reading(2)]);
      await takeOver(2);
      await restart();
      expect((await deliver(2, [reading(1), reading(3)], providerPeer)).body).to.deep.include({
        accepted: 1,
        duplicates: 1,
      });
      const { body } = await call('GET', path);
      expect(body).to.deep.include({ epoch: 2, holder: 'provider' });
      expect(body.epochs).to.deep.equal([
        {
          epoch: 1,
          holder: 'customer',
          accepted: 2,
          duplicates: 0,
          refused: 0,
          firstAcceptedAtMs: 50_000,
          lastAcceptedAtMs: 50_000,
        },
        {
          epoch: 2,
          holder: 'provider',
          accepted: 1,
          duplicates: 1,
          refused: 0,
          firstAcceptedAtMs: 50_000,
          lastAcceptedAtMs: 50_000,
        },
      ]);
    });

    it('refuses an epoch that is over, and counts what it refused', async () => {
      await takeOver(2);
      const answer = await deliver(1, [reading(1), reading(2)]);
      expect(answer.status).to.equal(409);
      expect(answer.body).to.include({ code: 'EPOCH_STALE', currentEpoch: 2 });
      expect((await call('GET', path)).body).to.have.nested.include({ 'epochs[0].refused': 2 });
      await restart();
      expect((await call('GET', path)).body).to.have.nested.include({ 'epochs[0].refused': 2 });
    });

    it('refuses an epoch that has not begun', async () => {
      const answer = await deliver(2, [reading(1)], providerPeer);
      expect(answer.status).to.equal(409);
      expect(answer.body).to.include({ code: 'EPOCH_NOT_STARTED', currentEpoch: 1 });
    });

    it('refuses the party whose epoch it is not', async () => {
      const answer = await deliver(1, [reading(1)], providerPeer);
      expect(answer.status).to.equal(403);
      expect(answer.body).to.include({ code: 'NOT_HOLDER' });
    });

    it('refuses a stranger and a false name', async () => {
      expect((await deliver(1, [reading(1)], strangerPeer)).status).to.equal(401);
      const falseName: TestPeer = {
        peerId: customerPeer.peerId,
        sign: (bytes) => ({ ...strangerPeer.sign(bytes), peerId: customerPeer.peerId }),
      };
      const answer = await deliver(1, [reading(1)], falseName);
      expect(answer.body).to.include({ code: 'SIGNATURE_WRONG' });
      expect((await call('GET', path)).body).to.have.nested.include({ 'epochs[0].accepted': 0 });
    });

    it('refuses a batch that was signed for another agreement', async () => {
      const second = await agreementWith(dutiesWith({ salt: `0x${'55'.repeat(32)}` }));
      const answer = await deliver(1, [reading(1)], customerPeer, second.agreementId);
      expect(answer.body).to.include({ code: 'READINGS_INVALID' });
    });

    it('does not count devices that the duties do not name', async () => {
      const answer = await deliver(1, [reading(1, { devAddr: 'ffffffff' }), reading(2)]);
      expect(answer.body).to.deep.include({ accepted: 1, refused: 1, acceptedIndexes: [1] });
    });

    const bad: [string, unknown, number, string][] = [
      ['no JSON', '{', 400, 'READINGS_INVALID'],
      ['no readings', { epoch: 1, readings: [] }, 400, 'READINGS_INVALID'],
      ['201 readings', { epoch: 1, readings: Array(201).fill(reading(1)) }, 400, 'READINGS_INVALID'],
      ['a body over the limit', JSON.stringify({ epoch: 1, x: 'x'.repeat(300_000) }), 413, 'BODY_TOO_LARGE'],
    ];
    for (const [name, body, status, code] of bad) {
      it(`refuses ${name}`, async () => {
        const answer = await call('POST', `${path}/readings`, body);
        expect(answer.status).to.equal(status);
        expect(answer.body).to.include({ code });
      });
    }

    it('acknowledges nothing that the disk did not take', async () => {
      let fatal: unknown = null;
      await cloud.stop();
      await start({
        onFatal: (error) => {
          fatal = error;
        },
      });
      store.failWrite(1, false);
      const answer = await deliver(1, [reading(1)]);
      expect(answer.status).to.equal(500);
      expect(fatal).to.include({ code: 'STORE_FAILED' });
      await restart();
      expect((await deliver(1, [reading(1)])).body).to.deep.include({ accepted: 1, duplicates: 0 });
    });

    it('gives them back in pages', async () => {
      for (let from = 0; from < 1200; from += 200) {
        await deliver(
          1,
          Array.from({ length: 200 }, (_, index) => reading(from + index)),
        );
      }
      const first = (await call('GET', `${path}/readings?since=150`)).body;
      const page = first.readings as { seq: number; fCnt: number }[];
      expect(page).to.have.length(1000);
      expect(page[0]).to.include({ seq: 150, fCnt: 150, epoch: 1, acceptedAtMs: 50_000 });
      expect(first).to.include({ next: 1150, done: false });
      const second = (await call('GET', `${path}/readings?since=1150`)).body;
      expect(second.readings).to.have.length(50);
      expect(second).to.include({ next: 1200, done: true });
      expect((await call('GET', `${path}/readings?since=x`)).body).to.include({ code: 'SINCE_INVALID' });
    });

    it('shows them only for the read token, when there is one', async () => {
      await cloud.stop();
      await start({ readToken: 'open sesame' });
      expect((await call('GET', `${path}/readings`)).status).to.equal(401);
      const headers = { authorization: 'Bearer open sesame' };
      expect((await call('GET', `${path}/readings`, undefined, headers)).status).to.equal(200);
    });
  });

  describe('epochs', () => {
    it('go to the provider by certificate and back by handback', async () => {
      expect(await takeOver(2)).to.deep.equal({ status: 200, body: { epoch: 2, changed: true } });
      expect(await handBack(3)).to.deep.equal({ status: 200, body: { epoch: 3, changed: true } });
      expect((await deliver(3, [reading(1)])).body).to.include({ accepted: 1 });
      const { body } = await call('GET', `${path}/epochs`);
      expect((body.evidence as { epoch: number }[]).map(({ epoch }) => epoch)).to.deep.equal([2, 3]);
    });

    it('begin once', async () => {
      await takeOver(2);
      expect(await takeOver(2)).to.deep.equal({ status: 200, body: { epoch: 2, changed: false } });
    });

    it('do not skip and do not go back', async () => {
      expect((await takeOver(4)).body).to.include({ code: 'EPOCH_REFUSED', currentEpoch: 1 });
      await takeOver(2);
      await handBack(3);
      expect((await takeOver(2)).body).to.include({ code: 'EPOCH_REFUSED', currentEpoch: 3 });
    });

    it('do not begin without the witnesses', async () => {
      const certificate = await certificateFor(agreement.agreementId, 2);
      const answer = await call('POST', `${path}/epochs`, { certificate: { ...certificate, statements: [] } });
      expect(answer.status).to.equal(422);
      expect(answer.body).to.include({ code: 'EVIDENCE_REFUSED', fault: 'quorum-missing' });
      expect((await call('GET', path)).body).to.include({ epoch: 1 });
    });

    it('do not go back on one signature', async () => {
      await takeOver(2);
      const handback = await handbackFor(agreement.agreementId, 3);
      const forged = { ...handback, customerSignature: handback.providerSignature };
      const answer = await call('POST', `${path}/epochs`, { handback: forged });
      expect(answer.body).to.include({ fault: 'customer-signature' });
    });

    it('need evidence', async () => {
      expect((await call('POST', `${path}/epochs`, { epoch: 2 })).body).to.include({ code: 'EVIDENCE_INVALID' });
    });
  });

  describe('records', () => {
    it('are signed by the cloud and bind the readings of their epoch', async () => {
      await deliver(1, [reading(1)]);
      await takeOver(2);
      await clock.tick(1000);
      await deliver(2, [reading(2), reading(3)], providerPeer);
      const { body } = await call('GET', `${path}/record/2`);
      const record = body.record as object;
      expect(record).to.deep.equal({
        agreementId: agreement.agreementId,
        epoch: 2,
        acceptedCount: 2,
        readingsRoot: readingsRoot([reading(3), reading(2)]),
        firstAcceptedAtMs: clock.nowMs(),
        lastAcceptedAtMs: clock.nowMs(),
      });
      expect(signerOf(domain, 'ServiceRecord', record, String(body.signature))).to.equal(cloudSigner.address);
    });

    it('are the same after a restart, also when the epoch goes on', async () => {
      await deliver(1, [reading(1), reading(2)]);
      const before = await call('GET', `${path}/record/1`);
      await restart();
      expect(await call('GET', `${path}/record/1`)).to.deep.equal(before);
      await restart();
      await deliver(1, [reading(3)]);
      const { body } = await call('GET', `${path}/record/1`);
      expect(body.record).to.include({
        acceptedCount: 3,
        readingsRoot: readingsRoot([reading(1), reading(2), reading(3)]),
      });
    });

    for (const epoch of ['0', '2', '1.5', 'x']) {
      it(`do not exist for epoch ${epoch}`, async () => {
        expect((await call('GET', `${path}/record/${epoch}`)).body).to.include({ code: 'EPOCH_UNKNOWN' });
      });
    }
  });

  it('knows no agreement that is not registered, and no other path', async () => {
    const unknown = `/v1/agreements/0x${'ab'.repeat(32)}`;
    expect((await call('GET', unknown)).body).to.include({ code: 'AGREEMENT_UNKNOWN' });
    expect((await call('GET', '/v2')).body).to.include({ code: 'NOT_FOUND' });
    expect((await call('PUT', path, 'x', { 'content-type': 'text/plain' })).body).to.include({ code: 'NOT_JSON' });
  });

  it('limits how often one client may ask', async () => {
    await cloud.stop();
    await start({ limits: { rate: { perSec: 1, burst: 2 } } });
    const ask = async () => (await call('GET', '/health')).status;
    expect([await ask(), await ask(), await ask()]).to.deep.equal([200, 200, 429]);
    await clock.tick(1000);
    expect(await ask()).to.equal(200);
  });

  it('says which port is taken', async () => {
    const failed = await start({ port: cloud.port }).catch((error: unknown) => error);
    expect(failed).to.include({ code: 'CLOUD_PORT_TAKEN' });
  });
});
