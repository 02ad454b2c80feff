import type { Terms } from '../../market/terms.ts';
import type { StoryEvent } from './events.ts';

/** Reputation counters and value of an account word stop there. */
const COUNTER_MAX = 2 ** 16 - 1;
const VALUE_MAX = 2n ** 80n - 1n;

/** One owner's account in one token, as events alone give it. */
export interface LedgerAccount {
  balance: bigint;
  value: bigint;
  honoured: number;
  breached: number;
  disputesLost: number;
  /** Terms with an `openBy` up to here are void (Unix seconds). */
  revokedUntil: number;
}

/** The facts of one agreement; times in Unix seconds, 0 for never. */
export interface LedgerAgreement {
  id: string;
  terms: Terms;
  customerStake: bigint;
  endsAt: number;
  claimed: bigint;
  claimedAt: number;
  respondBy: number;
  reported: boolean;
  answered: boolean;
  disputed: boolean;
  /** What a plain ERC-792 arbitrator ruled; carried out by `expire`. */
  ruling: number | null;
  ended: { toProvider: bigint; outcome: number; ending: number } | null;
}

/** Everything that the escrow's events say, from its first block on. */
export interface Ledger {
  agreements: Map<string, LedgerAgreement>;
  /** By `token:owner`, lower case. */
  accounts: Map<string, LedgerAccount>;
  /** Native currency by owner, lower case. */
  fees: Map<string, bigint>;
  /** Accounts ever named to sign, by owner, lower case. */
  agents: Map<string, Set<string>>;
  /** Events that cannot have happened. */
  faults: string[];
}

interface Work extends Ledger {
  /** Of plain arbitrators: `arbitrator:dispute` to the agreement. */
  disputes: Map<string, string>;
}
type Values = Record<string, unknown>;

/** Replays events in their order. Pure: the same events give the same ledger. Never throws: see `faults`. */
export function replay(events: readonly StoryEvent[]): Ledger {
  const work: Work = {
    agreements: new Map(),
    accounts: new Map(),
    fees: new Map(),
    agents: new Map(),
    faults: [],
    disputes: new Map(),
  };
  for (const event of events) APPLY[event.name]?.(work, event.values, event);
  const { disputes, ...ledger } = work;
  return ledger;
}

export function accountIn(ledger: Ledger, token: string, owner: string): LedgerAccount {
  return ledger.accounts.get(accountKey(token, owner)) ?? EMPTY;
}

/** Free balances and locked stakes of a token together. */
export function totalOf(ledger: Ledger, token: string): bigint {
  let total = 0n;
  for (const [key, account] of ledger.accounts) if (key.startsWith(`${token.toLowerCase()}:`)) total += account.balance;
  for (const { terms, customerStake, ended } of ledger.agreements.values()) {
    if (ended === null && same(terms.token, token)) total += customerStake + terms.providerStake;
  }
  return total;
}

const EMPTY: LedgerAccount = { balance: 0n, value: 0n, honoured: 0, breached: 0, disputesLost: 0, revokedUntil: 0 };
const accountKey = (token: string, owner: string) => `${token}:${owner}`.toLowerCase();
const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
const text = (value: unknown) => String(value).toLowerCase();

/** The account to write to. */
function accountOf(work: Work, token: string, owner: string): LedgerAccount {
  const key = accountKey(token, owner);
  const account = work.accounts.get(key) ?? { ...EMPTY };
  work.accounts.set(key, account);
  return account;
}

function credit(work: Work, token: string, owner: string, amount: bigint): void {
  const account = accountOf(work, token, owner);
  account.balance += amount;
  if (account.balance < 0n) work.faults.push(`the balance of ${owner} falls to ${account.balance}`);
}

function count(work: Work, token: string, owner: string, counter: 'honoured' | 'breached' | 'disputesLost'): void {
  const account = accountOf(work, token, owner);
  account[counter] = Math.min(account[counter] + 1, COUNTER_MAX);
}

/** A warm agreement that an event is about; anything else is a fault. */
function warm(work: Work, { name }: StoryEvent, id: unknown): LedgerAgreement | null {
  const agreement = work.agreements.get(text(id));
  if (agreement && agreement.ended === null) return agreement;
  work.faults.push(`${name} of ${id}, which ${agreement ? 'had ended' : 'was never opened'}`);
  return null;
}

const APPLY: Record<string, (work: Work, values: Values, event: StoryEvent) => void> = {
  Deposited: (work, { token, owner, amount }) => credit(work, text(token), text(owner), amount as bigint),
  Withdrawn: (work, { token, owner, amount }) => credit(work, text(token), text(owner), -(amount as bigint)),
  Revoked: (work, { token, owner, until }) => {
    const account = accountOf(work, text(token), text(owner));
    if (Number(until) <= account.revokedUntil)
      work.faults.push(`${owner} revokes until ${until}, which changes nothing`);
    account.revokedUntil = Number(until);
  },
  FeesCredited: (work, { owner, balanceWei }) => void work.fees.set(text(owner), balanceWei as bigint),
  FeesWithdrawn: (work, { owner }) => void work.fees.set(text(owner), 0n),
  AgentSet: (work, { owner, agent }) => {
    const agents = work.agents.get(text(owner)) ?? new Set();
    work.agents.set(text(owner), agents.add(text(agent)));
  },
  AgreementOpened: (work, { id, terms }) => open(work, text(id), termsOf(terms as Values)),
  AgreementAmended: (work, { id, customerStake, endsAt }, event) => {
    const agreement = warm(work, event, id);
    if (!agreement) return;
    const { token, customer } = agreement.terms;
    credit(work, token, customer, agreement.customerStake - (customerStake as bigint));
    agreement.customerStake = customerStake as bigint;
    agreement.endsAt = Number(endsAt);
  },
  AgreementClaimed: (work, { id, claimed }, event) => {
    const agreement = warm(work, event, id);
    if (!agreement) return;
    if ((claimed as bigint) > agreement.customerStake) work.faults.push(`${id} claims ${claimed}, above the stake`);
    agreement.claimed = claimed as bigint;
    agreement.claimedAt ||= event.blockTimestampSec;
  },
  AgreementReported: (work, { id }, event) => respond(work, id, event, 'reported'),
  AgreementAnswered: (work, { id }, event) => respond(work, id, event, 'answered'),
  AgreementDisputed: (work, { id, rulingBy }, event) => {
    const agreement = warm(work, event, id);
    if (agreement) Object.assign(agreement, { disputed: true, respondBy: Number(rulingBy) });
  },
  Dispute: (work, { _arbitrator, _disputeID, _evidenceGroupID }) => {
    const id = `0x${(_evidenceGroupID as bigint).toString(16).padStart(64, '0')}`;
    work.disputes.set(`${text(_arbitrator)}:${_disputeID}`, id);
  },
  Ruling: (work, { _arbitrator, _disputeID, _ruling }, { blockTimestampSec }) => {
    const agreement = work.agreements.get(work.disputes.get(`${text(_arbitrator)}:${_disputeID}`) ?? '');
    // A late ruling, or one about what the parties have settled, says nothing.
    if (!agreement?.disputed || agreement.ended || blockTimestampSec >= agreement.respondBy) return;
    agreement.ruling = Number(_ruling);
  },
  AgreementEnded: (work, values, event) => {
    const agreement = warm(work, event, values.id);
    if (agreement) end(work, agreement, values);
  },
};

function open(work: Work, id: string, terms: Terms): void {
  if (work.agreements.has(id)) work.faults.push(`${id} was opened twice`);
  credit(work, terms.token, terms.customer, -terms.customerStake);
  credit(work, terms.token, terms.provider, -terms.providerStake);
  const { customerStake, endsAt } = terms;
  const facts = { claimed: 0n, claimedAt: 0, respondBy: 0, reported: false, answered: false, disputed: false };
  work.agreements.set(id, { id, terms, customerStake, endsAt, ...facts, ruling: null, ended: null });
}

function respond(work: Work, id: unknown, event: StoryEvent, fact: 'reported' | 'answered'): void {
  const agreement = warm(work, event, id);
  if (!agreement) return;
  agreement[fact] = true;
  agreement.respondBy = event.blockTimestampSec + agreement.terms.responseWindowSec;
}

const OUTCOME = { honoured: 1, breached: 2 };
const ENDING_RULED = 5;

function end(work: Work, agreement: LedgerAgreement, values: Values): void {
  const { customer, provider, providerStake, token } = agreement.terms;
  const [toProvider, outcome, ending] = [values.toProvider as bigint, Number(values.outcome), Number(values.ending)];
  const pot = agreement.customerStake + providerStake;
  if (toProvider > pot) work.faults.push(`${agreement.id} pays ${toProvider} of a pot of ${pot}`);
  agreement.ended = { toProvider, outcome, ending };
  credit(work, token, customer, pot - toProvider);
  credit(work, token, provider, toProvider);
  if (outcome === OUTCOME.breached) {
    count(work, token, provider, 'breached');
    if (ending === ENDING_RULED) count(work, token, provider, 'disputesLost');
    return;
  }
  const paid = toProvider > providerStake ? toProvider - providerStake : 0n;
  for (const owner of [customer, provider]) {
    const account = accountOf(work, token, owner);
    account.value = account.value + paid > VALUE_MAX ? VALUE_MAX : account.value + paid;
  }
  if (outcome !== OUTCOME.honoured) return;
  count(work, token, provider, 'honoured');
  count(work, token, customer, ending === ENDING_RULED ? 'disputesLost' : 'honoured');
}

/** The event's numbers are all bigints; terms have small ones as numbers. */
function termsOf(values: Values): Terms {
  const { openBy, endsAt, responseWindowSec, lane, ...rest } = values;
  const small = { openBy, endsAt, responseWindowSec, lane };
  const numbers = Object.fromEntries(Object.entries(small).map(([name, value]) => [name, Number(value)]));
  return { ...rest, ...numbers } as unknown as Terms;
}
