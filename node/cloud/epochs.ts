import { z } from 'zod';
import { checkCertificate } from '../../arbitrator/certificate.ts';
import { type EpochEvent, transition } from '../../arbitrator/epoch.ts';
import { checkHandback } from '../../arbitrator/handback.ts';
import type { Domain } from '../../market/eip712.ts';
import type { KeyValue } from '../../sdk/ports.ts';
import { type Answer, ok, problem } from './answer.ts';
import type { Ledger } from './ledger.ts';
import { type EpochEvidence, encode, epochEvidenceSchema, epochKey } from './storage.ts';

const REMEDIES: Record<string, string> = {
  'stale-epoch': 'A newer epoch has begun; read the agreement for the current one.',
  'epoch-gap': 'Send the evidence of the epochs in between first.',
  'wrong-holder': 'Certificates begin even epochs, handbacks odd ones.',
  'wrong-agreement': 'Send evidence of this agreement.',
};

/** Begins the next epoch when the evidence gives it. The same evidence again is harmless. */
export async function raiseEpoch(domain: Domain, store: KeyValue, ledger: Ledger, body: unknown): Promise<Answer> {
  const parsed = epochEvidenceSchema.safeParse(body);
  if (!parsed.success) {
    return problem(400, 'EVIDENCE_INVALID', z.prettifyError(parsed.error), 'Send {certificate} or {handback}.');
  }
  return ledger.exclusively(() => raise(domain, store, ledger, parsed.data));
}

async function raise(domain: Domain, store: KeyValue, ledger: Ledger, evidence: EpochEvidence): Promise<Answer> {
  const currentEpoch = ledger.register.epoch;
  const step = transition(ledger.register, eventOf(evidence));
  if (step.fault !== null) {
    const remedy = REMEDIES[step.fault] ?? 'Read the agreement for the current epoch.';
    return problem(409, 'EPOCH_REFUSED', `The epoch does not follow: ${step.fault}.`, remedy, { currentEpoch });
  }
  if (!step.changed) return ok({ epoch: currentEpoch, changed: false });
  const { terms, duties } = ledger.registration;
  const expected = { terms, duties, agreementId: ledger.agreementId, currentEpoch };
  const fault =
    'certificate' in evidence
      ? checkCertificate(domain, evidence.certificate, expected)
      : checkHandback(domain, evidence.handback, expected);
  if (fault !== null) {
    const remedy = 'The evidence must be signed by the parties, with the quorum of witnesses that the duties name.';
    return problem(422, 'EVIDENCE_REFUSED', `The evidence does not give the epoch: ${fault}.`, remedy, { fault });
  }
  await store.write({ [epochKey(ledger.agreementId, step.register.epoch)]: encode(evidence) });
  ledger.register = step.register;
  ledger.evidence.push({ epoch: step.register.epoch, evidence });
  return ok({ epoch: step.register.epoch, changed: true });
}

function eventOf(evidence: EpochEvidence): EpochEvent {
  if ('certificate' in evidence) {
    const { agreementId, epoch } = evidence.certificate.activation;
    return { type: 'activated', agreementId, epoch };
  }
  const { agreementId, epoch } = evidence.handback.handback;
  return { type: 'handedBack', agreementId, epoch };
}
