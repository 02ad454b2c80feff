import { expect } from 'chai';
import { toPlainJson } from '../../market/canonical.ts';
import { dutiesHash } from '../../market/eip712.ts';
import type { NegotiationAnswer, Proposal } from '../../market/negotiation.ts';
import { NEGOTIATE_PROTOCOL, proposalSchema } from '../../market/negotiation.ts';
import { customerPolicySchema } from '../../market/policy.ts';
import { signDemand, signOffer } from '../../market/sign-order.ts';
import { type Negotiation, startNegotiation } from '../../sdk/negotiate.ts';
import { fakeClock } from '../fakes/clock.ts';
import { fakeStreamsNetwork } from '../fakes/streams.ts';
import {
  CUSTOMER,
  CUSTOMER_PEER,
  DOMAIN,
  NOW_MS,
  PROVIDER,
  PROVIDER_PEER,
  saltOf,
  sampleDemand,
  sampleDuties,
  sampleOffer,
  sampleTerms,
  testSigner,
} from '../market/samples.ts';

type Reply = (proposal: Proposal) => Promise<unknown>;

/** A talk with a provider that answers as the test says. */
async function talkWith(reply: Reply | null): Promise<{ talk: Negotiation; clock: ReturnType<typeof fakeClock> }> {
  const clock = fakeClock(NOW_MS);
  const network = fakeStreamsNetwork(clock);
  const streams = network.join(CUSTOMER_PEER);
  const provider = network.join(PROVIDER_PEER);
  await provider.handle(NEGOTIATE_PROTOCOL, async (body) => {
    if (reply === null) return new Promise(() => undefined);
    return toPlainJson(await reply(proposalSchema.parse(body)));
  });
  const talk = startNegotiation(
    { streams, clock, domain: DOMAIN, policy: customerPolicySchema.parse({ maxRounds: 3, roundTimeoutSec: 5 }) },
    {
      negotiationId: saltOf(9),
      demand: await signDemand(CUSTOMER, sampleDemand()),
      offer: await signOffer(PROVIDER, sampleOffer()),
      draft: (rates) => {
        const duties = sampleDuties(rates);
        return { duties, terms: sampleTerms(duties) };
      },
    },
  );
  return { talk, clock };
}

const accept: Reply = async ({ terms }) => ({
  type: 'accept',
  providerSignature: await PROVIDER.sign('Terms', terms),
});

const counter =
  (standbyWeiPerSec: bigint, activeWeiPerSec: bigint): Reply =>
  async ({ duties, terms }): Promise<NegotiationAnswer> => {
    const changed = { ...duties, standbyWeiPerSec, activeWeiPerSec };
    return { type: 'counter', duties: changed, terms: { ...terms, dutiesHash: dutiesHash(changed) }, reason: 'more' };
  };

describe('negotiation with one provider', () => {
  it('opens below the listed price and takes an acceptance', async () => {
    const { talk } = await talkWith(accept);
    expect(await talk.step()).to.equal(false);
    const { signed, said } = talk.result();
    expect(said).to.have.lengthOf(1);
    expect(said[0]).to.deep.include({ round: 1, answer: 'accept' });
    expect(said[0]?.proposed.activeWeiPerSec).to.equal(850n);
    expect(signed?.duties.activeWeiPerSec).to.equal(850n);
  });

  it('comes closer with each counter-proposal', async () => {
    const replies: Reply[] = [counter(100n, 1000n), counter(95n, 950n), accept];
    const { talk } = await talkWith(async (proposal) => replies.shift()?.(proposal));
    expect(await talk.step()).to.equal(true);
    expect(talk.countered()).to.deep.equal({ standbyWeiPerSec: 100n, activeWeiPerSec: 1000n });
    expect(await talk.step()).to.equal(true);
    expect(await talk.step()).to.equal(false);
    const { said, signed } = talk.result();
    const proposed = said.map((one) => Number(one.proposed.activeWeiPerSec));
    expect(proposed).to.deep.equal([...proposed].sort((a, b) => a - b));
    expect(signed).not.to.equal(null);
  });

  const frauds: [name: string, reply: Reply][] = [
    [
      'signed a higher price than was proposed',
      async ({ duties }) => {
        const dearer = { ...duties, activeWeiPerSec: duties.activeWeiPerSec * 2n };
        return { type: 'accept', providerSignature: await PROVIDER.sign('Terms', sampleTerms(dearer)) };
      },
    ],
    [
      'let somebody else sign',
      async ({ terms }) => ({ type: 'accept', providerSignature: await testSigner(9).sign('Terms', terms) }),
    ],
    ['signed nothing', async () => ({ type: 'accept', providerSignature: `0x${'00'.repeat(65)}` })],
  ];
  for (const [name, reply] of frauds) {
    it(`takes no acceptance of a provider that ${name}`, async () => {
      const { talk } = await talkWith(reply);
      expect(await talk.step()).to.equal(false);
      expect(talk.result().signed).to.equal(null);
      expect(talk.result().said[0]).to.deep.include({ answer: 'decline' });
      expect(talk.result().said[0]?.reason).to.match(/SIGNATURE_INVALID/);
    });
  }

  it('keeps the reason of a refusal', async () => {
    const { talk } = await talkWith(async () => ({ type: 'decline', code: 'TOO_FAR', message: '9 km away' }));
    expect(await talk.step()).to.equal(false);
    expect(talk.result().said[0]?.reason).to.equal('9 km away (TOO_FAR)');
  });

  it('stops with the last round', async () => {
    const { talk } = await talkWith(counter(100n, 1000n));
    while (await talk.step());
    expect(talk.result().said.length).to.be.at.most(4);
    expect(talk.result().signed).to.equal(null);
  });

  it('takes silence and nonsense for an answer too', async () => {
    const { talk: nonsense } = await talkWith(async () => ({ type: 'yes' }));
    expect(await nonsense.step()).to.equal(false);
    expect(nonsense.result().said[0]).to.deep.include({ answer: 'silence', reason: 'the answer is not understood' });

    const { talk: silent, clock } = await talkWith(null);
    const stepping = silent.step();
    await clock.tick(6_000);
    expect(await stepping).to.equal(false);
    expect(silent.result().said[0]?.answer).to.equal('silence');
  });
});
