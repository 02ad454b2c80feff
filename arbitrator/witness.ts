import { type Domain, type Signer, signerOf } from '../market/eip712.ts';
import type { Duties } from '../market/terms.ts';
import { sameAddress } from './addresses.ts';
import { DEFAULT_MAX_SKEW_MS } from './heartbeat.ts';
import type { SignedStatement, WitnessStatement } from './types.ts';

export interface StatementExpectation {
  agreementId: string;
  /** The epoch that would be taken over from. */
  epoch: number;
  /** The open question of the asker. */
  probeId: string;
  nowMs: number;
  /** Default `DEFAULT_MAX_SKEW_MS`. */
  maxSkewMs?: number;
}

export type StatementFault =
  | 'wrong-agreement'
  | 'wrong-epoch'
  | 'wrong-probe'
  | 'wrong-time'
  | 'bad-signature'
  | 'not-a-witness';

export type StatementCheck = { fault: null; witness: string } | { fault: StatementFault; witness: null };

export async function signStatement(signer: Signer, statement: WitnessStatement): Promise<SignedStatement> {
  return { statement, signature: await signer.sign('WitnessStatement', statement) };
}

/** The address of the named witness that made the statement, as the duties spell it, or why it does not count. */
export function checkStatement(
  domain: Domain,
  signed: SignedStatement,
  duties: Duties,
  expect: StatementExpectation,
): StatementCheck {
  const { statement } = signed;
  const maxSkewMs = expect.maxSkewMs ?? DEFAULT_MAX_SKEW_MS;
  if (statement.agreementId !== expect.agreementId) return refused('wrong-agreement');
  if (statement.epoch !== expect.epoch) return refused('wrong-epoch');
  if (statement.probeId !== expect.probeId) return refused('wrong-probe');
  if (Math.abs(statement.observedAtMs - expect.nowMs) > maxSkewMs) return refused('wrong-time');
  return witnessOf(domain, signed, duties);
}

/** Only who made the statement: for evidence, where its time and question are judged against other facts. */
export function witnessOf(domain: Domain, signed: SignedStatement, duties: Duties): StatementCheck {
  const signer = signerOf(domain, 'WitnessStatement', signed.statement, signed.signature);
  if (signer === null) return refused('bad-signature');
  const witness = duties.witnesses.find((named) => sameAddress(named.address, signer));
  return witness === undefined ? refused('not-a-witness') : { fault: null, witness: witness.address };
}

function refused(fault: StatementFault): StatementCheck {
  return { fault, witness: null };
}
