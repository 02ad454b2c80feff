import { expect } from 'chai';
import { bridgeWorld, insured, type TestWorld } from './test-world.ts';

describe('an agreement from demand to settlement', function () {
  this.timeout(20_000);
  let world: TestWorld;
  afterEach(() => world.stop());

  it('is negotiated, opened, deployed, taken over, handed back and settled', async () => {
    const cast = await bridgeWorld();
    world = cast.world;
    const { bridge } = cast;
    const { provider, id } = await insured(cast);

    const explanation = (await bridge.service.explain()) as {
      negotiations: { said: { answer: string }[]; signed: boolean }[];
    };
    const answers = explanation.negotiations.flatMap(({ said }) => said.map(({ answer }) => answer));
    expect(answers).to.include('counter').and.to.include('accept');
    expect(world.chain.transactions.filter(({ call }) => call.name === 'open')).to.have.lengthOf(1);
    expect(bridge.record).to.include({ id, side: 'customer', endedTx: null });
    expect(provider.record.readyAtMs).to.be.a('number');
    expect(provider.runtime.calls.filter((call) => call.startsWith('start'))).to.deep.equal([]);

    await world.pass(5_000);
    bridge.kill();
    await world.until('the takeover', () => provider.kinds().includes('active'));
    await world.until('readings of epoch 2', async () => {
      const { epochs } = await world.cloud.overview(id);
      return (epochs[1]?.accepted ?? 0) > 0;
    });
    expect(provider.record.turns.at(-1)).to.include({ epoch: 2, holder: 'provider', endedAtMs: null });
    expect(provider.record.turns.at(-1)?.certificate?.statements).to.have.lengthOf(1);

    await world.pass(3_000);
    await bridge.start();
    await world.until('the handback', () => bridge.kinds().includes('handed-back'));
    expect(bridge.events.find(({ kind }) => kind === 'cross-checked')?.data).to.include({ agrees: true });
    expect(bridge.record.turns.map(({ epoch, holder }) => `${epoch} ${holder}`)).to.deep.equal([
      '1 customer',
      '2 provider',
      '3 customer',
    ]);
    await world.pass(2_000);
    const frames = world.radio.sent;
    const { epochs } = await world.cloud.overview(id);
    expect(epochs.reduce((sum, { accepted }) => sum + accepted, 0)).to.equal(frames);

    await world.finish(bridge.service.settle(id));
    await world.until('the end at the provider', () => provider.record.endedTx !== null);
    expect(provider.record.endedAs).to.equal('settled');
    expect(await world.balanceOf(provider)).to.satisfy((balance: bigint) => balance > 60n * 10n ** 18n);
    const total = (await world.balanceOf(bridge)) + (await world.balanceOf(provider));
    expect(total).to.equal(120n * 10n ** 18n);
  });
});
