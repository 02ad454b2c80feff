import { expect } from 'chai';
import type { TestNode } from './test-node.ts';
import { bridgeWorld, insured, type TestWorld } from './test-world.ts';

type Trap = [when: 'before' | 'after', call: string, matches?: (args: unknown[]) => boolean];

const keyed = (prefix: string) => (args: unknown[]) => String(args[0]).startsWith(prefix);
const asking = (type: string) => (args: unknown[]) => (args[2] as { type?: string }).type === type;
const signing = (primary: string) => (args: unknown[]) => args[0] === primary;
const storing = (text: string) => (args: unknown[]) => JSON.stringify(args[0]).includes(text);
const heldByProvider = storing('\\"holder\\":\\"provider\\"');

const opened = (world: TestWorld): number => world.chain.transactions.filter(({ call }) => call.name === 'open').length;
const count = (node: TestNode, kind: string): number => node.kinds().filter((other) => other === kind).length;

/** Insures the bridge, which dies on the way; resolves once it is dead. */
async function insureAndDie(cast: Awaited<ReturnType<typeof bridgeWorld>>, trap: Trap): Promise<void> {
  const { world, bridge } = cast;
  bridge.life.dieAt(...trap);
  bridge.service.insure(world.request()).catch(() => undefined);
  await world.until('the death', () => bridge.life.over);
  bridge.kill();
}

async function accepted(world: TestWorld, id: string, epoch: number): Promise<number> {
  const { epochs } = await world.cloud.overview(id);
  return epochs[epoch - 1]?.accepted ?? 0;
}

describe('crashes', function () {
  this.timeout(20_000);
  let world: TestWorld;
  afterEach(() => world.stop());

  describe('of the customer', () => {
    const points: [name: string, trap: Trap][] = [
      ['before it opens what both signed', ['before', 'chain.submit', keyed('open/')]],
      ['after it opened, before it noted so', ['after', 'chain.submit', keyed('open/')]],
      ['while it publishes the workload', ['after', 'content.put']],
      ['after publishing, before it noted so', ['after', 'content.putBytes']],
      ['before it tells the provider', ['before', 'streams.call', asking('deploy')]],
      ['after it told the provider', ['after', 'streams.call', asking('deploy')]],
      ['after the provider proved that it holds the workload', ['after', 'streams.call', asking('challenge')]],
    ];
    for (const [name, trap] of points) {
      it(`${name}: it is protected after a restart`, async () => {
        const cast = await bridgeWorld();
        world = cast.world;
        const { bridge, sellers } = cast;
        await insureAndDie(cast, trap);
        await world.pass(1_000);
        await bridge.start();
        await world.until('protection', () => bridge.record.readyAtMs);
        const provider = sellers.find((seller) => seller.hasAgreement);
        expect(provider?.record.readyAtMs).to.be.a('number');
        expect(opened(world)).to.equal(1);
        const suspicions = count(provider as TestNode, 'suspect');
        await world.pass(5_000);
        expect(count(provider as TestNode, 'suspect')).to.equal(suspicions);
        expect(await accepted(world, bridge.record.id, bridge.record.turns.at(-1)?.epoch ?? 1)).to.be.greaterThan(0);
      });
    }

    it('for longer than the signatures are good: nothing is locked, nothing is owed', async () => {
      const cast = await bridgeWorld();
      world = cast.world;
      const { bridge } = cast;
      await insureAndDie(cast, ['before', 'chain.submit', keyed('open/')]);
      await world.skip(90_000);
      await bridge.start();
      await world.until('the end', () => bridge.record.endedTx);
      expect(bridge.record).to.include({ endedTx: 'never-opened' });
      expect(bridge.record.failure?.code).to.equal('OPEN_BY_PASSED');
      expect(opened(world)).to.equal(0);
      expect(await world.balanceOf(bridge)).to.equal(60n * 10n ** 18n);
    });

    const handbacks: [name: string, trap: Trap][] = [
      ['before it countersigns', ['before', 'signer.sign', signing('Handback')]],
      ['after it countersigned, before it noted so', ['after', 'signer.sign', signing('Handback')]],
      ['after it noted the handback, before it told anybody', ['after', 'store.write', storing('deliveredCount')]],
    ];
    for (const [name, trap] of handbacks) {
      it(`during the handback, ${name}: the provider serves again until it is back`, async () => {
        const cast = await bridgeWorld();
        world = cast.world;
        const { bridge } = cast;
        const { provider, id } = await insured(cast);
        await world.pass(3_000);
        bridge.kill();
        await world.until('the takeover', () => provider.kinds().includes('active'));
        await bridge.start();
        bridge.life.dieAt(...trap);
        await world.until('the death', () => bridge.life.over);
        bridge.kill();
        await world.until('serving again', () => count(provider, 'active') === 2);
        const before = await accepted(world, id, 2);
        await world.pass(3_000);
        expect(await accepted(world, id, 2)).to.be.greaterThan(before);
        await bridge.start();
        await world.until('the handback', () => provider.kinds().includes('handed-back'));
        await world.until('readings of epoch 3', async () => (await accepted(world, id, 3)) > 0);
        expect(provider.record.turns.at(-1)).to.include({ epoch: 3, holder: 'customer' });
      });
    }

    it('after it told only the cloud of the handback: the provider learns it there and guards again', async () => {
      const cast = await bridgeWorld();
      world = cast.world;
      const { bridge } = cast;
      const { provider, id } = await insured(cast);
      await world.pass(3_000);
      bridge.kill();
      await world.until('the takeover', () => provider.kinds().includes('active'));
      await bridge.start();
      bridge.life.dieAt('before', 'streams.call', asking('resumed'));
      await world.until('the death', () => bridge.life.over);
      bridge.kill();
      await world.until('epoch 4', () => provider.record.turns.at(-1)?.epoch === 4);
      expect(provider.record.turns.map(({ holder }) => holder)).to.deep.equal([
        'customer',
        'provider',
        'customer',
        'provider',
      ]);
      await world.until('readings of epoch 4', async () => (await accepted(world, id, 4)) > 0);
    });
  });

  describe('of the provider', () => {
    const migration: [name: string, trap: Trap][] = [
      ['before it fetches anything', ['before', 'content.getBytes']],
      ['between two blobs', ['after', 'content.get']],
      ['after it fetched, before it unpacks', ['before', 'runtime.importImage']],
      ['after it unpacked, before it noted so', ['after', 'runtime.create']],
    ];
    for (const [name, trap] of migration) {
      it(`during migration, ${name}: it becomes ready after a restart`, async () => {
        const cast = await bridgeWorld();
        world = cast.world;
        const { bridge, sellers } = cast;
        for (const seller of sellers) seller.life.dieAt(...trap);
        const insuring = bridge.service.insure(world.request());
        const provider = await world.until('the death', () => sellers.find((seller) => seller.life.over));
        provider.kill();
        const blocks = provider.content.blocks.size;
        await world.pass(2_000);
        await provider.start();
        await world.finish(insuring);
        expect(provider.record.readyAtMs).to.be.a('number');
        expect(provider.content.blocks.size).to.be.at.least(blocks);
        expect(provider.runtime.calls.filter((call) => call === 'importImage').length).to.be.at.most(2);
        expect(await provider.runtime.list('eaas.node')).to.have.lengthOf(1);
      });
    }

    const activation: [name: string, trap: Trap, containersToo: boolean][] = [
      ['after the intent is on disk', ['after', 'store.write', heldByProvider], true],
      ['before the container starts', ['before', 'runtime.start'], true],
      ['after the container started', ['after', 'runtime.start'], false],
      ['after the container started, which dies too', ['after', 'runtime.start'], true],
    ];
    for (const [name, trap, containersToo] of activation) {
      it(`during activation, ${name}: it continues under the same epoch`, async () => {
        const cast = await bridgeWorld();
        world = cast.world;
        const { bridge } = cast;
        const { provider, id } = await insured(cast);
        await world.pass(3_000);
        provider.life.dieAt(...trap);
        bridge.kill();
        await world.until('the death', () => provider.life.over);
        provider.kill({ containersToo });
        await world.pass(2_000);
        await provider.start();
        await world.until('the takeover', () => provider.kinds().includes('active'));
        await world.until('readings of epoch 2', async () => (await accepted(world, id, 2)) > 0);
        expect(provider.record.turns.map(({ epoch }) => epoch)).to.deep.equal([1, 2]);
        expect(await provider.runtime.list('eaas.node')).to.have.lengthOf(1);
        await bridge.start();
        await world.until('the handback', () => bridge.kinds().includes('handed-back'));
        expect(bridge.events.find(({ kind }) => kind === 'cross-checked')?.data).to.include({ agrees: true });
      });
    }

    it('while it serves: it serves again, and what it had to deliver is delivered', async () => {
      const cast = await bridgeWorld();
      world = cast.world;
      const { bridge } = cast;
      const { provider, id } = await insured(cast);
      bridge.kill();
      await world.until('the takeover', () => provider.kinds().includes('active'));
      world.cloud.setReachable(false);
      await world.pass(3_000);
      const before = await accepted(world, id, 2);
      provider.kill();
      world.cloud.setReachable(true);
      await provider.start();
      await world.until('what was queued', async () => (await accepted(world, id, 2)) >= before + 3);
    });
  });

  it('of both at once: who held the epoch goes on, the other takes it back', async () => {
    const cast = await bridgeWorld();
    world = cast.world;
    const { bridge } = cast;
    const { provider, id } = await insured(cast);
    bridge.kill();
    await world.until('the takeover', () => provider.kinds().includes('active'));
    provider.kill();
    await world.pass(5_000);
    await Promise.all([provider.start(), bridge.start()]);
    await world.until('the handback', () => bridge.kinds().includes('handed-back'));
    await world.until('readings of epoch 3', async () => (await accepted(world, id, 3)) > 0);
    expect(opened(world)).to.equal(1);
  });
});
