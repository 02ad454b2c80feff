import { expect } from 'chai';
import { readingsRoot } from '../../../arbitrator/reading-set.ts';
import { signerOf } from '../../../market/eip712.ts';
import { cloudSigner, domain, providerPeer, reading } from './agreement.ts';
import { CloudHarness } from './harness.ts';

describe('records of the cloud', () => {
  let cloud: CloudHarness;

  beforeEach(async () => {
    cloud = await CloudHarness.start();
  });

  afterEach(() => cloud.stop());

  it('are signed by the cloud and bind the readings of their epoch', async () => {
    await cloud.deliver(1, [reading(1)]);
    await cloud.takeOver(2);
    await cloud.clock.tick(1000);
    await cloud.deliver(2, [reading(2), reading(3)], providerPeer);
    const { body } = await cloud.call('GET', `${cloud.path}/record/2`);
    const record = body.record as object;
    expect(record).to.deep.equal({
      agreementId: cloud.agreement.agreementId,
      epoch: 2,
      acceptedCount: 2,
      readingsRoot: readingsRoot([reading(3), reading(2)]),
      firstAcceptedAtMs: cloud.clock.nowMs(),
      lastAcceptedAtMs: cloud.clock.nowMs(),
    });
    expect(signerOf(domain, 'ServiceRecord', record, String(body.signature))).to.equal(cloudSigner.address);
  });

  it('are the same after a restart, also when the epoch goes on', async () => {
    await cloud.deliver(1, [reading(1), reading(2)]);
    const before = await cloud.call('GET', `${cloud.path}/record/1`);
    await cloud.restart();
    expect(await cloud.call('GET', `${cloud.path}/record/1`)).to.deep.equal(before);
    await cloud.restart();
    await cloud.deliver(1, [reading(3)]);
    const { body } = await cloud.call('GET', `${cloud.path}/record/1`);
    expect(body.record).to.include({
      acceptedCount: 3,
      readingsRoot: readingsRoot([reading(1), reading(2), reading(3)]),
    });
  });

  for (const epoch of ['0', '2', '1.5', 'x']) {
    it(`do not exist for epoch ${epoch}`, async () => {
      expect((await cloud.call('GET', `${cloud.path}/record/${epoch}`)).body).to.include({ code: 'EPOCH_UNKNOWN' });
    });
  }
});
