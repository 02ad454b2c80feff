import type { Reading } from '../../../arbitrator/types.ts';
import { toPlainJson } from '../../../market/canonical.ts';
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
  handbackFor,
  type TestAgreement,
  type TestPeer,
  verifyPeer,
} from './agreement.ts';

export interface Answered {
  status: number;
  body: Record<string, unknown>;
}

/** A cloud on loopback with one registered agreement, on a store in memory and a clock that stands at 50,000 ms. */
export class CloudHarness {
  readonly clock: FakeClock = fakeClock(50_000);
  store: FakeKeyValue = fakeKeyValue();
  cloud: Cloud;
  readonly agreement: TestAgreement;
  /** Of the agreement, under the cloud's URL. */
  readonly path: string;

  private constructor(agreement: TestAgreement, cloud: Cloud) {
    this.agreement = agreement;
    this.path = `/v1/agreements/${agreement.agreementId}`;
    this.cloud = cloud;
  }

  static async start(): Promise<CloudHarness> {
    const harness = new CloudHarness(await agreementWith(), { url: '', port: 0, stop: async () => undefined });
    await harness.open();
    await harness.call('PUT', harness.path, harness.agreement.registration);
    return harness;
  }

  /** Starts the cloud on the present store, in the place of the one that runs. */
  async open(init: Partial<CloudInit> = {}): Promise<void> {
    await this.cloud.stop();
    this.cloud = await startCloud({
      port: 0,
      host: '127.0.0.1',
      store: this.store,
      signer: cloudSigner,
      domain,
      customers: [customer.address],
      verifyPeer,
      clock: this.clock,
      log: silentLog(),
      ...init,
    });
  }

  /** As after a crash: what was written is there, what was in memory is not. */
  async restart(init: Partial<CloudInit> = {}): Promise<void> {
    this.store = fakeKeyValue(this.store.data);
    await this.open(init);
  }

  async call(method: string, url: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answered> {
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const text = typeof body === 'string' ? body : JSON.stringify(toPlainJson(body ?? null));
    const response = await fetch(`${this.cloud.url}${url}`, {
      method,
      headers: { ...json, ...headers },
      body: body === undefined ? undefined : text,
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  async deliver(
    epoch: number,
    readings: Reading[],
    peer: TestPeer = customerPeer,
    agreementId: string = this.agreement.agreementId,
  ): Promise<Answered> {
    const body = JSON.stringify({ agreementId, epoch, readings });
    const { peerId, signature } = peer.sign(Buffer.from(body));
    return this.call('POST', `${this.path}/readings`, body, { 'x-eaas-peer': peerId, 'x-eaas-signature': signature });
  }

  async takeOver(epoch: number): Promise<Answered> {
    const certificate = await certificateFor(this.agreement.agreementId, epoch);
    return this.call('POST', `${this.path}/epochs`, { certificate });
  }

  async handBack(epoch: number): Promise<Answered> {
    const handback = await handbackFor(this.agreement.agreementId, epoch);
    return this.call('POST', `${this.path}/epochs`, { handback });
  }

  async overview(): Promise<Record<string, unknown>> {
    return (await this.call('GET', this.path)).body;
  }

  async stop(): Promise<void> {
    await this.cloud.stop();
  }
}
