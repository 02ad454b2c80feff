import type { Claim, EvidenceContext } from '../../arbitrator/claims.ts';
import { trueParts } from '../../arbitrator/claims.ts';
import { type EvidencePack, evidenceHash } from '../../arbitrator/evidence.ts';
import { type Recommendation, recommendRuling } from '../../arbitrator/ruling.ts';
import { agreementIdOf, escrowDomain } from '../../market/eip712.ts';
import type { Audit, Disagreement } from './audit.ts';

/** What an evidence pack says beside the chain. */
export interface EvidenceAudit {
  hash: string;
  /** Whether a report, an answer or a submission of evidence on chain names this very pack. */
  namedOnChain: boolean;
  recommendation: Recommendation;
  /** The most that the customer signed for in it; 0 for nothing. */
  receipted: bigint;
  disagreements: Disagreement[];
}

const OUTCOMES = ['neutral', 'honoured', 'breached'];
const HONOURED = 1;
const BREACHED = 2;
/** Ended by both signatures: the parties may agree on anything. */
const SETTLED = 0;
const EVIDENCE_EVENTS = ['AgreementReported', 'AgreementAnswered', 'Evidence'];

/** Checks every claim of the pack, and what the chain did with the agreement against what the pack proves. */
export function auditEvidence(
  audit: Audit,
  pack: EvidencePack,
  verifyPeer: EvidenceContext['verifyPeer'],
): EvidenceAudit {
  const { customer: customerAgents, provider: providerAgents } = audit.agents;
  const recommendation = recommendRuling(pack, { verifyPeer, customerAgents, providerAgents });
  const { isBinding, pack: proven } = trueParts(pack, recommendation.claims);
  const receipted = largest(proven.receipts.map(({ receipt }) => receipt.earned));
  const hash = evidenceHash(pack);
  const named = audit.story.filter(({ name }) => EVIDENCE_EVENTS.includes(name)).map(({ values }) => values);
  const namedOnChain = named.some((values) => String(values.evidence ?? values._evidence).includes(hash));
  const disagreements = [...wrongCase(audit, pack), ...recommendation.claims.flatMap(falseClaim)];
  // What another agreement's pack proves says nothing about this one.
  if (isBinding && wrongCase(audit, pack).length === 0) {
    disagreements.push(...moneyAgainst(audit, receipted), ...outcomeAgainst(audit, recommendation));
  }
  return { hash, namedOnChain, recommendation, receipted, disagreements };
}

function largest(amounts: bigint[]): bigint {
  let most = 0n;
  for (const amount of amounts) if (amount > most) most = amount;
  return most;
}

function disagreement(about: string, expected: string, found: string): Disagreement {
  return { about, between: 'chain and evidence', expected, found };
}

function wrongCase(audit: Audit, pack: EvidencePack): Disagreement[] {
  const { chainId, escrow, agreement } = audit;
  const expected = `${agreement.id} in ${escrow.toLowerCase()} on chain ${chainId}`;
  const id = agreementIdOf(escrowDomain(pack.chainId, pack.escrow), pack.terms);
  const found = `${id} in ${pack.escrow.toLowerCase()} on chain ${pack.chainId}`;
  return found === expected ? [] : [disagreement('which agreement the evidence is about', expected, found)];
}

function falseClaim({ name, holds, reason }: Claim): Disagreement[] {
  return holds ? [] : [disagreement(`evidence: ${name}`, 'true', String(reason))];
}

/** What was claimed without a receipt in the pack, and what was receipted but not paid. */
function moneyAgainst({ agreement }: Audit, receipted: bigint): Disagreement[] {
  const { claimed, customerStake, ended, terms } = agreement;
  const due = receipted < customerStake ? receipted : customerStake;
  if (claimed > due) return [disagreement('what was earned', `receipts up to ${due}`, `claimed ${claimed}`)];
  if (!ended || ended.ending === SETTLED || ended.outcome === BREACHED) return [];
  const paid = ended.toProvider - terms.providerStake;
  return due > paid ? [disagreement('what was earned', `receipts up to ${due}`, `paid ${paid}`)] : [];
}

function outcomeAgainst({ agreement }: Audit, { ruling, reasons }: Recommendation): Disagreement[] {
  const outcome = agreement.ended?.outcome;
  const contradicts = (ruling === BREACHED && outcome === HONOURED) || (ruling === HONOURED && outcome === BREACHED);
  if (outcome === undefined || !contradicts) return [];
  return [disagreement('the outcome', `${OUTCOMES[ruling]}: ${reasons.join(' ')}`, String(OUTCOMES[outcome]))];
}
