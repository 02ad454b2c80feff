import { expect } from 'chai';
import type { EventLog } from 'ethers';
import type { Terms } from '../../market/terms.ts';
import {
  arbitrationBy,
  bothSign,
  CUSTOMER_STAKE,
  claimBy,
  DAY,
  ENDING,
  ethers,
  FUNDS,
  hashOf,
  idOf,
  loadFixture,
  type Market,
  marketFixture,
  OUTCOME,
  openAgreement,
  PROVIDER_STAKE,
  STATUS,
  settleTerms,
  time,
  WINDOW_SEC,
} from './support/market.ts';

interface Rebuilt {
  balances: Map<string, bigint>;
  counters: Map<string, [honoured: bigint, breached: bigint, disputesLost: bigint, value: bigint]>;
  agreements: Map<string, { terms: Terms; stake: bigint; ended: boolean }>;
  fees: Map<string, bigint>;
}

/** What a node that has lost everything can know: nothing but the escrow's events, in their order. */
function rebuild(logs: EventLog[]): Rebuilt {
  const state: Rebuilt = { balances: new Map(), counters: new Map(), agreements: new Map(), fees: new Map() };
  for (const log of logs) APPLY[log.eventName]?.(state, log.args);
  return state;
}

// biome-ignore lint/suspicious/noExplicitAny: the arguments of any event
type Args = any;
const add = (map: Map<string, bigint>, key: string, amount: bigint) => map.set(key, (map.get(key) ?? 0n) + amount);
function count(state: Rebuilt, owner: string, index: 0 | 1 | 2 | 3, amount = 1n): void {
  const counters = state.counters.get(owner) ?? [0n, 0n, 0n, 0n];
  counters[index] += amount;
  state.counters.set(owner, counters);
}

const APPLY: Record<string, (state: Rebuilt, args: Args) => void> = {
  Deposited: (state, { owner, amount }) => add(state.balances, owner, amount),
  Withdrawn: (state, { owner, amount }) => add(state.balances, owner, 0n - amount),
  FeesCredited: (state, { owner, balanceWei }) => state.fees.set(owner, balanceWei),
  FeesWithdrawn: (state, { owner }) => state.fees.set(owner, 0n),
  AgreementOpened: (state, { id, terms }) => {
    add(state.balances, terms.customer, 0n - terms.customerStake);
    add(state.balances, terms.provider, 0n - terms.providerStake);
    state.agreements.set(id, { terms: terms.toObject(), stake: terms.customerStake, ended: false });
  },
  AgreementAmended: (state, { id, customerStake }) => {
    const agreement = state.agreements.get(id);
    if (agreement === undefined) throw new Error('amended before it was opened');
    add(state.balances, agreement.terms.customer, agreement.stake - customerStake);
    agreement.stake = customerStake;
  },
  AgreementEnded: (state, { id, toProvider, outcome, ending }) => {
    const agreement = state.agreements.get(id);
    if (agreement === undefined || agreement.ended) throw new Error('ended twice, or never opened');
    agreement.ended = true;
    const { customer, provider, providerStake } = agreement.terms;
    add(state.balances, customer, agreement.stake + providerStake - toProvider);
    add(state.balances, provider, toProvider);
    if (outcome === OUTCOME.breached) {
      count(state, provider, 1);
      if (ending === ENDING.ruled) count(state, provider, 2);
      return;
    }
    const paid = toProvider > providerStake ? toProvider - providerStake : 0n;
    for (const owner of [customer, provider]) count(state, owner, 3, paid);
    if (outcome !== OUTCOME.honoured) return;
    count(state, provider, 0);
    count(state, customer, ending === ENDING.ruled ? 2 : 0);
  },
};

/** One agreement for every ending, plus one that stays open. */
async function live(market: Market) {
  const { escrow, customer, provider, stranger } = market;
  const arbitrator = await ethers.deployContract('HostileArbitrator');
  await arbitrator.set(10n ** 9n, false, true);
  const arbitration = arbitrationBy(await arbitrator.getAddress());
  const disputable = { arbitrationHash: hashOf(arbitration) };
  const value = 3n * 10n ** 9n;

  await settleTerms(market, await openAgreement(market), PROVIDER_STAKE + 5n, OUTCOME.honoured);
  await escrow.connect(provider).concede(await openAgreement(market));
  for (const ruling of [0n, 1n, 2n]) {
    const terms = await openAgreement(market, disputable);
    await claimBy(market, terms, 7n);
    await escrow.connect(ruling === 1n ? provider : customer).dispute(terms, arbitration, { value });
    await arbitrator.ruleDirect(escrow, terms, arbitration, idOf(market, terms), ruling, stranger.address);
  }
  const silent = await openAgreement(market, disputable);
  await escrow.connect(customer).dispute(silent, arbitration, { value });
  const unanswered = await openAgreement(market);
  await escrow.connect(customer).report(unanswered, '');
  const lapsed = await openAgreement(market);
  const claimed = await openAgreement(market);
  await claimBy(market, claimed, 9n);
  const amended = await openAgreement(market, { endsAt: (await time.latest()) + 30 * DAY });
  const amendment = { agreementId: idOf(market, amended), customerStake: CUSTOMER_STAKE + 3n, endsAt: amended.endsAt };
  const signatures = await bothSign(market, 'Amendment', amendment);
  await escrow.amend(amended, CUSTOMER_STAKE + 3n, amended.endsAt, ...signatures);
  await time.increase(8 * DAY + WINDOW_SEC);
  for (const terms of [silent, unanswered, lapsed, claimed]) await escrow.expire(terms);
  await escrow.connect(customer).withdraw(market.tokenAddress, FUNDS / 2n, customer.address);
  await escrow.connect(customer).withdrawFees(customer.address);
  return amended;
}

describe('the escrow’s events', () => {
  it('alone give every balance, reputation, fee and agreement', async () => {
    const market = await loadFixture(marketFixture);
    const open = await live(market);
    const logs = (await market.escrow.queryFilter('*' as never, 0)) as unknown as EventLog[];
    const state = rebuild(logs);

    for (const { address } of [market.customer, market.provider, market.stranger]) {
      const account = await market.escrow.accountOf(market.tokenAddress, address);
      expect(state.balances.get(address)).to.equal(account.balance);
      const { honoured, breached, disputesLost, value } = account;
      expect(state.counters.get(address) ?? [0n, 0n, 0n, 0n]).to.deep.equal([honoured, breached, disputesLost, value]);
      expect(state.fees.get(address) ?? 0n).to.equal(await market.escrow.feesOf(address));
    }
    for (const [id, { terms, ended }] of state.agreements) {
      // The terms of the event are enough to act on the agreement after a total loss.
      expect(await market.escrow.idOf(terms)).to.equal(id);
      const { status } = await market.escrow.statusOf(terms);
      expect(status === STATUS.ended).to.equal(ended);
    }
    expect(state.agreements.get(idOf(market, open))?.ended).to.equal(false);
    expect(
      new Set(logs.filter((log) => log.eventName === 'AgreementEnded').map((log) => log.args.ending)).size,
    ).to.equal(Object.keys(ENDING).length);
  });
});
