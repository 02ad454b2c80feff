import { expect } from 'chai';
import { createBook } from '../../market/book.ts';
import { toPlainJson } from '../../market/canonical.ts';
import { agreementIdOf, escrowDomain, type Signer } from '../../market/eip712.ts';
import { NEGOTIATE_PROTOCOL, proposalSchema } from '../../market/negotiation.ts';
import { customerPolicySchema } from '../../market/policy.ts';
import { signOffer } from '../../market/sign-order.ts';
import { type Buyer, type BuyRequest, createBuyer } from '../../sdk/buyer.ts';
import { silentLog } from '../../sdk/log.ts';
import type { Chain } from '../../sdk/ports.ts';
import { type FakeChain, fakeChain } from '../fakes/chain.ts';
import { type FakeClock, fakeClock } from '../fakes/clock.ts';
import { fakeStreamsNetwork } from '../fakes/streams.ts';
import { CUSTOMER_PEER, NOW_MS, ONE, saltOf, sampleDemand, sampleOffer, TOKEN, testSigner } from '../market/samples.ts';

const PEERS = ['12D3KooWProviderNumberOne', '12D3KooWProviderNumberTwo'];

interface Market {
  buyer: Buyer;
  chain: FakeChain;
  clock: FakeClock;
  connect(signer: Signer): Chain;
  customer: Signer;
  providers: Signer[];
  request: BuyRequest;
}

async function deposit(chain: FakeChain, account: Chain, amount: bigint): Promise<void> {
  chain.mint(TOKEN, account.sender, amount);
  await account.submit('deposit', { name: 'depositWithPermit', token: TOKEN, amount });
}

/** Two providers, the second at half the first one's price, that accept whatever is proposed. */
async function market(
  options: { customerWei?: bigint; onAccept?: (provider: Chain) => Promise<void> } = {},
): Promise<Market> {
  const clock = fakeClock(NOW_MS);
  const chain = fakeChain(clock);
  const { chainId, escrow } = chain.connect(saltOf(0));
  const domain = escrowDomain(chainId, escrow);
  const [customer, ...providers] = [1, 2, 3].map((number) => testSigner(number, domain)) as [Signer, ...Signer[]];
  const network = fakeStreamsNetwork(clock);
  const book = createBook();
  for (const [index, provider] of providers.entries()) {
    const peerId = PEERS[index] ?? '';
    const account = chain.connect(provider.address);
    await deposit(chain, account, 50n * ONE);
    await network.join(peerId).handle(NEGOTIATE_PROTOCOL, async (body) => {
      const { terms } = proposalSchema.parse(body);
      await options.onAccept?.(account);
      return toPlainJson({ type: 'accept', providerSignature: await provider.sign('Terms', terms) });
    });
    const price = index === 0 ? 1n : 2n;
    const rates = { standbyWeiPerSec: 200n / price, activeWeiPerSec: 2000n / price };
    book.add(await signOffer(provider, sampleOffer({ provider: provider.address, peerId, ...rates })));
  }
  const own = chain.connect(customer.address);
  if (options.customerWei !== 0n) await deposit(chain, own, options.customerWei ?? ONE);
  const buyer = createBuyer({
    feed: { book, publish: async () => undefined, onDemand: () => () => undefined, counters: () => ({}) },
    streams: network.join(CUSTOMER_PEER),
    chain: own,
    signer: customer,
    domain,
    clock,
    policy: customerPolicySchema.parse({}),
    log: silentLog(),
    randomBytes32: () => saltOf(5),
    roundTripMs: async () => 5,
  });
  const { need, tier, cell, ...demand } = sampleDemand();
  const request: BuyRequest = {
    wish: {
      customer: { address: customer.address, peerId: CUSTOMER_PEER, addrs: [] },
      cloud: null,
      cell,
      workloadHash: saltOf(7),
      need,
      tier,
      activation: 'failure',
      heartbeatIntervalMs: 1_000,
      suspectAfterMissed: 2,
      devices: [],
      frameBufferSec: 60,
      token: TOKEN,
      providerStakeWei: 5n * ONE,
      termSec: 600,
      responseWindowSec: 3_600,
      arbitrationHash: saltOf(0),
      witnesses: { count: 1, quorum: 1 },
    },
    wants: {
      maxDistanceM: demand.maxDistanceM,
      maxStandbyWeiPerSec: 200n,
      maxActiveWeiPerSec: 2000n,
      minProviderStake: 5n * ONE,
      termSec: 600,
    },
    candidates: 2,
    collectMs: 1_000,
  };
  return { buyer, chain, clock, connect: (signer) => chain.connect(signer.address), customer, providers, request };
}

/** The code of what went wrong, with time passing meanwhile. */
async function failure(clock: FakeClock, work: Promise<unknown>): Promise<string> {
  const code = work.then(
    () => 'none',
    (error) => String(error.code),
  );
  await clock.tick(5_000);
  return code;
}

const opened = ({ chain }: Market): number => chain.transactions.filter(({ call }) => call.name === 'open').length;

describe('buyer', () => {
  it('opens one agreement, with the other provider as witness, and can say why', async () => {
    const it = await market();
    const bought = await it.buyer.buy(it.request);
    expect(opened(it)).to.equal(1);
    expect(bought.id).to.equal(agreementIdOf(escrowDomain(31337, it.connect(it.customer).escrow), bought.terms));
    const [witness] = bought.duties.witnesses;
    expect(it.providers.map(({ address }) => address)).to.include.members([
      witness?.address ?? '',
      bought.terms.provider,
    ]);
    expect(witness?.address).not.to.equal(bought.terms.provider);
    const explanation = it.buyer.lastExplanation();
    expect(explanation).to.deep.equal(bought.explanation);
    expect(explanation?.chosen).to.equal(bought.terms.provider);
    expect(explanation?.ranked).to.have.lengthOf(2);
    expect((await it.connect(it.customer).agreement(bought.terms)).status).to.equal('open');
  });

  it('lets the caller remember what both signed before anything is opened', async () => {
    const it = await market();
    const seen: number[] = [];
    const remember = async (): Promise<void> => {
      seen.push(opened(it));
    };
    await it.buyer.buy({ ...it.request, remember });
    expect(seen).to.deep.equal([0]);
  });

  it('opens nothing when the caller cannot remember it', async () => {
    const it = await market();
    const remember = async (): Promise<void> => {
      throw Object.assign(new Error('the disk failed'), { code: 'STORE_FAILED' });
    };
    expect(await failure(it.clock, it.buyer.buy({ ...it.request, remember }))).to.equal('STORE_FAILED');
    expect(opened(it)).to.equal(0);
  });

  const unfunded: [name: string, options: Parameters<typeof market>[0]][] = [
    ['has nothing in the vault', { customerWei: 0n }],
    ['has less in the vault than the terms ask', { customerWei: 5n }],
    [
      'chose a provider that takes its stake away before the opening',
      {
        onAccept: async (provider) => {
          const { balance } = await provider.account(TOKEN, provider.sender);
          if (balance === 0n) return;
          await provider.submit('out', { name: 'withdraw', token: TOKEN, amount: balance, to: provider.sender });
        },
      },
    ],
  ];
  for (const [name, options] of unfunded) {
    it(`pays nothing when the customer ${name}`, async () => {
      const it = await market(options);
      expect(await failure(it.clock, it.buyer.buy(it.request))).to.equal('STAKE_NOT_FUNDED');
      expect(opened(it)).to.equal(0);
    });
  }

  it('explains a demand that nobody can serve', async () => {
    const it = await market();
    const wants = { ...it.request.wants, minProviderStake: 80n * ONE };
    const wish = { ...it.request.wish, providerStakeWei: 80n * ONE };
    expect(await failure(it.clock, it.buyer.buy({ ...it.request, wish, wants }))).to.equal('NO_OFFER_FITS');
    expect(it.buyer.lastExplanation()?.refused.map(({ reasons }) => reasons.length > 0)).to.deep.equal([true, true]);
    expect(opened(it)).to.equal(0);
  });
});
