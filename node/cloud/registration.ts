import { z } from 'zod';
import { isOneOf, sameAddress } from '../../arbitrator/addresses.ts';
import { agreementIdOf, type Domain, dutiesHash, signerOf } from '../../market/eip712.ts';
import { type Answer, problem } from './answer.ts';
import { type Registration, registrationSchema } from './storage.ts';

export interface RegistrationRules {
  domain: Domain;
  /** This cloud's own account: duties that name another one are not for it. */
  cloud: string;
  /** Accounts whose signature on terms this cloud serves: its owner's, and those of the owner's nodes. */
  customers: string[];
}

/** The agreement, or why it is not taken. */
export function checkRegistration(
  rules: RegistrationRules,
  agreementId: string,
  body: unknown,
): { registration: Registration } | { refusal: Answer } {
  const parsed = registrationSchema.safeParse(body);
  if (!parsed.success) {
    return refused(400, 'AGREEMENT_INVALID', z.prettifyError(parsed.error), 'Send terms, duties and both signatures.');
  }
  const registration = parsed.data;
  const { terms, duties } = registration;
  if (agreementIdOf(rules.domain, terms) !== agreementId) {
    return refused(
      422,
      'AGREEMENT_ID_WRONG',
      'The id in the path is not the digest of these terms.',
      'Check chain and escrow.',
    );
  }
  if (dutiesHash(duties) !== terms.dutiesHash) {
    return refused(422, 'DUTIES_WRONG', 'The terms bind other duties.', 'Send the duties that both parties agreed on.');
  }
  if (duties.cloud === null || !sameAddress(duties.cloud.address, rules.cloud)) {
    return refused(422, 'NOT_THIS_CLOUD', 'The duties name another cloud.', `Name ${rules.cloud} in the duties.`);
  }
  return checkSignatures(rules, registration);
}

function checkSignatures(rules: RegistrationRules, registration: Registration) {
  const { terms, duties, customerSignature, providerSignature } = registration;
  const customer = signerOf(rules.domain, 'Terms', terms, customerSignature);
  if (customer === null || !isOneOf(customer, [terms.customer, duties.customer.address])) {
    return refused(422, 'SIGNATURE_WRONG', 'The customer has not signed these terms.', 'Send its signature.');
  }
  if (!isOneOf(customer, rules.customers)) {
    return refused(
      403,
      'CUSTOMER_UNKNOWN',
      'This cloud does not serve the customer.',
      `Allow ${customer} at the cloud.`,
    );
  }
  const provider = signerOf(rules.domain, 'Terms', terms, providerSignature);
  if (provider === null || !isOneOf(provider, [terms.provider, duties.provider.address])) {
    return refused(422, 'SIGNATURE_WRONG', 'The provider has not signed these terms.', 'Send its signature.');
  }
  return { registration };
}

function refused(status: number, code: string, detail: string, remedy: string): { refusal: Answer } {
  return { refusal: problem(status, code, detail, remedy) };
}
