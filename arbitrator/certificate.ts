import { type Domain, type Signer, signerOf } from '../market/eip712.ts';
import type { Duties, Terms } from '../market/terms.ts';
import { isOneOf } from './addresses.ts';
import { DEFAULT_MAX_SKEW_MS } from './heartbeat.ts';
import type { ActivationCertificate, ActivationRecord, SignedStatement } from './types.ts';
import { witnessOf } from './witness.ts';

export interface CertificateExpectation {
  terms: Terms;
  duties: Duties;
  agreementId: string;
  /** The epoch that would be taken over from. */
  currentEpoch: number;
  /** Default `DEFAULT_MAX_SKEW_MS`. */
  maxSkewMs?: number;
}

/** Why a certificate gives no right to run. Faults of statements name the rule, not the witness. */
export type CertificateFault =
  | 'wrong-agreement'
  | 'wrong-epoch'
  | 'bad-signature'
  | 'not-the-provider'
  | 'issued-before-heartbeat'
  | 'statement-wrong-agreement'
  | 'statement-wrong-epoch'
  | 'statement-wrong-probe'
  | 'statement-says-reachable'
  | 'statement-too-old'
  | 'statement-from-future'
  | 'statement-bad-signature'
  | 'statement-not-a-witness'
  | 'statement-duplicate'
  | 'quorum-missing';

/** A statement older than this when the certificate is issued belongs to another failure, milliseconds. */
export const MAX_STATEMENT_AGE_MS = 60_000;

export async function signActivation(
  signer: Signer,
  activation: ActivationRecord,
  statements: SignedStatement[],
): Promise<ActivationCertificate> {
  return { activation, signature: await signer.sign('Activation', activation), statements };
}

/**
 * Null for a certificate that gives `currentEpoch + 1` to the provider. One bad statement spoils it: an honest
 * provider leaves bad statements out. The account may be the one in the terms or the node's own, which the terms bind.
 */
export function checkCertificate(
  domain: Domain,
  certificate: ActivationCertificate,
  expect: CertificateExpectation,
): CertificateFault | null {
  const { activation, statements } = certificate;
  const maxSkewMs = expect.maxSkewMs ?? DEFAULT_MAX_SKEW_MS;
  if (activation.agreementId !== expect.agreementId) return 'wrong-agreement';
  if (activation.epoch !== expect.currentEpoch + 1 || activation.epoch % 2 !== 0) return 'wrong-epoch';
  if (activation.issuedAtMs + maxSkewMs < activation.lastHeartbeatAtMs) return 'issued-before-heartbeat';
  for (const signed of statements) {
    const fault = checkContent(signed, activation, maxSkewMs);
    if (fault !== null) return fault;
  }
  // Signatures last, and the provider's before the others: recovering one costs milliseconds.
  const signer = signerOf(domain, 'Activation', activation, certificate.signature);
  if (signer === null) return 'bad-signature';
  if (!isOneOf(signer, [expect.terms.provider, expect.duties.provider.address])) return 'not-the-provider';
  return checkQuorum(domain, statements, expect.duties);
}

function checkContent(
  { statement }: SignedStatement,
  activation: ActivationRecord,
  maxSkewMs: number,
): CertificateFault | null {
  if (statement.agreementId !== activation.agreementId) return 'statement-wrong-agreement';
  if (statement.epoch !== activation.epoch - 1) return 'statement-wrong-epoch';
  if (statement.probeId !== activation.probeId) return 'statement-wrong-probe';
  if (statement.reachable) return 'statement-says-reachable';
  if (statement.observedAtMs + maxSkewMs < activation.lastHeartbeatAtMs) return 'statement-too-old';
  if (statement.observedAtMs + maxSkewMs + MAX_STATEMENT_AGE_MS < activation.issuedAtMs) return 'statement-too-old';
  if (statement.observedAtMs > activation.issuedAtMs + maxSkewMs) return 'statement-from-future';
  return null;
}

function checkQuorum(domain: Domain, statements: SignedStatement[], duties: Duties): CertificateFault | null {
  const seen = new Set<string>();
  for (const signed of statements) {
    const { fault, witness } = witnessOf(domain, signed, duties);
    if (fault === 'bad-signature') return 'statement-bad-signature';
    if (fault !== null) return 'statement-not-a-witness';
    if (seen.has(witness)) return 'statement-duplicate';
    seen.add(witness);
  }
  return seen.size < duties.witnessQuorum ? 'quorum-missing' : null;
}
