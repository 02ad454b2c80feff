import { ZeroAddress } from 'ethers';
import { agreementIdOf, type Domain, digestOf, type SignedType, signerOf } from '../../market/eip712.ts';
import type { Terms } from '../../market/terms.ts';
import { ESCROW_ABI } from '../../sdk/chain/abi.ts';
import { AGREEMENT_STATUSES, type AgreementState, type AgreementStatus, type VaultAccount } from '../../sdk/ports.ts';
import { decodeRevert, revertError } from '../../sdk/revert.ts';

export interface FakeAgreement {
  ended: boolean;
  claimed: bigint | null;
  claimedAt: number;
  reported: boolean;
  answered: boolean;
  disputed: boolean;
  respondBy: number;
}

/** Everything the escrow and its tokens store: plain data, so that a dry run can copy it. */
export interface EscrowState {
  domain: Domain;
  nowSec: number;
  held: Map<string, bigint>;
  accounts: Map<string, VaultAccount>;
  agreements: Map<string, FakeAgreement>;
  /** (provider, lane) → newest agreement there. */
  lanes: Map<string, { id: string; openBy: number }>;
  agents: Map<string, { token: string; expiresAt: number }>;
}

export function emptyState(domain: Domain): EscrowState {
  const empty = { held: new Map(), accounts: new Map(), agreements: new Map(), lanes: new Map(), agents: new Map() };
  return { domain, nowSec: 0, ...empty };
}

/** Throws what the chain client throws for this error of the contract. */
export function refuse(error: string, ...values: unknown[]): never {
  throw revertError(decodeRevert(ESCROW_ABI.encodeErrorResult(error, values)), {});
}

export function pairKey(a: string, b: string | number): string {
  return `${a}/${b}`.toLowerCase();
}

export function accountOf(state: EscrowState, token: string, owner: string): VaultAccount {
  const key = pairKey(token, owner);
  const account = state.accounts.get(key) ?? { balance: 0n, honoured: 0, breached: 0, disputesLost: 0, value: 0n };
  state.accounts.set(key, account);
  return account;
}

export function isAgent(state: EscrowState, owner: string, agent: string, token?: string): boolean {
  const found = state.agents.get(pairKey(owner, agent));
  return found !== undefined && state.nowSec < found.expiresAt && (token === undefined || found.token === token);
}

/** The owner, or an agent of it, must have signed; an empty signature is the sender's own. */
export function requireConsent(
  state: EscrowState,
  owner: string,
  token: string,
  signed: { type: SignedType; value: object; signature: string; sender: string },
): void {
  const { type, value, signature, sender } = signed;
  const signer = signature === '0x' ? sender : (signerOf(state.domain, type, value, signature) ?? ZeroAddress);
  if (signer === owner || isAgent(state, owner, signer, token)) return;
  refuse('AgreementEscrowNotAuthorized', owner, signer, digestOf(state.domain, type, value));
}

export function requireSender(state: EscrowState, owner: string, terms: Terms, sender: string): void {
  if (sender === owner || isAgent(state, owner, sender, terms.token)) return;
  refuse('AgreementEscrowNotAuthorized', owner, sender, agreementIdOf(state.domain, terms));
}

export function lock(state: EscrowState, token: string, owner: string, amount: bigint): void {
  const account = accountOf(state, token, owner);
  if (account.balance < amount) {
    refuse('AgreementEscrowInsufficientBalance', token, owner, account.balance, amount);
  }
  account.balance -= amount;
}

/** Where an agreement stands, by the same rules as `AgreementState.sol`. */
export function stateOf(state: EscrowState, terms: Terms): AgreementState {
  const found = state.agreements.get(agreementIdOf(state.domain, terms));
  if (!found) {
    const lane = state.lanes.get(pairKey(terms.provider, terms.lane));
    return { status: lane && terms.openBy <= lane.openBy ? 'ended' : 'none', claimed: 0n, exitsAt: 0 };
  }
  if (found.ended) return { status: 'ended', claimed: 0n, exitsAt: 0 };
  const status = warmStatus(found, state.nowSec);
  return { status, claimed: found.claimed ?? 0n, exitsAt: exitsAt(terms, found, status) };
}

function warmStatus(found: FakeAgreement, nowSec: number): AgreementStatus {
  if (found.disputed) return 'disputed';
  if (found.answered && nowSec < found.respondBy) return 'answered';
  if (found.reported && !found.answered) return 'reported';
  return found.claimed === null ? 'open' : 'claimed';
}

function exitsAt(terms: Terms, found: FakeAgreement, status: AgreementStatus): number {
  if (status === 'disputed' || status === 'reported') return found.respondBy;
  const window = terms.responseWindowSec;
  const end = found.claimed === null ? terms.endsAt + window : Math.max(terms.endsAt, found.claimedAt + window);
  return found.answered ? Math.max(end, found.respondBy) : end;
}

/** The agreement, which must be in one of these statuses, and (unless `anyTime`) before time has decided. */
export function requireStatus(
  state: EscrowState,
  terms: Terms,
  allowed: AgreementStatus[],
  anyTime = false,
): FakeAgreement {
  const id = agreementIdOf(state.domain, terms);
  const { status, exitsAt: endsAt } = stateOf(state, terms);
  const found = state.agreements.get(id);
  if (!found || !allowed.includes(status)) {
    const bitmap = allowed.reduce((bits, name) => bits | (1 << AGREEMENT_STATUSES.indexOf(name)), 0);
    return refuse('AgreementEscrowUnexpectedStatus', id, AGREEMENT_STATUSES.indexOf(status), bitmap);
  }
  if (!anyTime && state.nowSec >= endsAt) refuse('AgreementEscrowTooLate', id, endsAt);
  return found;
}

/** Pays the pot out and moves reputation. */
export function end(state: EscrowState, terms: Terms, toProvider: bigint, outcome: number): void {
  const found = state.agreements.get(agreementIdOf(state.domain, terms));
  if (found) found.ended = true;
  const customer = accountOf(state, terms.token, terms.customer);
  const provider = accountOf(state, terms.token, terms.provider);
  customer.balance += terms.customerStake + terms.providerStake - toProvider;
  provider.balance += toProvider;
  if (outcome === 2) {
    provider.breached += 1;
    return;
  }
  const paid = toProvider > terms.providerStake ? toProvider - terms.providerStake : 0n;
  for (const account of [customer, provider]) {
    account.value += paid;
    if (outcome === 1) account.honoured += 1;
  }
}
