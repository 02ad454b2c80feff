import { expect } from 'chai';
import { until } from '../../scripts/devnet/processes.ts';
import { type SmallNetwork, startSmallNetwork } from './small-network.ts';

const PHASE_MS = 30_000;
/** What encryption adds to the plaintext that `totalBytes` counts. */
const SLACK_BYTES = 1024 ** 2;

interface View {
  id: string;
  status: string;
  epoch: number;
  openedTx: string | null;
}

async function agreementsOf(network: SmallNetwork, side: 'bridge' | 'provider'): Promise<View[]> {
  return (await network[side]().api.get('/v1/agreements')) as View[];
}

async function untilAccepted(network: SmallNetwork, id: string, epoch: number): Promise<void> {
  await until(`a reading of epoch ${epoch}`, PHASE_MS, async () => {
    const { epochs } = await network.overview(id);
    return (epochs[epoch - 1]?.accepted ?? 0) > 0 ? true : null;
  });
}

describe('real processes, killed with SIGKILL', function () {
  this.timeout(60_000);
  let network: SmallNetwork;
  beforeEach(async () => {
    network = await startSmallNetwork();
  });
  afterEach(() => network.stop());

  it('a provider in the middle of migration becomes ready and fetches nothing twice', async () => {
    const insuring = network.insure();
    const part = await until('a part of the image', PHASE_MS, async () => {
      const events = network.bridge().events.filter(({ kind }) => kind === 'migrating');
      return events.find(({ data }) => Number(data.fetchedBytes) > 8 * 1024 ** 2) ?? null;
    });
    await network.kill('provider');
    const [{ id } = { id: '' }] = await agreementsOf(network, 'bridge');
    expect((await agreementsOf(network, 'bridge'))[0]?.status).to.equal('open');
    await network.restart('provider');
    const agreement = await insuring;
    expect(agreement.id).to.equal(id);
    const published = await network.bridge().wait('published', 1);
    const total = Number(published.data.totalBytes);
    const before = Number(part.data.fetchedBytes);
    expect(agreement.migratedBytes).to.be.greaterThan(0);
    expect(before + agreement.migratedBytes).to.be.at.most(total + SLACK_BYTES);
    expect(await agreementsOf(network, 'provider')).to.have.nested.property('[0].status', 'protected');
  });

  for (const die of ['before-start', 'after-start'] as const) {
    it(`a provider in the middle of activation, ${die} of its container, continues under the same epoch`, async () => {
      await network.insure().then(() => network.kill('provider'));
      await network.restart('provider', die);
      await network
        .provider()
        .wait('suspect', 1)
        .catch(() => undefined);
      await network.kill('bridge');
      const [pids = []] = await network.containers('bridge');
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      const died = await network.programs.get('provider')?.exited;
      expect(died).to.equal('SIGKILL');

      await network.restart('provider');
      await network.provider().wait('active', PHASE_MS);
      const [agreement] = await agreementsOf(network, 'provider');
      expect(agreement).to.include({ status: 'active', epoch: 2 });
      await untilAccepted(network, agreement?.id ?? '', 2);
      expect(await network.containers('provider')).to.have.lengthOf(1);

      await network.restart('bridge');
      const back = await network.bridge().wait('handed-back', PHASE_MS);
      expect(back.data.epoch).to.equal(3);
      expect((await network.bridge().wait('cross-checked', 1)).data.agrees).to.equal(true);
      await untilAccepted(network, agreement?.id ?? '', 3);
      expect(await network.containers('provider')).to.have.lengthOf(0);
    });
  }

  it('a customer between signature and deployment opens once and is protected', async () => {
    network.insure().catch(() => undefined);
    await network.bridge().wait('signed', PHASE_MS);
    await network.kill('bridge');
    await network.restart('bridge');
    await network.bridge().wait('protected', PHASE_MS);
    const [agreement, ...more] = await agreementsOf(network, 'bridge');
    expect(more).to.deep.equal([]);
    expect(agreement).to.include({ status: 'protected', epoch: 1 });
    expect(agreement?.openedTx).to.be.a('string');
    await untilAccepted(network, agreement?.id ?? '', 1);
  });

  it('both at once, while the provider serves: the bridge gets its workload back', async () => {
    const { id } = await network.insure();
    await network.kill('bridge');
    await network.provider().wait('active', PHASE_MS);
    await untilAccepted(network, id, 2);
    await network.kill('provider');
    await Promise.all([network.restart('provider'), network.restart('bridge')]);
    await network.bridge().wait('handed-back', PHASE_MS);
    await untilAccepted(network, id, 3);
    expect((await network.overview(id)).epoch).to.equal(3);
  });
});
