import { expect } from 'chai';
import { fakeKeyValue } from '../../fakes/key-value.ts';
import { agreementWith, customer, dutiesWith, provider, termsFor } from './agreement.ts';
import { CloudHarness } from './harness.ts';

describe('the cloud, asked to serve an agreement', () => {
  let cloud: CloudHarness;

  beforeEach(async () => {
    cloud = await CloudHarness.start();
  });

  afterEach(() => cloud.stop());

  it('is harmless twice', async () => {
    expect(await cloud.call('PUT', cloud.path, cloud.agreement.registration)).to.deep.equal({
      status: 200,
      body: { agreementId: cloud.agreement.agreementId, epoch: 1 },
    });
  });

  const other = { ...dutiesWith(), salt: `0x${'99'.repeat(32)}` };
  const cases: [string, () => Promise<{ id?: string; body: unknown }>, number, string][] = [
    ['no agreement', async () => ({ body: { terms: 1 } }), 400, 'AGREEMENT_INVALID'],
    ['no JSON', async () => ({ body: '{"terms":' }), 400, 'AGREEMENT_INVALID'],
    [
      'another id',
      async () => ({ id: `0x${'ab'.repeat(32)}`, body: cloud.agreement.registration }),
      422,
      'AGREEMENT_ID_WRONG',
    ],
    ['other duties', async () => ({ body: { ...cloud.agreement.registration, duties: other } }), 422, 'DUTIES_WRONG'],
    [
      'a customer signature by somebody else',
      async () => ({
        body: { ...cloud.agreement.registration, customerSignature: cloud.agreement.registration.providerSignature },
      }),
      422,
      'SIGNATURE_WRONG',
    ],
    [
      'a provider signature by somebody else',
      async () => ({
        body: { ...cloud.agreement.registration, providerSignature: cloud.agreement.registration.customerSignature },
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
      const answer = await cloud.call('PUT', `/v1/agreements/${id ?? cloud.agreement.agreementId}`, body);
      expect(answer.status).to.equal(status);
      expect(answer.body).to.include({ code }).and.to.have.property('remedy');
    });
  }

  it('refuses customers that are not allowed, also when the terms name one that is', async () => {
    cloud.store = fakeKeyValue();
    await cloud.open({ customers: [provider.address] });
    expect((await cloud.call('PUT', cloud.path, cloud.agreement.registration)).body).to.include({
      code: 'CUSTOMER_UNKNOWN',
    });
    // The node's account of the duties may sign, but it must be allowed itself.
    const duties = dutiesWith({ customer: { ...dutiesWith().customer, address: customer.address } });
    const forged = await agreementWith(duties, termsFor(duties, { customer: provider.address }));
    const answer = await cloud.call('PUT', `/v1/agreements/${forged.agreementId}`, forged.registration);
    expect(answer.body).to.include({ code: 'CUSTOMER_UNKNOWN' });
  });

  it('stops at its limit of agreements', async () => {
    await cloud.open({ limits: { maxAgreements: 1 } });
    const second = await agreementWith(dutiesWith({ salt: `0x${'55'.repeat(32)}` }));
    const answer = await cloud.call('PUT', `/v1/agreements/${second.agreementId}`, second.registration);
    expect(answer.body).to.include({ code: 'TOO_MANY_AGREEMENTS' });
  });
});
