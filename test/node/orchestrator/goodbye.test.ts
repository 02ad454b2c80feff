import { expect } from 'chai';
import { bridgeWorld, insured, type TestWorld } from './test-world.ts';

/** Longer than any failure takes to be noticed, and than a takeover may take. */
const AWAY_MS = 60_000;

describe('a customer that stops on purpose', function () {
  this.timeout(20_000);
  let world: TestWorld;
  afterEach(() => world.stop());

  it('is not taken over, blames nobody when it is back, and is watched again', async () => {
    const cast = await bridgeWorld();
    world = cast.world;
    const { bridge } = cast;
    const { provider } = await insured(cast);
    await world.pass(3_000);

    await world.finish(bridge.quit());
    await world.skip(AWAY_MS);
    expect(provider.kinds()).to.include('left').and.not.include('active');

    await bridge.start();
    await world.until('the resumption', () => bridge.kinds().includes('resumed'));
    await world.until('the heartbeats', () => bridge.record.lastHeardAtMs !== null);
    expect(bridge.kinds()).to.not.include('reported');
    expect(bridge.record.reportedTx).to.equal(null);

    bridge.kill();
    await world.until('the takeover', () => provider.kinds().includes('active'));
  });

  it('blames nobody either when its provider did not hear the goodbye', async () => {
    const cast = await bridgeWorld();
    world = cast.world;
    const { bridge } = cast;
    const { provider } = await insured(cast);
    await world.pass(3_000);

    provider.kill();
    await world.finish(bridge.quit());
    await world.skip(AWAY_MS);
    await provider.start();
    await bridge.start();
    await world.until('the bridge runs again', () =>
      bridge.kinds().some((kind) => kind === 'resumed' || kind === 'handed-back'),
    );
    expect(bridge.kinds()).to.not.include('reported');
  });
});
