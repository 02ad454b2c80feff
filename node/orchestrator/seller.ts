import { toPlainJson } from '../../market/canonical.ts';
import { answerProposal, buildOffer, spare } from '../../market/dmu-provider.ts';
import { EdgeError } from '../../market/errors.ts';
import { type Proposal, proposalSchema } from '../../market/negotiation.ts';
import type { Offer, SignedOffer } from '../../market/orders.ts';
import type { ProviderPolicy } from '../../market/policy.ts';
import { reputationPermille } from '../../market/reputation.ts';
import type { Resources } from '../../market/resources.ts';
import { signOffer } from '../../market/sign-order.ts';
import type { MarketFeed } from '../../sdk/market-feed.ts';
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
  /** Measures, prices, signs and publishes an offer now. Null with the reason when nothing is for sale. */
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
  const { token } = init;
  const policyOrFail = (): ProviderPolicy => {
    if (init.policy !== null) return init.policy;
    throw new EdgeError('NOTHING_OFFERED', 'this node rents nothing out', {
      remedy: 'add a section "offer" to the configuration (empty for the default prices)',
    });
  };
  let last: SignedOffer | null = null;
  let answeredAtMs = 0;

  const capacity = async (): Promise<Resources> => spare(await init.measure(), [], policyOrFail());

  const publish = async (): Promise<SignedOffer> => {
    const policy = policyOrFail();
    const { balance } = await context.chain.account(token, context.signer.address);
    if (balance === 0n) {
      throw new EdgeError('STAKE_NOT_FUNDED', 'an offer needs a stake, and the vault is empty', {
        context: { account: context.signer.address, token },
        remedy: 'deposit tokens into the escrow: eaas deposit AMOUNT',
      });
    }
    const order: Offer = buildOffer(
      {
        provider: context.signer.address,
        peerId: context.peer.peerId,
        addrs: context.peer.addrs(),
        cell: init.cell,
        token,
        spare: await capacity(),
        freeStakeWei: balance,
        nowSec: Math.floor(context.clock.nowMs() / 1000),
        lifetimeSec: OFFER_LIFETIME_SEC,
        salt: hex(context.randomBytes(32)),
      },
      policy,
    );
    last = await signOffer(context.signer, order);
    await init.feed.publish(last);
    context.emit('offered', null, { cell: order.cell, resources: order.resources });
    return last;
  };

  /** Publishing that may fail without harm: the next turn tries again. */
  const tryPublish = async (why: string): Promise<void> => {
    try {
      await publish();
    } catch (error) {
      context.log.info({ why, error: String(error) }, 'no offer published');
    }
  };

  const decide = async (proposal: Proposal): Promise<object> => {
    const policy = policyOrFail();
    const { terms } = proposal;
    const [own, customer] = await Promise.all([
      context.chain.account(terms.token, context.signer.address),
      context.chain.account(terms.token, terms.customer),
    ]);
    const live = init.live();
    const decision = answerProposal(
      proposal,
      {
        domain: context.domain,
        address: context.signer.address,
        cell: init.cell,
        capacity: await capacity(),
        standby: live.map(({ duties }) => ({ need: duties.need, tier: duties.tier, faultDomain: duties.cell })),
        agreements: live.length,
        freeStakeWei: own.balance,
        customerReputationPermille: reputationPermille(customer),
      },
      policy,
      Math.floor(context.clock.nowMs() / 1000),
    );
    context.emit('proposal-decided', null, { customer: terms.customer, round: proposal.round, answer: decision.type });
    if (decision.type !== 'accept') return decision;
    return { type: 'accept', providerSignature: await context.signer.sign('Terms', terms) };
  };

  return {
    publish,
    measured: init.measure,
    lastOffer: () => last,
    async start() {
      if (init.policy === null) return;
      await context.streams.handle(PROTOCOLS.negotiate, async (body, fromPeerId) => {
        const parsed = proposalSchema.safeParse(body);
        if (!parsed.success) return { type: 'decline', code: 'PROPOSAL_INVALID', message: 'not a proposal' };
        if (parsed.data.duties.customer.peerId !== fromPeerId) {
          return { type: 'decline', code: 'NOT_A_PARTY', message: 'only the customer itself may propose' };
        }
        return toPlainJson(await decide(parsed.data));
      });
      init.feed.onDemand((demand) => {
        const nowMs = context.clock.nowMs();
        if (demand.order.peerId === context.peer.peerId || nowMs - answeredAtMs < ANSWER_EVERY_MS) return;
        answeredAtMs = nowMs;
        void tryPublish('demand');
      });
      void tryPublish('start');
      context.clock.every((OFFER_LIFETIME_SEC * 1000) / 2, () => tryPublish('renewal'), context.signal);
    },
  };
}
