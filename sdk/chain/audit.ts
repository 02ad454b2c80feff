import { agreementIdOf, escrowDomain } from '../../market/eip712.ts';
import { EdgeError } from '../../market/errors.ts';
import { AGREEMENT_STATUSES, type AgreementStatus } from '../ports.ts';
import { ESCROW_ABI, TOKEN_ABI } from './abi.ts';
import { blockTimeSec, readEvents, type StoryEvent } from './events.ts';
import { accountIn, type Ledger, type LedgerAccount, type LedgerAgreement, replay, totalOf } from './ledger.ts';
import { quantity } from './receipts.ts';
import type { Rpc } from './rpc.ts';

export interface AuditTarget {
  rpc: Rpc;
  escrow: string;
  agreementId: string;
  /** The block that the escrow was deployed in, or before. */
  fromBlock: number;
}

/** Something that one source says and another does not. */
export interface Disagreement {
  about: string;
  /** Between which sources: the events and what the contract answers now, events and each other, or the evidence. */
  between: 'events' | 'events and state' | 'chain and evidence';
  expected: string;
  found: string;
}

/** Where an agreement is at the audit's block. Times in Unix seconds; 0 for none. */
export interface AuditStatus {
  status: AgreementStatus;
  claimed: bigint;
  exitsAt: number;
}

export interface AuditParty extends LedgerAccount {
  address: string;
  /** Native currency that it may withdraw. */
  feesWei: bigint;
}

export interface Audit {
  chainId: number;
  escrow: string;
  /** Everything is as of this block. */
  blockNumber: number;
  blockTimestampSec: number;
  agreement: LedgerAgreement;
  story: StoryEvent[];
  /** Recomputed from events alone, like the parties. */
  status: AuditStatus;
  customer: AuditParty;
  provider: AuditParty;
  /** Accounts that may sign for the parties: evidence needs them. */
  agents: { customer: string[]; provider: string[] };
  disagreements: Disagreement[];
}

/**
 * Recomputes an agreement and both parties' accounts from all events of the escrow, and compares them with what the
 * contract answers at the same block. Throws `AGREEMENT_UNKNOWN` when no event opens it.
 */
export async function auditAgreement(target: AuditTarget): Promise<Audit> {
  const { rpc, escrow, agreementId, fromBlock } = target;
  const chainId = Number(await rpc('eth_chainId', []));
  const blockNumber = Number(await rpc('eth_blockNumber', []));
  const blockTimestampSec = await blockTimeSec(rpc, quantity(blockNumber));
  const events = await readEvents(rpc, { address: escrow }, fromBlock, blockNumber);
  const ledger = replay(events);
  const agreement = ledger.agreements.get(agreementId.toLowerCase());
  if (!agreement) throw unknownAgreement(target, events.length);

  const { customer, provider, token } = agreement.terms;
  const party = (address: string): AuditParty => ({
    address,
    ...accountIn(ledger, token, address),
    feesWei: ledger.fees.get(address.toLowerCase()) ?? 0n,
  });
  const agentsOf = (owner: string) => [...(ledger.agents.get(owner.toLowerCase()) ?? [])];
  const recomputed = {
    chainId,
    escrow,
    blockNumber,
    blockTimestampSec,
    agreement,
    story: events.filter(({ name, values }) => isAbout(agreement.id, name, values)),
    status: statusAt(agreement, blockTimestampSec),
    customer: party(customer),
    provider: party(provider),
    agents: { customer: agentsOf(customer), provider: agentsOf(provider) },
  };
  const state = stateAt(rpc, escrow, blockNumber);
  return {
    ...recomputed,
    disagreements: [...faultsOf(recomputed, ledger), ...(await compare(recomputed, ledger, state))],
  };
}

const ACCOUNT_FIELDS = ['balance', 'value', 'honoured', 'breached', 'disputesLost', 'revokedUntil', 'feesWei'] as const;
type Recomputed = Omit<Audit, 'disagreements'>;

/** What the contract would answer, by the rules of docs/contracts.md. */
export function statusAt(agreement: LedgerAgreement, nowSec: number): AuditStatus {
  const { claimed, claimedAt, respondBy, endsAt, reported, answered, disputed, ruling, terms } = agreement;
  if (agreement.ended) return { status: 'ended', claimed: 0n, exitsAt: 0 };
  if (disputed) return { status: 'disputed', claimed, exitsAt: ruling === null ? respondBy : nowSec };
  if (reported && !answered) return { status: 'reported', claimed, exitsAt: respondBy };

  const window = terms.responseWindowSec;
  const quietExit = claimedAt === 0 ? endsAt + window : Math.max(endsAt, claimedAt + window);
  const exitsAt = answered ? Math.max(quietExit, respondBy) : quietExit;
  if (answered && nowSec < respondBy) return { status: 'answered', claimed, exitsAt };
  return { status: claimedAt === 0 ? 'open' : 'claimed', claimed, exitsAt };
}

/** Events that contradict themselves or each other. */
function faultsOf({ agreement, chainId, escrow }: Recomputed, { faults }: Ledger): Disagreement[] {
  const impossible = faults.map((found) => ({
    about: 'an event',
    between: 'events' as const,
    expected: 'what the contract can do',
    found,
  }));
  const digest = agreementIdOf(escrowDomain(chainId, escrow), agreement.terms);
  if (digest === agreement.id) return impossible;
  return [...impossible, { about: 'the terms', between: 'events', expected: agreement.id, found: digest }];
}

async function compare(audit: Recomputed, ledger: Ledger, state: State): Promise<Disagreement[]> {
  const { terms } = audit.agreement;
  const found: Disagreement[] = [];
  const check = (about: string, expected: unknown, actual: unknown) => {
    if (String(expected) === String(actual)) return;
    found.push({ about, between: 'events and state', expected: String(expected), found: String(actual) });
  };
  const status = await state.status(terms);
  for (const name of ['status', 'claimed', 'exitsAt'] as const) check(name, audit.status[name], status[name]);
  for (const side of ['customer', 'provider'] as const) {
    const { address, ...expected } = audit[side];
    const actual = await state.account(terms.token, address);
    for (const name of ACCOUNT_FIELDS) {
      check(`${side}: ${name}`, expected[name], actual[name]);
    }
  }
  // More is a gift to nobody; less means that somebody cannot be paid.
  const [owed, held] = [totalOf(ledger, terms.token), await state.held(terms.token)];
  if (held < owed) check('tokens held for all balances and stakes', owed, held);
  return found;
}

type State = ReturnType<typeof stateAt>;

/** What the contract answers at one block. */
function stateAt(rpc: Rpc, escrow: string, blockNumber: number) {
  const call = async (to: string, data: string) => String(await rpc('eth_call', [{ to, data }, quantity(blockNumber)]));
  const ask = async (name: string, args: unknown[]) =>
    ESCROW_ABI.decodeFunctionResult(name, await call(escrow, ESCROW_ABI.encodeFunctionData(name, args)));
  return {
    async status(terms: LedgerAgreement['terms']): Promise<Record<keyof AuditStatus, unknown>> {
      const { status, claimed, exitsAt } = await ask('statusOf', [terms]);
      return { status: AGREEMENT_STATUSES[Number(status)], claimed, exitsAt };
    },
    async account(token: string, owner: string): Promise<Record<keyof LedgerAccount | 'feesWei', unknown>> {
      const [account] = await ask('accountOf', [token, owner]);
      const [feesWei] = await ask('feesOf', [owner]);
      return { ...account.toObject(), feesWei };
    },
    async held(token: string): Promise<bigint> {
      return BigInt(await call(token, TOKEN_ABI.encodeFunctionData('balanceOf', [escrow])));
    },
  };
}

/** ERC-1497 events name an agreement by a number. */
function isAbout(id: string, name: string, values: Record<string, unknown>): boolean {
  if (name === 'Ruling') return values._disputeID === BigInt(id);
  return values.id === id || values._evidenceGroupID === BigInt(id);
}

function unknownAgreement({ escrow, agreementId, fromBlock }: AuditTarget, eventCount: number): EdgeError {
  const message = `None of the ${eventCount} events of ${escrow} from block ${fromBlock} on opens ${agreementId}.`;
  return new EdgeError('AGREEMENT_UNKNOWN', message, {
    context: { escrow, agreementId, fromBlock },
    remedy: 'Check the id, the address of the escrow, and that --from-block is not after its deployment.',
  });
}
