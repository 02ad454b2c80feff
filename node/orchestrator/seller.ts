import type { ProviderFacts } from '../../market/answer-proposal.ts';
import { toPlainJson } from '../../market/canonical.ts';
import { answerProposal, buildOffer, spare } from '../../market/dmu-provider.ts';
import { EdgeError } from '../../market/errors.ts';
import { type NegotiationAnswer, type Proposal, proposalSchema } from '../../market/negotiation.ts';
import type { Offer, SignedDemand, SignedOffer } from '../../market/orders.ts';
import type { ProviderPolicy } from '../../market/policy.ts';
import { reputationPermille } from '../../market/reputation.ts';
import type { Resources } from '../../market/resources.ts';
import { signOffer } from '../../market/sign-order.ts';
import type { MarketFeed } from '../../sdk/market-feed.ts';
import type { VaultAccount } from '../../sdk/ports.ts';
import type { Context } from './context.ts';
import { hex } from './context.ts';
import type { AgreementRecord } from './records.ts';
import { PROTOCOLS } from './wire.ts';

/** Offers live this long and are published again at half their life. */
const OFFER_LIFETIME_SEC = 120;
/** A demand is answered with a fresh offer, but not more often than this: gossip has a quota per owner. */
const ANSWER_EVERY_MS = 10_000;

export interface Seller {
  start(): Promise<void>;
  /** Measures, prices, signs and publishes an offer now. Throws `NOTHING_OFFERED` or `STAKE_NOT_FUNDED`. */
  publish(): Promise<SignedOffer>;
  measured(): Promise<Resources>;
  lastOffer(): SignedOffer | null;
}

export interface SellerInit {
  feed: MarketFeed;
  /** Null for a node that rents nothing out. */
  policy: ProviderPolicy | null;
  token: string;
  cell: string;
  measure(): Promise<Resources>;
  /** Agreements this node provides. */
  live(): AgreementRecord[];
}

/** The provider's side of the market: offers, and answers to proposals by policy. */
export function createSeller(context: Context, init: SellerInit): Seller {
  return new PolicySeller(context, init);
}

class PolicySeller implements Seller {
  private readonly context: Context;
  private readonly init: SellerInit;
  private last: SignedOffer | null = null;
  private answeredAtMs = 0;

  constructor(context: Context, init: SellerInit) {
    this.context = context;
    this.init = init;
  }

  async start(): Promise<void> {
    if (this.init.policy === null) return;
    const { clock, signal, streams } = this.context;
    await streams.handle(PROTOCOLS.negotiate, async (body, from) => toPlainJson(await this.answer(body, from)));
    this.init.feed.onDemand((demand) => this.hear(demand));
    void this.tryPublish('start');
    clock.every((OFFER_LIFETIME_SEC * 1000) / 2, () => this.tryPublish('renewal'), signal);
  }

  async publish(): Promise<SignedOffer> {
    const { context } = this;
    const order = await this.buildOffer();
    const signed = await signOffer(context.signer, order);
    this.last = signed;
    await this.init.feed.publish(signed);
    context.emit('offered', null, { cell: order.cell, resources: order.resources });
    return signed;
  }

  measured(): Promise<Resources> {
    return this.init.measure();
  }

  lastOffer(): SignedOffer | null {
    return this.last;
  }

  private policy(): ProviderPolicy {
    if (this.init.policy !== null) return this.init.policy;
    throw new EdgeError('NOTHING_OFFERED', 'this node rents nothing out', {
      remedy: 'add a section "offer" to the configuration (empty for the default prices)',
    });
  }

  private async capacity(): Promise<Resources> {
    return spare(await this.init.measure(), [], this.policy());
  }

  private async buildOffer(): Promise<Offer> {
    const policy = this.policy();
    const { chain, clock, peer, randomBytes, signer } = this.context;
    const { cell, token } = this.init;
    const { balance } = await chain.account(token, signer.address);
    if (balance === 0n) {
      throw new EdgeError('STAKE_NOT_FUNDED', 'an offer needs a stake, and the vault is empty', {
        context: { account: signer.address, token },
        remedy: 'deposit tokens into the escrow: eaas deposit AMOUNT',
      });
    }
    const facts = {
      provider: signer.address,
      peerId: peer.peerId,
      addrs: peer.addrs(),
      cell,
      token,
      spare: await this.capacity(),
      freeStakeWei: balance,
      nowSec: Math.floor(clock.nowMs() / 1000),
      lifetimeSec: OFFER_LIFETIME_SEC,
      salt: hex(randomBytes(32)),
    };
    return buildOffer(facts, policy);
  }

  /** Publishing that may fail without harm: the next turn tries again. */
  private async tryPublish(why: string): Promise<void> {
    try {
      await this.publish();
    } catch (error) {
      this.context.log.info({ why, error: String(error) }, 'no offer published');
    }
  }

  private hear(demand: SignedDemand): void {
    const nowMs = this.context.clock.nowMs();
    if (demand.order.peerId === this.context.peer.peerId || nowMs - this.answeredAtMs < ANSWER_EVERY_MS) return;
    this.answeredAtMs = nowMs;
    void this.tryPublish('demand');
  }

  private async answer(body: unknown, fromPeerId: string): Promise<NegotiationAnswer> {
    const parsed = proposalSchema.safeParse(body);
    if (!parsed.success) return { type: 'decline', code: 'PROPOSAL_INVALID', message: 'not a proposal' };
    if (parsed.data.duties.customer.peerId !== fromPeerId) {
      return { type: 'decline', code: 'NOT_A_PARTY', message: 'only the customer itself may propose' };
    }
    return this.decide(parsed.data);
  }

  private async decide(proposal: Proposal): Promise<NegotiationAnswer> {
    const { chain, clock, emit, signer } = this.context;
    const { terms } = proposal;
    const [own, customer] = await Promise.all([
      chain.account(terms.token, signer.address),
      chain.account(terms.token, terms.customer),
    ]);
    const facts = await this.facts(own, customer);
    const nowSec = Math.floor(clock.nowMs() / 1000);
    const decision =
      customer.balance < terms.customerStake
        ? unfunded(customer.balance, terms.customerStake)
        : answerProposal(proposal, facts, this.policy(), nowSec);
    emit('proposal-decided', null, { customer: terms.customer, round: proposal.round, answer: decision.type });
    if (decision.type !== 'accept') return decision;
    return { type: 'accept', providerSignature: await signer.sign('Terms', terms) };
  }

  private async facts(own: VaultAccount, customer: VaultAccount): Promise<ProviderFacts> {
    const live = this.init.live();
    return {
      domain: this.context.domain,
      address: this.context.signer.address,
      cell: this.init.cell,
      capacity: await this.capacity(),
      standby: live.map(({ duties }) => ({ need: duties.need, tier: duties.tier, faultDomain: duties.cell })),
      agreements: live.length,
      freeStakeWei: own.balance,
      customerReputationPermille: reputationPermille(customer),
    };
  }
}

/** Signing would bind this node's stake to an agreement that can never be opened. */
function unfunded(balance: bigint, stake: bigint): NegotiationAnswer {
  return { type: 'decline', code: 'CUSTOMER_UNFUNDED', message: `the vault holds ${balance} of the stake of ${stake}` };
}
