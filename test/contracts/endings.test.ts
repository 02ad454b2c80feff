import { expect } from 'chai';
import type { Terms } from '../../market/terms.ts';
import {
  balances,
  bothSign,
  CUSTOMER_STAKE,
  claimBy,
  DAY,
  ENDING,
  FUNDS,
  idOf,
  loadFixture,
  type Market,
  marketFixture,
  NO_SIGNATURE,
  OUTCOME,
  openAgreement,
  PROVIDER_STAKE,
  STATUS,
  sign,
  termsOf,
  time,
  WINDOW_SEC,
} from './support/market.ts';

const POT = CUSTOMER_STAKE + PROVIDER_STAKE;
const EARNED = 4_000_000n;

async function settle(market: Market, terms: Terms, toProvider: bigint, outcome = OUTCOME.neutral) {
  const settlement = { agreementId: idOf(market, terms), toProvider, outcome };
  const signatures = await bothSign(market, 'Settlement', settlement);
  return market.escrow.connect(market.stranger).settle(terms, toProvider, outcome, ...signatures);
}

/** Counters of a party: honoured, breached, disputesLost, value. */
async function reputation(market: Market, party: 'customer' | 'provider') {
  const account = await market.escrow.accountOf(market.tokenAddress, market[party].address);
  return [account.honoured, account.breached, account.disputesLost, account.value];
}

describe('AgreementEscrow settle', () => {
  it('reverts for more than both stakes', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await expect(settle(market, terms, POT + 1n))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowPotExceeded')
      .withArgs(idOf(market, terms), POT, POT + 1n);
  });

  it('reverts for an agreement that is not there, or no longer', async () => {
    const market = await loadFixture(marketFixture);
    const unopened = await termsOf(market);
    const ended = await openAgreement(market);
    await settle(market, ended, 0n);
    for (const [terms, status] of [
      [unopened, STATUS.none],
      [ended, STATUS.ended],
    ] as const) {
      await expect(settle(market, terms, 0n))
        .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowUnexpectedStatus')
        .withArgs(idOf(market, terms), status, 0b0111110);
    }
  });

  for (const party of ['customer', 'provider'] as const) {
    it(`reverts without the ${party}`, async () => {
      const market = await loadFixture(marketFixture);
      const terms = await openAgreement(market);
      const settlement = { agreementId: idOf(market, terms), toProvider: 1n, outcome: OUTCOME.neutral };
      const signatures = await bothSign(market, 'Settlement', settlement);
      signatures[party === 'customer' ? 0 : 1] = NO_SIGNATURE;
      await expect(
        market.escrow.connect(market.stranger).settle(terms, 1n, OUTCOME.neutral, ...signatures),
      ).to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowNotAuthorized');
      await market.escrow.connect(market[party]).settle(terms, 1n, OUTCOME.neutral, ...signatures);
    });
  }

  it('reverts when another split or outcome was signed', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    const settlement = { agreementId: idOf(market, terms), toProvider: 5n, outcome: OUTCOME.neutral };
    const signatures = await bothSign(market, 'Settlement', settlement);
    await expect(market.escrow.settle(terms, 6n, OUTCOME.neutral, ...signatures)).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowNotAuthorized',
    );
    await expect(market.escrow.settle(terms, 5n, OUTCOME.honoured, ...signatures)).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowNotAuthorized',
    );
  });

  for (const [name, toProvider] of [
    ['all to the provider', POT],
    ['all to the customer', 0n],
    ['a split', PROVIDER_STAKE + EARNED],
  ] as const) {
    it(`pays ${name}`, async () => {
      const market = await loadFixture(marketFixture);
      const terms = await openAgreement(market);
      await expect(settle(market, terms, toProvider, OUTCOME.honoured))
        .to.emit(market.escrow, 'AgreementEnded')
        .withArgs(idOf(market, terms), toProvider, OUTCOME.honoured, ENDING.settled);
      expect(await balances(market)).to.deep.equal({
        customer: FUNDS - CUSTOMER_STAKE + POT - toProvider,
        provider: FUNDS - PROVIDER_STAKE + toProvider,
      });
    });
  }

  for (const [name, outcome, customer, provider] of [
    ['neutral', OUTCOME.neutral, [0n, 0n, 0n, EARNED], [0n, 0n, 0n, EARNED]],
    ['honoured', OUTCOME.honoured, [1n, 0n, 0n, EARNED], [1n, 0n, 0n, EARNED]],
    ['breached', OUTCOME.breached, [0n, 0n, 0n, 0n], [0n, 1n, 0n, 0n]],
  ] as const) {
    it(`moves reputation for an outcome that is ${name}`, async () => {
      const market = await loadFixture(marketFixture);
      await settle(market, await openAgreement(market), PROVIDER_STAKE + EARNED, outcome);
      expect(await reputation(market, 'customer')).to.deep.equal(customer);
      expect(await reputation(market, 'provider')).to.deep.equal(provider);
    });
  }

  it('settleMany settles all of them', async () => {
    const market = await loadFixture(marketFixture);
    const requests = [];
    for (let i = 0; i < 2; i += 1) {
      const terms = await openAgreement(market);
      const settlement = { agreementId: idOf(market, terms), toProvider: 1n, outcome: OUTCOME.neutral };
      const [customerSignature, providerSignature] = await bothSign(market, 'Settlement', settlement);
      requests.push({ terms, toProvider: 1n, outcome: OUTCOME.neutral, customerSignature, providerSignature });
    }
    await market.escrow.settleMany(requests);
    for (const { terms } of requests) expect((await market.escrow.statusOf(terms)).status).to.equal(STATUS.ended);
  });
});

describe('AgreementEscrow amend', () => {
  async function amend(market: Market, terms: Terms, customerStake: bigint, endsAt: number) {
    const amendment = { agreementId: idOf(market, terms), customerStake, endsAt };
    const signatures = await bothSign(market, 'Amendment', amendment);
    return market.escrow.connect(market.stranger).amend(terms, customerStake, endsAt, ...signatures);
  }

  it('reverts when it takes back or changes nothing', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    for (const [stake, endsAt] of [
      [CUSTOMER_STAKE, terms.endsAt],
      [CUSTOMER_STAKE - 1n, terms.endsAt + 1],
      [CUSTOMER_STAKE + 1n, terms.endsAt - 1],
    ] as const) {
      await expect(amend(market, terms, stake, endsAt))
        .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowAmendmentStale')
        .withArgs(idOf(market, terms), CUSTOMER_STAKE, terms.endsAt);
    }
  });

  it('reverts a second time', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await amend(market, terms, CUSTOMER_STAKE + 1n, terms.endsAt);
    await expect(amend(market, terms, CUSTOMER_STAKE + 1n, terms.endsAt)).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowAmendmentStale',
    );
  });

  it('reverts while a report is pending, and when time has decided', async () => {
    const market = await loadFixture(marketFixture);
    const other = await openAgreement(market);
    await market.escrow.connect(market.customer).report(other, '');
    await expect(amend(market, other, CUSTOMER_STAKE, other.endsAt + DAY))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowUnexpectedStatus')
      .withArgs(idOf(market, other), STATUS.reported, 0b0000110);
    const terms = await openAgreement(market);
    await time.setNextBlockTimestamp(terms.endsAt + WINDOW_SEC);
    await expect(amend(market, terms, CUSTOMER_STAKE, terms.endsAt + DAY))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowTooLate')
      .withArgs(idOf(market, terms), terms.endsAt + WINDOW_SEC);
  });

  it('reverts without one of the signatures or the balance', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await expect(amend(market, terms, FUNDS + 1n, terms.endsAt)).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowInsufficientBalance',
    );
    for (const party of ['customer', 'provider'] as const) {
      const call = market.escrow.connect(market[party]);
      await expect(
        call.amend(terms, CUSTOMER_STAKE + 1n, terms.endsAt, NO_SIGNATURE, NO_SIGNATURE),
      ).to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowNotAuthorized');
    }
  });

  it('raises the stake and extends the term, for every end that follows', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    const [stake, endsAt] = [CUSTOMER_STAKE + 9n, terms.endsAt + DAY];
    await expect(amend(market, terms, stake, endsAt))
      .to.emit(market.escrow, 'AgreementAmended')
      .withArgs(idOf(market, terms), stake, endsAt);
    expect((await balances(market)).customer).to.equal(FUNDS - stake);
    expect((await market.escrow.statusOf(terms)).exitsAt).to.equal(endsAt + WINDOW_SEC);
    await claimBy(market, terms, stake + 1n);
    expect((await market.escrow.statusOf(terms)).toArray()).to.deep.equal([STATUS.claimed, stake, BigInt(endsAt)]);
    await amend(market, terms, stake + 1n, endsAt);
    await settle(market, terms, PROVIDER_STAKE + stake + 1n);
    expect(await balances(market)).to.deep.equal({ customer: FUNDS - stake - 1n, provider: FUNDS + stake + 1n });
  });

  it('is forgotten by the next agreement of the lane', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await amend(market, terms, CUSTOMER_STAKE + 9n, terms.endsAt + DAY);
    await settle(market, terms, 0n);
    const next = await openAgreement(market, { lane: terms.lane, openBy: terms.openBy + 1 });
    expect((await market.escrow.statusOf(next)).exitsAt).to.equal(next.endsAt + WINDOW_SEC);
    await settle(market, next, 0n);
    expect(await balances(market)).to.deep.equal({
      customer: FUNDS + 2n * PROVIDER_STAKE,
      provider: FUNDS - 2n * PROVIDER_STAKE,
    });
  });
});

describe('AgreementEscrow claim', () => {
  it('reverts when the provider does not send it', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    const receipt = { agreementId: idOf(market, terms), earned: EARNED };
    const signature = await sign(market.domain, market.customer, 'Receipt', receipt);
    await expect(market.escrow.connect(market.stranger).claim(terms, EARNED, signature)).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowNotAuthorized',
    );
  });

  it('reverts without the customer’s receipt', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    const receipt = { agreementId: idOf(market, terms), earned: EARNED };
    const own = await sign(market.domain, market.provider, 'Receipt', receipt);
    for (const signature of [own, NO_SIGNATURE]) {
      await expect(
        market.escrow.connect(market.provider).claim(terms, EARNED, signature),
      ).to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowNotAuthorized');
    }
  });

  it('reverts when a receipt adds nothing', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await claimBy(market, terms, EARNED);
    await expect(claimBy(market, terms, EARNED))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowReceiptStale')
      .withArgs(idOf(market, terms), EARNED, EARNED);
    await claimBy(market, terms, CUSTOMER_STAKE + 5n);
    await expect(claimBy(market, terms, CUSTOMER_STAKE + 6n))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowReceiptStale')
      .withArgs(idOf(market, terms), CUSTOMER_STAKE, CUSTOMER_STAKE + 6n);
  });

  it('reverts when time has decided', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await time.setNextBlockTimestamp(terms.endsAt + WINDOW_SEC);
    await expect(claimBy(market, terms, EARNED))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowTooLate')
      .withArgs(idOf(market, terms), terms.endsAt + WINDOW_SEC);
  });

  it('is final when the term ends, at the earliest', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await expect(claimBy(market, terms, EARNED))
      .to.emit(market.escrow, 'AgreementClaimed')
      .withArgs(idOf(market, terms), EARNED);
    expect((await market.escrow.statusOf(terms)).toArray()).to.deep.equal([
      STATUS.claimed,
      EARNED,
      BigInt(terms.endsAt),
    ]);
  });

  it('is final one window after the first claim, however often it is improved', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await time.setNextBlockTimestamp(terms.endsAt + 5);
    await claimBy(market, terms, EARNED);
    await claimBy(market, terms, EARNED + 1n);
    const exitsAt = BigInt(terms.endsAt + 5 + WINDOW_SEC);
    expect((await market.escrow.statusOf(terms)).toArray()).to.deep.equal([STATUS.claimed, EARNED + 1n, exitsAt]);
  });

  it('of nothing still claims the provider’s stake', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await claimBy(market, terms, 0n);
    expect((await market.escrow.statusOf(terms)).status).to.equal(STATUS.claimed);
    await expect(claimBy(market, terms, 0n)).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowReceiptStale',
    );
  });

  it('is possible while a report is pending and while it is answered', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await market.escrow.connect(market.customer).report(terms, '');
    await claimBy(market, terms, EARNED);
    expect((await market.escrow.statusOf(terms)).status).to.equal(STATUS.reported);
    await market.escrow.connect(market.provider).answer(terms, '');
    await claimBy(market, terms, EARNED + 1n);
    expect((await market.escrow.statusOf(terms)).status).to.equal(STATUS.answered);
    await time.increase(WINDOW_SEC);
    expect((await market.escrow.statusOf(terms)).status).to.equal(STATUS.claimed);
  });
});

describe('AgreementEscrow expire', () => {
  it('reverts before the status can be ended by time', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await time.setNextBlockTimestamp(terms.endsAt + WINDOW_SEC - 1);
    await expect(market.escrow.expire(terms))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowTooEarly')
      .withArgs(idOf(market, terms), terms.endsAt + WINDOW_SEC);
    await time.setNextBlockTimestamp(terms.endsAt + WINDOW_SEC);
    await market.escrow.connect(market.stranger).expire(terms);
  });

  it('reverts for what never was', async () => {
    const market = await loadFixture(marketFixture);
    await expect(market.escrow.expire(await termsOf(market))).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowUnexpectedStatus',
    );
  });

  const ends: [string, bigint, bigint, bigint, bigint, (market: Market, terms: Terms) => Promise<unknown>][] = [
    ['refunds both when nobody claimed', PROVIDER_STAKE, OUTCOME.neutral, ENDING.lapsed, 0n, async () => {}],
    [
      'pays a claim that nobody objected to',
      PROVIDER_STAKE + EARNED,
      OUTCOME.honoured,
      ENDING.claimed,
      1n,
      (market, terms) => claimBy(market, terms, EARNED),
    ],
    [
      'gives everything to the customer when the provider did not answer',
      0n,
      OUTCOME.breached,
      ENDING.unanswered,
      0n,
      async (market, terms) => {
        await claimBy(market, terms, EARNED);
        await market.escrow.connect(market.customer).report(terms, '');
      },
    ],
    [
      'pays the claim when a report was answered and not disputed',
      PROVIDER_STAKE + EARNED,
      OUTCOME.honoured,
      ENDING.claimed,
      1n,
      async (market, terms) => {
        await claimBy(market, terms, EARNED);
        await market.escrow.connect(market.customer).report(terms, '');
        await market.escrow.connect(market.provider).answer(terms, '');
      },
    ],
  ];
  for (const [name, toProvider, outcome, ending, honoured, prepare] of ends) {
    it(name, async () => {
      const market = await loadFixture(marketFixture);
      const terms = await openAgreement(market);
      await prepare(market, terms);
      await time.setNextBlockTimestamp(terms.endsAt + WINDOW_SEC);
      await expect(market.escrow.connect(market.stranger).expire(terms))
        .to.emit(market.escrow, 'AgreementEnded')
        .withArgs(idOf(market, terms), toProvider, outcome, ending);
      expect(await balances(market)).to.deep.equal({
        customer: FUNDS - CUSTOMER_STAKE + POT - toProvider,
        provider: FUNDS - PROVIDER_STAKE + toProvider,
      });
      expect((await reputation(market, 'provider'))[0]).to.equal(honoured);
      expect((await reputation(market, 'customer'))[0]).to.equal(honoured);
    });
  }
});

describe('AgreementEscrow report, answer and concede', () => {
  it('report reverts for everybody but the customer', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    for (const sender of [market.provider, market.stranger]) {
      await expect(market.escrow.connect(sender).report(terms, '')).to.be.revertedWithCustomError(
        market.escrow,
        'AgreementEscrowNotAuthorized',
      );
    }
  });

  it('report reverts when time has decided', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await time.setNextBlockTimestamp(terms.endsAt + WINDOW_SEC);
    await expect(market.escrow.connect(market.customer).report(terms, '')).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowTooLate',
    );
  });

  it('gives the provider one window, and then the customer everything', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await expect(market.escrow.connect(market.customer).report(terms, 'ipfs://evidence'))
      .to.emit(market.escrow, 'AgreementReported')
      .withArgs(idOf(market, terms), 'ipfs://evidence');
    const exitsAt = (await time.latest()) + WINDOW_SEC;
    expect((await market.escrow.statusOf(terms)).toArray()).to.deep.equal([STATUS.reported, 0n, BigInt(exitsAt)]);
    await time.setNextBlockTimestamp(exitsAt);
    await expect(market.escrow.connect(market.provider).answer(terms, ''))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowTooLate')
      .withArgs(idOf(market, terms), exitsAt);
    await market.escrow.expire(terms);
    expect(await reputation(market, 'provider')).to.deep.equal([0n, 1n, 0n, 0n]);
  });

  it('answer reverts without a report, and for everybody but the provider', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await expect(market.escrow.connect(market.provider).answer(terms, ''))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowUnexpectedStatus')
      .withArgs(idOf(market, terms), STATUS.open, 0b0001000);
    await market.escrow.connect(market.customer).report(terms, '');
    await expect(market.escrow.connect(market.customer).answer(terms, '')).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowNotAuthorized',
    );
  });

  it('an answered report lapses, and cannot be repeated', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await market.escrow.connect(market.customer).report(terms, '');
    await expect(market.escrow.connect(market.provider).answer(terms, 'ipfs://log'))
      .to.emit(market.escrow, 'AgreementAnswered')
      .withArgs(idOf(market, terms), 'ipfs://log');
    expect((await market.escrow.statusOf(terms)).status).to.equal(STATUS.answered);
    await time.increase(WINDOW_SEC);
    expect((await market.escrow.statusOf(terms)).toArray()).to.deep.equal([
      STATUS.open,
      0n,
      BigInt(terms.endsAt + WINDOW_SEC),
    ]);
    await expect(market.escrow.connect(market.customer).report(terms, ''))
      .to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowReportedBefore')
      .withArgs(idOf(market, terms));
  });

  it('an answered report holds up the end until its window has passed', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await time.setNextBlockTimestamp(terms.endsAt + WINDOW_SEC - 2);
    await market.escrow.connect(market.customer).report(terms, '');
    await market.escrow.connect(market.provider).answer(terms, '');
    const exitsAt = (await time.latest()) + WINDOW_SEC;
    expect((await market.escrow.statusOf(terms)).exitsAt).to.equal(exitsAt);
    await time.setNextBlockTimestamp(exitsAt - 1);
    await expect(market.escrow.expire(terms)).to.be.revertedWithCustomError(market.escrow, 'AgreementEscrowTooEarly');
    await time.setNextBlockTimestamp(exitsAt);
    await market.escrow.expire(terms);
    expect(await balances(market)).to.deep.equal({ customer: FUNDS, provider: FUNDS });
  });

  it('concede reverts for everybody but the provider', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await expect(market.escrow.connect(market.customer).concede(terms)).to.be.revertedWithCustomError(
      market.escrow,
      'AgreementEscrowNotAuthorized',
    );
  });

  it('concede gives everything to the customer', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    await expect(market.escrow.connect(market.provider).concede(terms))
      .to.emit(market.escrow, 'AgreementEnded')
      .withArgs(idOf(market, terms), 0n, OUTCOME.breached, ENDING.conceded);
    expect(await balances(market)).to.deep.equal({
      customer: FUNDS + PROVIDER_STAKE,
      provider: FUNDS - PROVIDER_STAKE,
    });
  });
});
