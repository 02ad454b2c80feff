import { expect } from 'chai';
import { toPlainJson } from '../../../market/canonical.ts';
import { PROTOCOLS } from '../../../node/orchestrator/wire.ts';
import type { TestNode } from './test-node.ts';
import { bridgeWorld, insured, type TestWorld } from './test-world.ts';

/** The code of the error that the work ends with. */
async function codeOf(world: TestWorld, work: Promise<unknown>): Promise<string> {
  try {
    await world.finish(work);
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return 'no error';
}

function call(from: TestNode, to: TestNode, body: object, protocol: string = PROTOCOLS.agreement): Promise<unknown> {
  const peer = { peerId: to.peerId, addrs: ['/memory/1'] };
  return from.context.streams.call(peer, protocol, toPlainJson(body), { timeoutMs: 5_000 });
}

const opened = (world: TestWorld): number =>
  world.chain.transactions.filter(({ call: { name } }) => name === 'open').length;

describe('bad input and faults', function () {
  this.timeout(20_000);
  let world: TestWorld;
  afterEach(() => world.stop());

  describe('before there is an agreement', () => {
    it('tells a customer without any stake at once', async () => {
      const cast = await bridgeWorld({ bridgeStake: 0n });
      world = cast.world;
      expect(await codeOf(world, cast.bridge.service.insure(world.request()))).to.equal('STAKE_NOT_FUNDED');
      expect(cast.bridge.kinds()).not.to.include('demand-published');
    });

    it('tells a customer whose stake is too small for the terms, before anything is paid', async () => {
      const cast = await bridgeWorld({ bridgeStake: 1_000n });
      world = cast.world;
      expect(await codeOf(world, cast.bridge.service.insure(world.request()))).to.equal('STAKE_NOT_FUNDED');
      expect(cast.bridge.hasAgreement).to.equal(false);
      expect(opened(world)).to.equal(0);
    });

    it('lets no provider offer without a stake', async () => {
      const cast = await bridgeWorld();
      world = cast.world;
      const [seller] = cast.sellers;
      await world.finish(seller?.service.withdraw() ?? Promise.reject());
      expect(await codeOf(world, seller?.service.publishOffer() ?? Promise.reject())).to.equal('STAKE_NOT_FUNDED');
    });

    it('explains each offer to a customer that nobody can serve, and pays nothing', async () => {
      const cast = await bridgeWorld();
      world = cast.world;
      const { bridge } = cast;
      const before = world.chain.transactions.length;
      expect(await codeOf(world, bridge.service.insure(world.request({ stake: '1000' })))).to.equal('NO_OFFER_FITS');
      const { refused } = (await bridge.service.explain()) as { refused: { reasons: string[] }[] };
      expect(refused).to.have.lengthOf(2);
      for (const { reasons } of refused) expect(reasons.join()).to.match(/stake/i);
      expect(world.chain.transactions).to.have.lengthOf(before);
    });

    it('insures a workload once only', async () => {
      const cast = await bridgeWorld();
      world = cast.world;
      await insured(cast);
      expect(await codeOf(world, cast.bridge.service.insure(world.request()))).to.equal('ALREADY_INSURED');
      expect(opened(world)).to.equal(1);
    });
  });

  describe('from a counterparty or a stranger', () => {
    it('deploys nothing that differs from what both signed, is not open, or comes from somebody else', async () => {
      const cast = await bridgeWorld();
      world = cast.world;
      const { bridge } = cast;
      const { provider, witness } = await insured(cast);
      const { terms, duties, customerSignature, providerSignature, deployment } = bridge.record;
      const { rootCids = [], key = '' } = deployment ?? {};
      const good = { type: 'deploy', terms, duties, customerSignature, providerSignature, rootCids, key };
      const dearer = { ...duties, activeWeiPerSec: duties.activeWeiPerSec + 1n };
      const longer = { ...terms, endsAt: terms.endsAt + 1 };
      const other = { ...terms, lane: terms.lane + 1 };
      const signed = await bridge.context.signer.sign('Terms', other);
      const unopened = { ...good, terms: other, customerSignature: signed };
      const cases: [code: string, from: TestNode, body: object][] = [
        ['DUTIES_MISMATCH', bridge, { ...good, duties: dearer }],
        ['SIGNATURE_INVALID', bridge, { ...good, terms: longer }],
        ['SIGNATURE_INVALID', bridge, unopened],
        [
          'AGREEMENT_NOT_OPEN',
          bridge,
          { ...unopened, providerSignature: await provider.context.signer.sign('Terms', other) },
        ],
        ['NOT_A_PARTY', witness, good],
        ['REQUEST_INVALID', bridge, { ...good, key: 'none' }],
      ];
      for (const [code, from, body] of cases) expect(await codeOf(world, call(from, provider, body))).to.equal(code);
      expect(provider.context.records.list()).to.have.lengthOf(1);
    });

    it('answers nobody but the customer of an agreement', async () => {
      const cast = await bridgeWorld();
      world = cast.world;
      const { provider, witness, id } = await insured(cast);
      for (const type of ['progress', 'state', 'handback', 'leaving']) {
        expect(await codeOf(world, call(witness, provider, { type, agreementId: id }))).to.equal('AGREEMENT_UNKNOWN');
      }
      expect(provider.kinds()).not.to.include('left');
    });

    it('keeps receipts only that the customer signed, that do not go back and do not exceed its stake', async () => {
      const cast = await bridgeWorld();
      world = cast.world;
      const { bridge } = cast;
      const { provider, witness, id } = await insured(cast);
      const give = async (earned: bigint, by: TestNode): Promise<string> => {
        const receipt = { agreementId: id, earned };
        const signature = await by.context.signer.sign('Receipt', receipt);
        return codeOf(world, call(bridge, provider, { type: 'receipt', agreementId: id, receipt, signature }));
      };
      expect(await give(500n, bridge)).to.equal('no error');
      expect(await give(499n, bridge)).to.equal('RECEIPT_REFUSED');
      expect(await give(900n, witness)).to.equal('RECEIPT_REFUSED');
      expect(await give(bridge.record.terms.customerStake + 1n, bridge)).to.equal('RECEIPT_REFUSED');
      expect(provider.record.receipt?.receipt.earned).to.equal(500n);
    });

    it('takes no handback that one side did not sign', async () => {
      const cast = await bridgeWorld();
      world = cast.world;
      const { bridge } = cast;
      const { provider, id } = await insured(cast);
      const customer = bridge.context;
      world.streams.cut(bridge.peerId);
      await world.until('the takeover', () => provider.kinds().includes('active'));
      world.streams.mend(bridge.peerId);
      const handback = { agreementId: id, epoch: 3, deliveredCount: 0, readingsRoot: `0x${'00'.repeat(32)}` };
      const customerSignature = await customer.signer.sign('Handback', handback);
      const signed = { handback, customerSignature, providerSignature: customerSignature };
      expect(await codeOf(world, call(bridge, provider, { type: 'resumed', agreementId: id, signed }))).to.equal(
        'HANDBACK_REFUSED',
      );
      await world.until('the real one', () => provider.kinds().includes('handed-back'));
    });

    it('signs no settlement that pays less than was earned', async () => {
      const cast = await bridgeWorld();
      world = cast.world;
      const { bridge } = cast;
      const { provider, id } = await insured(cast);
      await world.skip(300_000);
      const { providerStake } = bridge.record.terms;
      const settlement = { agreementId: id, toProvider: providerStake, outcome: 1 };
      const customerSignature = await bridge.context.signer.sign('Settlement', settlement);
      const answer = await world.finish(
        call(bridge, provider, { type: 'settle', agreementId: id, settlement, customerSignature }),
      );
      expect(answer).to.include({ type: 'decline', code: 'SETTLEMENT_SHORT' });
      expect(provider.record.settlement).to.equal(null);
    });
  });

  it('starts a container again that ends by itself, on either side', async () => {
    const cast = await bridgeWorld();
    world = cast.world;
    const { bridge } = cast;
    const { provider, id } = await insured(cast);
    bridge.runtime.killAll();
    await world.until('the revival', () => bridge.kinds().includes('revived'));
    bridge.kill();
    await world.until('the takeover', () => provider.kinds().includes('active'));
    provider.runtime.killAll();
    await world.until('the revival', () => provider.kinds().includes('revived'));
    const before = (await world.cloud.overview(id)).epochs[1]?.accepted ?? 0;
    await world.until('readings', async () => ((await world.cloud.overview(id)).epochs[1]?.accepted ?? 0) > before);
    expect(provider.record.turns.map(({ epoch }) => epoch)).to.deep.equal([1, 2]);
  });

  describe('of cloud and chain', () => {
    it('takes over while the cloud cannot be reached, and delivers everything later', async () => {
      const cast = await bridgeWorld();
      world = cast.world;
      const { bridge } = cast;
      const { provider, id } = await insured(cast);
      await world.pass(2_000);
      world.cloud.setReachable(false);
      bridge.kill();
      await world.until('the takeover', () => provider.kinds().includes('active'));
      await world.pass(5_000);
      expect((await world.cloud.overview(id)).epoch).to.equal(1);
      world.cloud.setReachable(true);
      await world.until('every reading', async () => {
        const { epochs } = await world.cloud.overview(id);
        return epochs.reduce((sum, { accepted }) => sum + accepted, 0) === world.radio.sent;
      });
    });

    it('starts without a chain and still does what it owes: takeover and handback', async () => {
      const cast = await bridgeWorld();
      world = cast.world;
      const { bridge } = cast;
      const { provider, id } = await insured(cast);
      world.chain.setReachable(false);
      provider.kill();
      await provider.start({ deposit: false });
      await world.pass(2_000);
      bridge.kill();
      await world.until('the takeover', () => provider.kinds().includes('active'));
      await bridge.start();
      await world.until('the handback', () => bridge.kinds().includes('handed-back'));
      expect(await bridge.service.status()).to.include({ chain: 'unreachable', vault: null });
      expect(await codeOf(world, bridge.service.settle(id))).to.equal('CHAIN_UNREACHABLE');
      world.chain.setReachable(true);
      await world.until('the settlement', () => bridge.record.endedTx !== null);
      expect(bridge.record.endedAs).to.equal('settled');
    });

    it('stops serving where it was cut off from everything but the cloud, which knows a later epoch', async () => {
      const cast = await bridgeWorld();
      world = cast.world;
      const { bridge } = cast;
      const { provider, id } = await insured(cast);
      world.streams.cut(bridge.peerId);
      await world.until('the takeover', () => provider.kinds().includes('active'));
      await world.until('the fence', () => bridge.kinds().includes('fenced'));
      expect(bridge.kinds()).not.to.include('handed-back');
      world.streams.mend(bridge.peerId);
      await world.until('the handback', () => bridge.kinds().includes('handed-back'));
      await world.until(
        'readings of epoch 3',
        async () => ((await world.cloud.overview(id)).epochs[2]?.accepted ?? 0) > 0,
      );
    });

    it('serves alone when neither provider nor cloud can be reached', async () => {
      const cast = await bridgeWorld();
      world = cast.world;
      const { bridge } = cast;
      await insured(cast);
      bridge.kill();
      world.cloud.setReachable(false);
      world.streams.cut(bridge.peerId);
      await bridge.start();
      world.streams.cut(bridge.peerId);
      await world.until('service', () => bridge.events.find(({ kind }) => kind === 'resumed'));
      expect(bridge.events.at(-1)?.data).to.include({ epoch: 1, isAlone: true });
    });
  });
});
