import { ZeroAddress } from 'ethers';
import { type Domain, dutiesHash } from './eip712.ts';
import { isPlaceCell } from './place.ts';
import { worstCaseWei } from './settlement-math.ts';
import type { Duties, Terms } from './terms.ts';
import { formatDuration, formatMoney } from './units.ts';

export type TermsProblemCode =
  | 'DUTIES_HASH_DIFFERS'
  | 'PARTY_DIFFERS'
  | 'SELF_DEALING'
  | 'TOKEN_INVALID'
  | 'STAKE_SHORT'
  | 'OPEN_BY_INVALID'
  | 'ENDS_AT_INVALID'
  | 'WITNESSES_INVALID'
  | 'CELL_INVALID';

export interface TermsProblem {
  code: TermsProblemCode;
  message: string;
}

/** Signatures wait at most this long for somebody to open the agreement. */
export const MAX_OPEN_BY_SEC = 3600;
export const MAX_TERM_SEC = 366 * 86_400;

/** Whether terms and duties belong together and make sense now. Empty when they do; each side checks before it signs. */
export function checkTerms(domain: Domain, terms: Terms, duties: Duties, nowSec: number): TermsProblem[] {
  return [
    ...checkParties(domain, terms, duties),
    ...checkTimes(terms, nowSec),
    ...checkStakes(terms, duties, nowSec),
    ...checkWitnesses(duties),
    ...problemIf(!isPlaceCell(duties.cell), 'CELL_INVALID', `"${duties.cell}" is no H3 cell of resolution 5 or finer`),
  ];
}

function checkParties(domain: Domain, terms: Terms, duties: Duties): TermsProblem[] {
  const hash = dutiesHash(duties);
  const { customer, provider } = duties;
  const escrowIsParty = [terms.customer, terms.provider].some((party) => same(party, domain.verifyingContract));
  const oneParty = same(terms.customer, terms.provider) || customer.peerId === provider.peerId || escrowIsParty;
  const tokenInvalid = same(terms.token, ZeroAddress) || same(terms.token, domain.verifyingContract);
  const differs = (side: string, a: string, b: string): TermsProblem[] =>
    problemIf(!same(a, b), 'PARTY_DIFFERS', `the terms name ${side} ${a}, the duties ${b}`);
  return [
    ...problemIf(
      hash !== terms.dutiesHash,
      'DUTIES_HASH_DIFFERS',
      `the duties hash to ${hash}, the terms say ${terms.dutiesHash}`,
    ),
    ...differs('customer', terms.customer, customer.address),
    ...differs('provider', terms.provider, provider.address),
    ...problemIf(oneParty, 'SELF_DEALING', 'customer, provider and escrow must be three'),
    ...problemIf(tokenInvalid, 'TOKEN_INVALID', `${terms.token} is no token`),
  ];
}

function checkTimes(terms: Terms, nowSec: number): TermsProblem[] {
  const { openBy, endsAt } = terms;
  const openInSec = openBy - nowSec;
  const termSec = endsAt - nowSec;
  return [
    ...problemIf(openInSec <= 0, 'OPEN_BY_INVALID', `could be opened until ${formatDuration(-openInSec)} ago`),
    ...problemIf(
      openInSec > MAX_OPEN_BY_SEC,
      'OPEN_BY_INVALID',
      `could still be opened in ${formatDuration(openInSec)}`,
    ),
    ...problemIf(endsAt <= openBy, 'ENDS_AT_INVALID', 'ends before it must be opened'),
    ...problemIf(termSec > MAX_TERM_SEC, 'ENDS_AT_INVALID', `ends in ${formatDuration(termSec)}, at most 366 days`),
  ];
}

function checkStakes(terms: Terms, duties: Duties, nowSec: number): TermsProblem[] {
  const needed = worstCaseWei(duties, terms.endsAt - nowSec);
  const message =
    `the customer's stake of ${formatMoney(terms.customerStake)} does not cover the term, ` +
    `which can cost ${formatMoney(needed)}`;
  return problemIf(terms.customerStake < needed, 'STAKE_SHORT', message);
}

function checkWitnesses({ witnesses, witnessQuorum, customer, provider }: Duties): TermsProblem[] {
  const addresses = witnesses.map((witness) => witness.address.toLowerCase());
  const peers = witnesses.map((witness) => witness.peerId);
  const parties = [customer.address.toLowerCase(), provider.address.toLowerCase(), customer.peerId, provider.peerId];
  const repeated = new Set(addresses).size < addresses.length || new Set(peers).size < peers.length;
  const partial = [...addresses, ...peers].some((id) => parties.includes(id));
  const quorumSane = witnesses.length === 0 ? witnessQuorum === 0 : witnessQuorum >= 1;
  const counts = `a quorum of ${witnessQuorum} among ${witnesses.length} witnesses`;
  return [
    ...problemIf(repeated, 'WITNESSES_INVALID', 'a witness is named twice'),
    ...problemIf(partial, 'WITNESSES_INVALID', 'a party is its own witness'),
    ...problemIf(!quorumSane || witnessQuorum > witnesses.length, 'WITNESSES_INVALID', `${counts} cannot decide`),
  ];
}

function problemIf(wrong: boolean, code: TermsProblemCode, message: string): TermsProblem[] {
  return wrong ? [{ code, message }] : [];
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
