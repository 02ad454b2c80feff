import { type Domain, type Signer, signerOf } from '../market/eip712.ts';
import type { Duties, Terms } from '../market/terms.ts';
import { isOneOf } from './addresses.ts';
import type { ReadingKey } from './reading-set.ts';
import type { Handback, ServiceRecord, SignedHandback } from './types.ts';

export interface HandbackExpectation {
  terms: Terms;
  duties: Duties;
  agreementId: string;
  /** The provider's epoch, which the handback ends. */
  currentEpoch: number;
}

export type HandbackFault = 'wrong-agreement' | 'wrong-epoch' | 'provider-signature' | 'customer-signature';

/** One party's half of a handback's signatures. */
export function signHandback(signer: Signer, handback: Handback): Promise<string> {
  return signer.sign('Handback', handback);
}

/** Null when the handback gives `currentEpoch + 1` to the customer. Both parties must have signed the same words. */
export function checkHandback(
  domain: Domain,
  signed: SignedHandback,
  expect: HandbackExpectation,
): HandbackFault | null {
  const { handback } = signed;
  const { terms, duties } = expect;
  if (handback.agreementId !== expect.agreementId) return 'wrong-agreement';
  if (handback.epoch !== expect.currentEpoch + 1 || handback.epoch % 2 !== 1) return 'wrong-epoch';
  const isBy = (signature: string, addresses: string[]) => {
    const signer = signerOf(domain, 'Handback', handback, signature);
    return signer !== null && isOneOf(signer, addresses);
  };
  if (!isBy(signed.providerSignature, [terms.provider, duties.provider.address])) return 'provider-signature';
  if (!isBy(signed.customerSignature, [terms.customer, duties.customer.address])) return 'customer-signature';
  return null;
}

/** What two accounts of one provider epoch say about each other. Counts are distinct readings. */
export type CrossCheck =
  | { agrees: true; count: number }
  | { agrees: false; difference: 'other-epoch'; handbackEpoch: number; recordEpoch: number }
  | { agrees: false; difference: 'cloud-has-fewer' | 'cloud-has-more'; by: number }
  | { agrees: false; difference: 'same-count-other-content'; count: number };

/** Compares the provider's account (in the handback that ends epoch n) with the cloud's record of epoch n. */
export function crossCheck(handback: Handback, record: ServiceRecord): CrossCheck {
  if (handback.agreementId !== record.agreementId || handback.epoch !== record.epoch + 1) {
    return { agrees: false, difference: 'other-epoch', handbackEpoch: handback.epoch, recordEpoch: record.epoch };
  }
  const by = record.acceptedCount - handback.deliveredCount;
  if (by !== 0) {
    return { agrees: false, difference: by < 0 ? 'cloud-has-fewer' : 'cloud-has-more', by: Math.abs(by) };
  }
  if (handback.readingsRoot !== record.readingsRoot) {
    return { agrees: false, difference: 'same-count-other-content', count: record.acceptedCount };
  }
  return { agrees: true, count: record.acceptedCount };
}

/** Where two lists of readings differ, once the roots have said that they do. Order and repetition do not matter. */
export function diffReadings<T extends ReadingKey>(
  ours: Iterable<T>,
  theirs: Iterable<T>,
): { onlyOurs: T[]; onlyTheirs: T[] } {
  const byKey = (readings: Iterable<T>) =>
    new Map([...readings].map((reading) => [`${reading.devAddr}:${reading.fCnt}:${reading.payload}`, reading]));
  const left = byKey(ours);
  const right = byKey(theirs);
  const missingFrom = (from: Map<string, T>, other: Map<string, T>) =>
    [...from].filter(([key]) => !other.has(key)).map(([, reading]) => reading);
  return { onlyOurs: missingFrom(left, right), onlyTheirs: missingFrom(right, left) };
}
