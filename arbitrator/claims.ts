import { agreementIdOf, type Domain, dutiesHash, escrowDomain, signerOf } from '../market/eip712.ts';
import { isOneOf, sameAddress } from './addresses.ts';
import { checkCertificate } from './certificate.ts';
import type { EvidencePack } from './evidence.ts';
import { checkHandback, crossCheck } from './handback.ts';
import { heartbeatBytes, type VerifyPeer } from './heartbeat.ts';
import { checkReceipt } from './receipt.ts';
import { witnessOf } from './witness.ts';

/** One thing that a pack asserts, and whether it is true. */
export interface Claim {
  /** `kind` or `kind[index in the pack]`. */
  name: string;
  holds: boolean;
  /** Why not; null when it holds. */
  reason: string | null;
}

export interface EvidenceContext {
  verifyPeer: VerifyPeer;
  /** Accounts that sign for the parties, as the escrow knows them. */
  customerAgents?: readonly string[];
  providerAgents?: readonly string[];
}

/** What is checked about a pack: where it belongs and who may have signed what. */
interface Case {
  pack: EvidencePack;
  domain: Domain;
  agreementId: string;
  customers: string[];
  providers: string[];
  context: EvidenceContext;
}

/** Every claim of the pack, checked on its own: one false claim does not spoil the others. */
export function checkEvidence(pack: EvidencePack, context: EvidenceContext): Claim[] {
  const domain = escrowDomain(pack.chainId, pack.escrow);
  const { terms, duties } = pack;
  const it: Case = {
    pack,
    domain,
    agreementId: agreementIdOf(domain, terms),
    customers: [terms.customer, ...(context.customerAgents ?? [])],
    providers: [terms.provider, ...(context.providerAgents ?? [])],
    context,
  };
  return [
    claim('duties', dutiesHash(duties) === terms.dutiesHash ? null : 'not the duties that the terms bind'),
    claim('terms-by-customer', signedTerms(it, pack.customerSignature, it.customers)),
    claim('terms-by-provider', signedTerms(it, pack.providerSignature, it.providers)),
    ...pack.heartbeats.map((_, index) => claim(`heartbeat[${index}]`, heartbeatFault(it, index))),
    ...pack.statements.map((_, index) => claim(`statement[${index}]`, statementFault(it, index))),
    ...pack.certificates.map((_, index) => claim(`certificate[${index}]`, certificateFault(it, index))),
    ...pack.handbacks.map((_, index) => claim(`handback[${index}]`, handbackFault(it, index))),
    ...pack.records.map((_, index) => claim(`record[${index}]`, recordFault(it, index))),
    ...pack.receipts.map((_, index) => claim(`receipt[${index}]`, receiptFault(it, index))),
    ...crossChecks(pack),
  ];
}

/** The parts of the pack whose claims hold, and whether both parties signed these terms and duties at all. */
export function trueParts(pack: EvidencePack, claims: readonly Claim[]): { isBinding: boolean; pack: EvidencePack } {
  const held = new Set(claims.filter((one) => one.holds).map((one) => one.name));
  const keep = <T>(kind: string, list: T[]) => list.filter((_, index) => held.has(`${kind}[${index}]`));
  return {
    isBinding: ['duties', 'terms-by-customer', 'terms-by-provider'].every((name) => held.has(name)),
    pack: {
      ...pack,
      heartbeats: keep('heartbeat', pack.heartbeats),
      statements: keep('statement', pack.statements),
      certificates: keep('certificate', pack.certificates),
      handbacks: keep('handback', pack.handbacks),
      records: keep('record', pack.records),
      receipts: keep('receipt', pack.receipts),
    },
  };
}

function claim(name: string, reason: string | null): Claim {
  return { name, holds: reason === null, reason };
}

function signedTerms({ domain, pack }: Case, signature: string, allowed: string[]): string | null {
  const signer = signerOf(domain, 'Terms', pack.terms, signature);
  if (signer === null) return 'bad-signature';
  return isOneOf(signer, allowed) ? null : `signed by ${signer}`;
}

function heartbeatFault({ pack, agreementId, context }: Case, index: number): string | null {
  const signed = pack.heartbeats[index];
  if (signed?.heartbeat.agreementId !== agreementId) return 'wrong-agreement';
  const isGenuine = context.verifyPeer(pack.duties.customer.peerId, heartbeatBytes(signed.heartbeat), signed.signature);
  return isGenuine ? null : 'bad-signature';
}

function statementFault({ pack, domain, agreementId }: Case, index: number): string | null {
  const signed = pack.statements[index];
  if (signed?.statement.agreementId !== agreementId) return 'wrong-agreement';
  return witnessOf(domain, signed, pack.duties).fault;
}

function certificateFault({ pack, domain, agreementId }: Case, index: number): string | null {
  const certificate = pack.certificates[index];
  if (certificate === undefined) return 'missing';
  const { terms, duties } = pack;
  const currentEpoch = certificate.activation.epoch - 1;
  return checkCertificate(domain, certificate, { terms, duties, agreementId, currentEpoch });
}

function handbackFault({ pack, domain, agreementId }: Case, index: number): string | null {
  const signed = pack.handbacks[index];
  if (signed === undefined) return 'missing';
  const { terms, duties } = pack;
  return checkHandback(domain, signed, { terms, duties, agreementId, currentEpoch: signed.handback.epoch - 1 });
}

function recordFault({ pack, domain, agreementId }: Case, index: number): string | null {
  const signed = pack.records[index];
  if (signed?.record.agreementId !== agreementId) return 'wrong-agreement';
  const { cloud } = pack.duties;
  if (cloud === null) return 'the duties name no cloud';
  const signer = signerOf(domain, 'ServiceRecord', signed.record, signed.signature);
  if (signer === null) return 'bad-signature';
  return sameAddress(signer, cloud.address) ? null : 'not-the-cloud';
}

function receiptFault({ pack, domain, agreementId, context }: Case, index: number): string | null {
  const entry = pack.receipts[index];
  if (entry === undefined) return 'missing';
  const { customer, customerStake } = pack.terms;
  const agents = context.customerAgents ?? [];
  return checkReceipt(domain, entry.receipt, entry.signature, {
    agreementId,
    customer,
    agents,
    customerStake,
    last: null,
  });
}

/** The two accounts of one epoch, wherever the pack has both. */
function crossChecks(pack: EvidencePack): Claim[] {
  return pack.handbacks.flatMap(({ handback }) =>
    pack.records
      .filter(({ record }) => record.epoch === handback.epoch - 1)
      .map(({ record }) => {
        const result = crossCheck(handback, record);
        return claim(`accounts-of-epoch[${record.epoch}]`, result.agrees ? null : result.difference);
      }),
  );
}
