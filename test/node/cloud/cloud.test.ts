import { expect } from 'chai';
import { cloudSigner } from './agreement.ts';
import { CloudHarness } from './harness.ts';

describe('startCloud', () => {
  let cloud: CloudHarness;

  beforeEach(async () => {
    cloud = await CloudHarness.start();
  });

  afterEach(() => cloud.stop());

  it('says that it is there', async () => {
    expect(await cloud.call('GET', '/health')).to.deep.equal({
      status: 200,
      body: { status: 'ok', address: cloudSigner.address },
    });
  });

  it('knows no agreement that is not registered, and no other path', async () => {
    const unknown = `/v1/agreements/0x${'ab'.repeat(32)}`;
    expect((await cloud.call('GET', unknown)).body).to.include({ code: 'AGREEMENT_UNKNOWN' });
    expect((await cloud.call('GET', '/v2')).body).to.include({ code: 'NOT_FOUND' });
    expect((await cloud.call('PUT', cloud.path, 'x', { 'content-type': 'text/plain' })).body).to.include({
      code: 'NOT_JSON',
    });
  });

  it('limits how often one client may ask', async () => {
    await cloud.open({ limits: { rate: { perSec: 1, burst: 2 } } });
    const ask = async () => (await cloud.call('GET', '/health')).status;
    expect([await ask(), await ask(), await ask()]).to.deep.equal([200, 200, 429]);
    await cloud.clock.tick(1000);
    expect(await ask()).to.equal(200);
  });

  it('says which port is taken', async () => {
    const other = await CloudHarness.start();
    const failed = await other.open({ port: cloud.cloud.port }).catch((error: unknown) => error);
    expect(failed).to.include({ code: 'CLOUD_PORT_TAKEN' });
  });
});
