import { agreementIdOf, escrowDomain } from '../../market/eip712.ts';
import { EdgeError, hasCode } from '../../market/errors.ts';
import type { Clock } from '../../market/ports.ts';
import type { Chain, EscrowCall, TxResult } from '../../sdk/ports.ts';
import {
  accountOf,
  type EscrowState,
  emptyState,
  end,
  isAgent,
  lock,
  pairKey,
  refuse,
  requireConsent,
  requireSender,
  requireStatus,
  stateOf,
} from './escrow-state.ts';

export interface FakeChain {
  /** The chain as one account uses it; the account needs no key, since nothing is signed on the way. */
  connect(sender: string): Chain;
  mint(token: string, to: string, amount: bigint): void;
  /** False makes every call throw `CHAIN_UNREACHABLE`, as a chain does that is down. */
  setReachable(reachable: boolean): void;
  /** What took effect, oldest first. */
  readonly transactions: { sender: string; key: string; call: EscrowCall }[];
}

const ESCROW = '0x00000000000000000000000000000000000E5C40';

/** An escrow in memory with the contract's rules, except arbitrators (a dispute ends by silence). Time is the clock's. */
export function fakeChain(clock: Clock, chainId = 31337): FakeChain {
  const state = emptyState(escrowDomain(chainId, ESCROW));
  const transactions: FakeChain['transactions'] = [];
  let reachable = true;
  const current = (): EscrowState => {
    if (!reachable) throw new EdgeError('CHAIN_UNREACHABLE', 'The chain does not answer.');
    state.nowSec = Math.floor(clock.nowMs() / 1000);
    return state;
  };
  return {
    transactions,
    mint: (token, to, amount) => addHeld(state, token, to, amount),
    setReachable(value) {
      reachable = value;
    },
    connect: (sender) => connect({ current, transactions, chainId }, sender),
  };
}

interface World {
  current: () => EscrowState;
  transactions: FakeChain['transactions'];
  chainId: number;
}

function connect({ current, transactions, chainId }: World, sender: string): Chain {
  const done = new Map<string, TxResult>();
  return {
    chainId,
    escrow: ESCROW,
    sender,
    check: async () => void current(),
    nowSec: async () => current().nowSec,
    account: async (token, owner) => ({ ...accountOf(current(), token, owner) }),
    tokenBalance: async (token, owner) => current().held.get(pairKey(token, owner)) ?? 0n,
    agreement: async (terms) => stateOf(current(), terms),
    isAgent: async (owner, agent) => isAgent(current(), owner, agent),
    async submit(key, call) {
      const state = current();
      const before = done.get(key);
      if (before) return before;
      // First on a copy: a refusal changes nothing.
      perform(structuredClone(state), sender, call);
      perform(state, sender, call);
      transactions.push({ sender, key, call });
      const number = transactions.length;
      const hash = `0x${number.toString(16).padStart(64, '0')}`;
      const result = { hash, gasUsed: 60_000n, blockNumber: number, blockTimestampSec: state.nowSec };
      done.set(key, result);
      return result;
    },
    async dryRun(call) {
      try {
        perform(structuredClone(current()), sender, call);
        return null;
      } catch (error) {
        if (!hasCode(error, 'TX_REVERTED')) throw error;
        return { error: String(error.context.error), message: error.message, remedy: error.remedy ?? '' };
      }
    },
  };
}

function addHeld(state: EscrowState, token: string, owner: string, amount: bigint): void {
  const key = pairKey(token, owner);
  state.held.set(key, (state.held.get(key) ?? 0n) + amount);
}

function perform(state: EscrowState, sender: string, call: EscrowCall): void {
  switch (call.name) {
    case 'depositWithPermit':
    case 'withdraw':
      move(state, sender, call);
      break;
    case 'setAgent':
      state.agents.set(pairKey(sender, call.agent), { token: call.token, expiresAt: call.expiresAt });
      break;
    case 'revokeAgent':
      state.agents.delete(pairKey(sender, call.agent));
      break;
    case 'revoke':
      throw new TypeError('the fake chain does not revoke');
    case 'open':
      open(state, sender, call);
      break;
    default:
      proceed(state, sender, call);
  }
}

function move(
  state: EscrowState,
  sender: string,
  call: Extract<EscrowCall, { name: 'depositWithPermit' | 'withdraw' }>,
): void {
  const { token, amount } = call;
  if (amount === 0n) refuse('AgreementEscrowZeroAmount');
  if (call.name === 'withdraw') {
    lock(state, token, sender, amount);
    addHeld(state, token, call.to, amount);
    return;
  }
  if ((state.held.get(pairKey(token, sender)) ?? 0n) < amount) refuse('SafeERC20FailedOperation', token);
  addHeld(state, token, sender, -amount);
  accountOf(state, token, sender).balance += amount;
}

function open(state: EscrowState, sender: string, call: Extract<EscrowCall, { name: 'open' }>): void {
  const { terms, customerSignature, providerSignature } = call;
  const id = agreementIdOf(state.domain, terms);
  if (terms.customer === terms.provider || terms.responseWindowSec === 0 || terms.endsAt <= state.nowSec) {
    refuse('AgreementEscrowInvalidTerms', id);
  }
  if (state.nowSec > terms.openBy) refuse('AgreementEscrowOpenByPassed', id, terms.openBy);
  const laneKey = pairKey(terms.provider, terms.lane);
  const lane = state.lanes.get(laneKey);
  if (lane && !state.agreements.get(lane.id)?.ended) refuse('AgreementEscrowLaneBusy', terms.provider, terms.lane);
  if (lane && terms.openBy <= lane.openBy) {
    refuse('AgreementEscrowLaneUsed', terms.provider, terms.lane, lane.openBy);
  }
  const common = { type: 'Terms' as const, value: terms, sender };
  requireConsent(state, terms.customer, terms.token, { ...common, signature: customerSignature });
  requireConsent(state, terms.provider, terms.token, { ...common, signature: providerSignature });
  lock(state, terms.token, terms.customer, terms.customerStake);
  lock(state, terms.token, terms.provider, terms.providerStake);
  state.lanes.set(laneKey, { id, openBy: terms.openBy });
  const untouched = { ended: false, reported: false, answered: false, disputed: false, respondBy: 0 };
  state.agreements.set(id, { ...untouched, claimed: null, claimedAt: 0 });
}

type OpenAgreementCall = Extract<
  EscrowCall,
  { name: 'settle' | 'claim' | 'report' | 'answer' | 'concede' | 'dispute' | 'expire' }
>;
const WARM = ['open', 'claimed', 'reported', 'answered', 'disputed'] as const;

function proceed(state: EscrowState, sender: string, call: OpenAgreementCall): void {
  const { terms } = call;
  const respondBy = state.nowSec + terms.responseWindowSec;
  switch (call.name) {
    case 'settle':
      settle(state, sender, call);
      break;
    case 'claim':
      claim(state, sender, call);
      break;
    case 'report': {
      const found = requireStatus(state, terms, ['open', 'claimed']);
      if (found.reported) refuse('AgreementEscrowReportedBefore', agreementIdOf(state.domain, terms));
      requireSender(state, terms.customer, terms, sender);
      Object.assign(found, { reported: true, respondBy });
      break;
    }
    case 'answer': {
      const found = requireStatus(state, terms, ['reported']);
      requireSender(state, terms.provider, terms, sender);
      Object.assign(found, { answered: true, respondBy });
      break;
    }
    case 'concede':
      requireStatus(state, terms, [...WARM], true);
      requireSender(state, terms.provider, terms, sender);
      end(state, terms, 0n, 2);
      break;
    case 'dispute': {
      const found = requireStatus(state, terms, ['open', 'claimed', 'reported', 'answered']);
      Object.assign(found, { disputed: true, respondBy: state.nowSec + call.arbitration.rulingWindowSec });
      break;
    }
    case 'expire':
      expire(state, call);
  }
}

function settle(state: EscrowState, sender: string, call: Extract<EscrowCall, { name: 'settle' }>): void {
  const { terms, settlement, customerSignature, providerSignature } = call;
  requireStatus(state, terms, [...WARM], true);
  const id = agreementIdOf(state.domain, terms);
  const pot = terms.customerStake + terms.providerStake;
  if (settlement.toProvider > pot) refuse('AgreementEscrowPotExceeded', id, pot, settlement.toProvider);
  const common = { type: 'Settlement' as const, value: { ...settlement, agreementId: id }, sender };
  requireConsent(state, terms.customer, terms.token, { ...common, signature: customerSignature });
  requireConsent(state, terms.provider, terms.token, { ...common, signature: providerSignature });
  end(state, terms, settlement.toProvider, settlement.outcome);
}

function claim(state: EscrowState, sender: string, call: Extract<EscrowCall, { name: 'claim' }>): void {
  const { terms, receipt, customerSignature } = call;
  const found = requireStatus(state, terms, [...WARM]);
  requireSender(state, terms.provider, terms, sender);
  const id = agreementIdOf(state.domain, terms);
  const [claimed = 0n] = [receipt.earned, terms.customerStake].sort((a, b) => (a < b ? -1 : 1));
  if (found.claimed !== null && claimed <= found.claimed) {
    refuse('AgreementEscrowReceiptStale', id, found.claimed, receipt.earned);
  }
  const value = { agreementId: id, earned: receipt.earned };
  requireConsent(state, terms.customer, terms.token, { type: 'Receipt', value, signature: customerSignature, sender });
  if (found.claimed === null) found.claimedAt = state.nowSec;
  found.claimed = claimed;
}

function expire(state: EscrowState, { terms }: Extract<EscrowCall, { name: 'expire' }>): void {
  const found = requireStatus(state, terms, [...WARM], true);
  const { status, exitsAt } = stateOf(state, terms);
  if (state.nowSec < exitsAt) refuse('AgreementEscrowTooEarly', agreementIdOf(state.domain, terms), exitsAt);
  if (status === 'reported') end(state, terms, 0n, 2);
  else end(state, terms, terms.providerStake + (found.claimed ?? 0n), status === 'claimed' ? 1 : 0);
}
