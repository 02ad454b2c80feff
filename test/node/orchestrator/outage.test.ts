import { expect } from 'chai';
import { bridgeWorld, insured, type TestWorld } from './test-world.ts';

describe('a device that fails while its cloud is away', function () {
  this.timeout(30_000);
  let world: TestWorld;
  afterEach(() => world.stop());

  it('loses no reading: what it could not deliver goes out when it is back, under its next epoch', async () => {
    const cast = await bridgeWorld();
    world = cast.world;
    const { bridge } = cast;
    const { provider, id } = await insured(cast);
    await world.pass(2_000);

    // Longer than the provider replays from before the last heartbeat.
    world.cloud.setReachable(false);
    await world.pass(30_000);
    bridge.kill();
    await world.until('the takeover', () => provider.kinds().includes('active'));
    world.cloud.setReachable(true);
    await world.until(
      'readings of epoch 2',
      async () => ((await world.cloud.overview(id)).epochs[1]?.accepted ?? 0) > 0,
    );

    await bridge.start();
    await world.until('the handback', () => bridge.kinds().includes('handed-back'));
    await world.pass(3_000);
    const { epochs } = await world.cloud.overview(id);
    expect(epochs.reduce((sum, { accepted }) => sum + accepted, 0)).to.equal(world.radio.sent);
    expect(bridge.events.find(({ kind }) => kind === 'cross-checked')?.data).to.include({ agrees: true });
  });
});
