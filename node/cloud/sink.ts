import type { Domain, Signer } from '../../market/eip712.ts';
import type { Clock } from '../../market/ports.ts';
import type { KeyValue } from '../../sdk/ports.ts';
import { type Answer, ok, problem } from './answer.ts';
import { raiseEpoch } from './epochs.ts';
import { type Delivery, takeReadings } from './intake.ts';
import { Ledger } from './ledger.ts';
import { checkRegistration } from './registration.ts';
import { agreementKey, encode, loadAgreements } from './storage.ts';
import { evidenceOf, overviewOf, readingsOf, recordOf } from './views.ts';

export interface SinkInit {
  store: KeyValue;
  signer: Signer;
  domain: Domain;
  customers: string[];
  verifyPeer: (peerId: string, bytes: Uint8Array, signature: string) => boolean | Promise<boolean>;
  maxAgreements: number;
  clock: Clock;
}

/** What the cloud does, without HTTP: each method answers for one route. */
export class Sink {
  private readonly init: SinkInit;
  private readonly ledgers = new Map<string, Ledger>();

  private constructor(init: SinkInit) {
    this.init = init;
  }

  static async load(init: SinkInit): Promise<Sink> {
    const sink = new Sink(init);
    for (const stored of await loadAgreements(init.store)) {
      sink.ledgers.set(stored.agreementId, new Ledger(init.store, stored));
    }
    return sink;
  }

  async register(agreementId: string, body: unknown): Promise<Answer> {
    const { domain, customers, signer, store, maxAgreements } = this.init;
    const checked = checkRegistration({ domain, customers, cloud: signer.address }, agreementId, body);
    if ('refusal' in checked) return checked.refusal;
    const known = this.ledgers.get(agreementId);
    if (known) return ok({ agreementId, epoch: known.register.epoch });
    if (this.ledgers.size >= maxAgreements) {
      return problem(507, 'TOO_MANY_AGREEMENTS', 'The cloud is full.', 'Raise its limit.');
    }
    const { registration } = checked;
    const ledger = new Ledger(store, { agreementId, registration });
    this.ledgers.set(agreementId, ledger);
    await store.write({ [agreementKey(agreementId)]: encode(registration) });
    return ok({ agreementId, epoch: 1 }, 201);
  }

  async raiseEpoch(agreementId: string, body: unknown): Promise<Answer> {
    return this.with(agreementId, (ledger) => raiseEpoch(this.init.domain, this.init.store, ledger, body));
  }

  async takeReadings(agreementId: string, delivery: Delivery): Promise<Answer> {
    return this.with(agreementId, (ledger) => takeReadings(this.init, ledger, delivery));
  }

  async overview(agreementId: string): Promise<Answer> {
    return this.with(agreementId, async (ledger) => overviewOf(ledger));
  }

  async evidence(agreementId: string): Promise<Answer> {
    return this.with(agreementId, async (ledger) => evidenceOf(ledger));
  }

  async record(agreementId: string, epoch: number): Promise<Answer> {
    return this.with(agreementId, (ledger) => recordOf(ledger, epoch, this.init.signer));
  }

  async readings(agreementId: string, since: number): Promise<Answer> {
    return this.with(agreementId, (ledger) => readingsOf(this.init.store, ledger, since));
  }

  private async with(agreementId: string, use: (ledger: Ledger) => Promise<Answer>): Promise<Answer> {
    const ledger = this.ledgers.get(agreementId);
    if (ledger) return use(ledger);
    return problem(404, 'AGREEMENT_UNKNOWN', 'The agreement is not registered here.', 'Register it with PUT first.');
  }
}
