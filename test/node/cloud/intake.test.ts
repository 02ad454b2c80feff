import { expect } from 'chai';
import {
  agreementWith,
  customerPeer,
  dutiesWith,
  providerPeer,
  reading,
  strangerPeer,
  type TestPeer,
} from './agreement.ts';
import { CloudHarness } from './harness.ts';

describe('the cloud, given readings', () => {
  let cloud: CloudHarness;

  beforeEach(async () => {
    cloud = await CloudHarness.start();
  });

  afterEach(() => cloud.stop());

  it('counts each once, whoever repeats it', async () => {
    expect((await cloud.deliver(1, [reading(1), reading(2), reading(2)])).body).to.deep.equal({
      accepted: 2,
      duplicates: 1,
      refused: 0,
      acceptedIndexes: [0, 1],
      currentEpoch: 1,
    });
    await cloud.takeOver(2);
    const replayed = await cloud.deliver(2, [reading(2), reading(3)], providerPeer);
    expect(replayed.body).to.deep.include({ accepted: 1, duplicates: 1, acceptedIndexes: [1], currentEpoch: 2 });
  });

  it('gives the same answer to the same batch', async () => {
    const first = await cloud.deliver(1, [reading(1)]);
    expect(await cloud.deliver(1, [reading(1)])).to.deep.equal(first);
    expect(await cloud.overview()).to.have.nested.include({ 'epochs[0].accepted': 1 });
  });

  it('keeps its word across a restart', async () => {
    await cloud.deliver(1, [reading(1), reading(2)]);
    await cloud.takeOver(2);
    await cloud.restart();
    expect((await cloud.deliver(2, [reading(1), reading(3)], providerPeer)).body).to.deep.include({
      accepted: 1,
      duplicates: 1,
    });
    const { body } = await cloud.call('GET', cloud.path);
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
    await cloud.takeOver(2);
    const answer = await cloud.deliver(1, [reading(1), reading(2)]);
    expect(answer.status).to.equal(409);
    expect(answer.body).to.include({ code: 'EPOCH_STALE', currentEpoch: 2 });
    expect(await cloud.overview()).to.have.nested.include({ 'epochs[0].refused': 2 });
    await cloud.restart();
    expect(await cloud.overview()).to.have.nested.include({ 'epochs[0].refused': 2 });
  });

  it('refuses an epoch that has not begun', async () => {
    const answer = await cloud.deliver(2, [reading(1)], providerPeer);
    expect(answer.status).to.equal(409);
    expect(answer.body).to.include({ code: 'EPOCH_NOT_STARTED', currentEpoch: 1 });
  });

  it('refuses the party whose epoch it is not', async () => {
    const answer = await cloud.deliver(1, [reading(1)], providerPeer);
    expect(answer.status).to.equal(403);
    expect(answer.body).to.include({ code: 'NOT_HOLDER' });
  });

  it('refuses a stranger and a false name', async () => {
    expect((await cloud.deliver(1, [reading(1)], strangerPeer)).status).to.equal(401);
    const falseName: TestPeer = {
      peerId: customerPeer.peerId,
      sign: (bytes) => ({ ...strangerPeer.sign(bytes), peerId: customerPeer.peerId }),
    };
    const answer = await cloud.deliver(1, [reading(1)], falseName);
    expect(answer.body).to.include({ code: 'SIGNATURE_WRONG' });
    expect(await cloud.overview()).to.have.nested.include({ 'epochs[0].accepted': 0 });
  });

  it('refuses a batch that was signed for another agreement', async () => {
    const second = await agreementWith(dutiesWith({ salt: `0x${'55'.repeat(32)}` }));
    const answer = await cloud.deliver(1, [reading(1)], customerPeer, second.agreementId);
    expect(answer.body).to.include({ code: 'READINGS_INVALID' });
  });

  it('does not count devices that the duties do not name', async () => {
    const answer = await cloud.deliver(1, [reading(1, { devAddr: 'ffffffff' }), reading(2)]);
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
      const answer = await cloud.call('POST', `${cloud.path}/readings`, body);
      expect(answer.status).to.equal(status);
      expect(answer.body).to.include({ code });
    });
  }

  it('acknowledges nothing that the disk did not take', async () => {
    let fatal: unknown = null;
    await cloud.open({
      onFatal: (error) => {
        fatal = error;
      },
    });
    cloud.store.failWrite(1, false);
    const answer = await cloud.deliver(1, [reading(1)]);
    expect(answer.status).to.equal(500);
    expect(fatal).to.include({ code: 'STORE_FAILED' });
    await cloud.restart();
    expect((await cloud.deliver(1, [reading(1)])).body).to.deep.include({ accepted: 1, duplicates: 0 });
  });

  it('gives them back in pages', async () => {
    for (let from = 0; from < 1200; from += 200) {
      await cloud.deliver(
        1,
        Array.from({ length: 200 }, (_, index) => reading(from + index)),
      );
    }
    const first = (await cloud.call('GET', `${cloud.path}/readings?since=150`)).body;
    const page = first.readings as { seq: number; fCnt: number }[];
    expect(page).to.have.length(1000);
    expect(page[0]).to.include({ seq: 150, fCnt: 150, epoch: 1, acceptedAtMs: 50_000 });
    expect(first).to.include({ next: 1150, done: false });
    const second = (await cloud.call('GET', `${cloud.path}/readings?since=1150`)).body;
    expect(second.readings).to.have.length(50);
    expect(second).to.include({ next: 1200, done: true });
    expect((await cloud.call('GET', `${cloud.path}/readings?since=x`)).body).to.include({ code: 'SINCE_INVALID' });
  });

  it('shows them only for the read token, when there is one', async () => {
    await cloud.open({ readToken: 'open sesame' });
    expect((await cloud.call('GET', `${cloud.path}/readings`)).status).to.equal(401);
    const headers = { authorization: 'Bearer open sesame' };
    expect((await cloud.call('GET', `${cloud.path}/readings`, undefined, headers)).status).to.equal(200);
  });
});
