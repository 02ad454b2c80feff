import { escrowDomain } from '../market/eip712.ts';
import type { Duties } from '../market/terms.ts';
import { type Claim, checkEvidence, type EvidenceContext, trueParts } from './claims.ts';
import type { EvidencePack } from './evidence.ts';
import type { SignedStatement } from './types.ts';
import { witnessOf } from './witness.ts';

/** ERC-792: 0 refuses to rule, 1 finds the agreement honoured, 2 finds it breached by the provider. */
export type Ruling = 0 | 1 | 2;

export interface Recommendation {
  ruling: Ruling;
  /** In the order of the argument, for a human reader. */
  reasons: string[];
  claims: Claim[];
}

/** How long after a proven outage the first reading may arrive at the cloud. */
export const TAKEOVER_LIMIT_MS = 30_000;

/** A time at which enough witnesses could not reach the customer of an epoch. */
interface Outage {
  epoch: number;
  atMs: number;
  witnesses: number;
}

/** Whether the provider served the epoch after an outage, as far as the evidence says. */
type Verdict = { kind: 'served' | 'unserved' | 'excused'; reason: string };

/**
 * What an arbitrator who sees only this evidence should rule. The customer's side must prove the outage (a quorum of the
 * witnesses both agreed on); once it is proven the burden is the provider's, since it alone could act: a record of the
 * customer's own cloud, or a handback that the customer signed, shows that it did.
 */
export function recommendRuling(
  pack: EvidencePack,
  context: EvidenceContext,
  limitMs: number = TAKEOVER_LIMIT_MS,
): Recommendation {
  const claims = checkEvidence(pack, context);
  const { isBinding, pack: proven } = trueParts(pack, claims);
  if (!isBinding) return { ruling: 0, reasons: ['The terms and duties are not signed by both parties.'], claims };
  const outages = provenOutages(proven);
  if (outages.length === 0) return { ...withoutOutage(proven), claims };
  const verdicts = outages.map((outage) => judge(outage, proven, limitMs));
  const reasons = verdicts.map((verdict) => verdict.reason);
  if (verdicts.some((verdict) => verdict.kind === 'unserved')) return { ruling: 2, reasons, claims };
  const wasServed = verdicts.some((verdict) => verdict.kind === 'served');
  return { ruling: wasServed ? 1 : withoutOutage(proven).ruling, reasons, claims };
}

/** The first quorum per epoch: later ones of the same epoch belong to the same absence. */
function provenOutages(pack: EvidencePack): Outage[] {
  const statements = [...pack.statements, ...pack.certificates.flatMap((certificate) => certificate.statements)];
  const byProbe = Map.groupBy(
    statements.filter((signed) => !signed.statement.reachable),
    ({ statement }) => `${statement.epoch}:${statement.probeId}`,
  );
  const first = new Map<number, Outage>();
  for (const signed of byProbe.values()) {
    const outage = outageOf(signed, pack);
    if (outage === null) continue;
    const known = first.get(outage.epoch);
    if (known === undefined || outage.atMs < known.atMs) first.set(outage.epoch, outage);
  }
  return [...first.values()].sort((a, b) => a.epoch - b.epoch);
}

function outageOf(statements: SignedStatement[], pack: EvidencePack): Outage | null {
  const domain = escrowDomain(pack.chainId, pack.escrow);
  const named = new Set(statements.map((signed) => witnessOf(domain, signed, pack.duties).witness));
  named.delete(null);
  const epoch = statements[0]?.statement.epoch ?? 0;
  if (named.size < neededWitnesses(pack.duties) || epoch % 2 !== 1) return null;
  return { epoch, atMs: Math.max(...statements.map(({ statement }) => statement.observedAtMs)), witnesses: named.size };
}

/** Where the duties ask for no witness, a named one that speaks anyway is still worth hearing. */
function neededWitnesses(duties: Duties): number {
  return Math.max(1, duties.witnessQuorum);
}

function judge(outage: Outage, pack: EvidencePack, limitMs: number): Verdict {
  const where = `${outage.witnesses} witnesses could not reach the customer in epoch ${outage.epoch}`;
  const epoch = outage.epoch + 1;
  const handback = pack.handbacks.find((signed) => signed.handback.epoch === epoch + 1)?.handback;
  if (handback !== undefined && handback.deliveredCount > 0) {
    return served(`${where}; the customer signed that ${handback.deliveredCount} readings were delivered meanwhile.`);
  }
  const record = pack.records.find((signed) => signed.record.epoch === epoch)?.record;
  if (record !== undefined && record.acceptedCount > 0) {
    const afterMs = record.firstAcceptedAtMs - outage.atMs;
    const text = `${where}; the cloud accepted ${record.acceptedCount} readings, the first ${afterMs} ms later`;
    return afterMs <= limitMs ? served(`${text}.`) : unserved(`${text}: later than the ${limitMs} ms allowed.`);
  }
  const selfHealed = pack.heartbeats.some(({ heartbeat }) => {
    const afterMs = heartbeat.sentAtMs - outage.atMs;
    return heartbeat.epoch === outage.epoch && afterMs > 0 && afterMs <= limitMs;
  });
  if (selfHealed) return { kind: 'excused', reason: `${where}; it was back by itself within ${limitMs} ms.` };
  const certificate = pack.certificates.find(({ activation }) => activation.epoch === epoch);
  if (pack.duties.cloud === null && certificate !== undefined) {
    return served(`${where}; the provider took epoch ${epoch}, and no cloud was named that could have counted.`);
  }
  return unserved(`${where}; nothing shows that the provider served epoch ${epoch}.`);
}

function withoutOutage(pack: EvidencePack): Pick<Recommendation, 'ruling' | 'reasons'> {
  const accepted = pack.records.filter(({ record }) => record.epoch % 2 === 0 && record.acceptedCount > 0);
  const delivered = pack.handbacks.filter(({ handback }) => handback.deliveredCount > 0);
  if (accepted.length + delivered.length > 0) {
    return { ruling: 1, reasons: ['No outage is proven that was not served, and service is.'] };
  }
  if (pack.receipts.some(({ receipt }) => receipt.earned > 0n)) {
    return { ruling: 1, reasons: ['No outage is proven, and the customer signed a receipt for the time so far.'] };
  }
  return { ruling: 0, reasons: ['No outage is proven and no service either: nothing to rule on.'] };
}

function served(reason: string): Verdict {
  return { kind: 'served', reason };
}

function unserved(reason: string): Verdict {
  return { kind: 'unserved', reason };
}
