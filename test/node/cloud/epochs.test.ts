import { expect } from 'chai';
import { certificateFor, handbackFor, reading } from './agreement.ts';
import { CloudHarness } from './harness.ts';

describe('epochs at the cloud', () => {
  let cloud: CloudHarness;

  beforeEach(async () => {
    cloud = await CloudHarness.start();
  });

  afterEach(() => cloud.stop());

  it('go to the provider by certificate and back by handback', async () => {
    expect(await cloud.takeOver(2)).to.deep.equal({ status: 200, body: { epoch: 2, changed: true } });
    expect(await cloud.handBack(3)).to.deep.equal({ status: 200, body: { epoch: 3, changed: true } });
    expect((await cloud.deliver(3, [reading(1)])).body).to.include({ accepted: 1 });
    const { body } = await cloud.call('GET', `${cloud.path}/epochs`);
    expect((body.evidence as { epoch: number }[]).map(({ epoch }) => epoch)).to.deep.equal([2, 3]);
  });

  it('begin once', async () => {
    await cloud.takeOver(2);
    expect(await cloud.takeOver(2)).to.deep.equal({ status: 200, body: { epoch: 2, changed: false } });
  });

  it('do not skip and do not go back', async () => {
    expect((await cloud.takeOver(4)).body).to.include({ code: 'EPOCH_REFUSED', currentEpoch: 1 });
    await cloud.takeOver(2);
    await cloud.handBack(3);
    expect((await cloud.takeOver(2)).body).to.include({ code: 'EPOCH_REFUSED', currentEpoch: 3 });
  });

  it('do not begin without the witnesses', async () => {
    const certificate = await certificateFor(cloud.agreement.agreementId, 2);
    const answer = await cloud.call('POST', `${cloud.path}/epochs`, {
      certificate: { ...certificate, statements: [] },
    });
    expect(answer.status).to.equal(422);
    expect(answer.body).to.include({ code: 'EVIDENCE_REFUSED', fault: 'quorum-missing' });
    expect(await cloud.overview()).to.include({ epoch: 1 });
  });

  it('do not go back on one signature', async () => {
    await cloud.takeOver(2);
    const handback = await handbackFor(cloud.agreement.agreementId, 3);
    const forged = { ...handback, customerSignature: handback.providerSignature };
    const answer = await cloud.call('POST', `${cloud.path}/epochs`, { handback: forged });
    expect(answer.body).to.include({ fault: 'customer-signature' });
  });

  it('need evidence', async () => {
    expect((await cloud.call('POST', `${cloud.path}/epochs`, { epoch: 2 })).body).to.include({
      code: 'EVIDENCE_INVALID',
    });
  });
});
