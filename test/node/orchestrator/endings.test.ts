import { expect } from 'chai';
import { bridgeWorld, insured, type TestWorld } from './test-world.ts';

const ONE = 10n ** 18n;
const called = (world: TestWorld): string[] => world.chain.transactions.map(({ call }) => call.name);

describe('how agreements end', function () {
  this.timeout(20_000);
  let world: TestWorld;
  afterEach(() => world.stop());

  it('pays a provider stake to a customer that was left alone', async () => {
    const exits = () => ({ exitCode: 1, output: 'no such file' });
    const cast = await bridgeWorld({ provider: { onStart: exits } });
    world = cast.world;
    const { bridge } = cast;
    const { provider } = await insured(cast);
    await world.pass(3_000);
    bridge.kill();
    await world.until('the failure', () => provider.kinds().includes('activation-failed'));
    expect(provider.record.failure).to.deep.include({ code: 'CONTAINER_START_FAILED', isFinal: false });
    expect(provider.record.turns.at(-1)).to.include({ epoch: 2, holder: 'provider' });
    expect(provider.record.turns.at(-1)?.endedAtMs).to.be.a('number');

    await world.pass(31_000);
    expect(provider.kinds().filter((kind) => kind === 'activation-failed').length).to.be.greaterThan(1);
    await bridge.start();
    await world.until('the report', () => bridge.kinds().includes('reported'));
    expect(bridge.record.failure).to.equal(null);
    await world.until('the end', () => bridge.record.endedTx !== null);
    expect(bridge.record.endedAs).to.equal('breached');
    await world.until('the end at the provider', () => provider.record.endedTx !== null);
    expect(provider.record.endedAs).to.equal('breached');
    expect(await world.balanceOf(provider)).to.equal(45n * ONE);
    expect(await world.balanceOf(bridge)).to.equal(75n * ONE);
  });

  it('goes on after a report that the provider answers with the word of the cloud', async () => {
    const cast = await bridgeWorld();
    world = cast.world;
    const { bridge } = cast;
    const { provider } = await insured(cast);
    await world.pass(3_000);
    bridge.kill();
    await world.until('the takeover', () => provider.kinds().includes('active'));
    await world.pass(3_000);
    await bridge.start();
    await world.until('the handback', () => bridge.kinds().includes('handed-back'));
    const { terms, id } = bridge.record;
    await bridge.chain.submit('unjust', { name: 'report', terms, evidence: `0x${'00'.repeat(32)}` });
    await world.until('the answer', () => provider.kinds().includes('answered'));
    expect(called(world)).to.include('answer').and.not.to.include('expire');
    await world.pass(5_000);
    expect(provider.record).to.include({ endedTx: null, reportAnswered: true });
    await world.finish(bridge.service.settle(id));
    expect(bridge.record.endedAs).to.equal('settled');
  });

  it('settles by itself when the term is over, and leaves nothing behind at the provider', async () => {
    const cast = await bridgeWorld();
    world = cast.world;
    const { bridge } = cast;
    const { provider } = await insured(cast, { term: '2m' });
    expect(provider.content.blocks.size).to.be.greaterThan(0);
    const { endsAt } = bridge.record.terms;
    await world.skip(endsAt * 1000 - world.clock.nowMs() - 10_000);
    await world.until('the settlement', () => bridge.record.endedTx !== null);
    expect(world.clock.nowMs()).to.be.within(endsAt * 1000, endsAt * 1000 + 15_000);
    await world.until('the end at the provider', () => provider.record.endedTx !== null);
    expect([bridge.record.endedAs, provider.record.endedAs]).to.deep.equal(['settled', 'settled']);
    expect(await provider.runtime.list('eaas.node')).to.deep.equal([]);
    expect(provider.content.blocks.size).to.equal(0);
    expect(bridge.content.blocks.size).to.equal(0);
    expect(await bridge.runtime.list('eaas.node')).to.have.lengthOf(1);
  });

  it('lets a provider claim with the best receipt when its customer is gone for good', async () => {
    const cast = await bridgeWorld();
    world = cast.world;
    const { bridge } = cast;
    const { provider } = await insured(cast, { term: '2m' });
    await world.skip(40_000);
    const earned = provider.record.receipt?.receipt.earned ?? 0n;
    expect(earned > 0n, 'a receipt was kept').to.equal(true);
    bridge.kill();
    await world.until('the takeover', () => provider.kinds().includes('active'));
    const { endsAt, responseWindowSec } = provider.record.terms;
    await world.skip((endsAt + responseWindowSec) * 1000 - world.clock.nowMs() + 60_000);
    await world.until('the end', () => provider.record.endedTx !== null);
    expect(provider.record.endedAs).to.equal('claimed');
    expect(called(world)).to.include.members(['claim', 'expire']);
    expect(await world.balanceOf(provider)).to.equal(60n * ONE + earned);
    expect(await world.balanceOf(bridge)).to.equal(60n * ONE - earned);
    expect((await provider.runtime.list('eaas.node')).filter(({ status }) => status === 'running')).to.deep.equal([]);
  });

  it('frees both stakes by time when there is no receipt either', async () => {
    const cast = await bridgeWorld();
    world = cast.world;
    const { bridge } = cast;
    const { provider } = await insured(cast, { term: '2m' });
    bridge.kill();
    expect(provider.record.receipt).to.equal(null);
    const { endsAt, responseWindowSec } = provider.record.terms;
    await world.skip((endsAt + responseWindowSec) * 1000 - world.clock.nowMs() + 10_000);
    await world.until('the end', () => provider.record.endedTx !== null);
    expect(provider.record.endedAs).to.equal('expired');
    expect(await world.balanceOf(provider)).to.equal(60n * ONE);
    expect(await world.balanceOf(bridge)).to.equal(60n * ONE);
  });

  it('submits a settlement that the customer got signed and then keeps', async () => {
    const cast = await bridgeWorld();
    world = cast.world;
    const { bridge } = cast;
    const { provider, id } = await insured(cast);
    await world.pass(12_000);
    bridge.life.dieAt('before', 'chain.submit', ([key]) => String(key).startsWith('settle/'));
    void bridge.service.settle(id);
    await world.until('the death', () => bridge.life.over);
    await world.skip(35_000);
    await world.until('the end', () => provider.record.endedTx !== null);
    expect(provider.record.endedAs).to.equal('settled');
    await bridge.start();
    await world.until('the end at the customer', () => bridge.record.endedTx !== null);
    expect(bridge.record.endedAs).to.equal('settled');
    expect(called(world).filter((name) => name === 'settle')).to.have.lengthOf(1);
  });
});
