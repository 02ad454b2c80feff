import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { cellAt, distanceM } from '../../../market/place.ts';
import { customerPolicySchema, providerPolicySchema } from '../../../market/policy.ts';
import { loadConfig } from '../../../node/config.ts';
import { planOf, resetDevnet, siteOf } from '../../../scripts/devnet/devnet.ts';
import { layOutEdge } from '../../../scripts/devnet/edge-node.ts';

const CHAIN = {
  rpcUrl: 'http://127.0.0.1:8545',
  chainId: 31_337,
  contracts: { escrow: `0x${'11'.repeat(20)}`, token: `0x${'22'.repeat(20)}`, panel: '', anchor: '' },
};

describe('a devnet', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'eaas-devnet-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  for (const nodes of [2, 3, 16]) {
    it(`puts ${nodes} nodes within one radio range of each other, in different cells of the first`, () => {
      const cells = Array.from({ length: nodes }, (_, index) => siteOf(index, nodes)).map(({ lat, lng }) =>
        cellAt(lat, lng),
      );
      const [first = '', ...others] = cells;
      for (const cell of others) expect(distanceM(first, cell)).to.be.within(1, 6_000);
    });
  }

  it('plans policies that a node accepts', () => {
    const { offer, insure } = planOf(0, 3);
    expect(providerPolicySchema.parse(offer).minResponseWindowSec).to.equal(60);
    expect(customerPolicySchema.parse(insure).responseWindowSec).to.equal(120);
  });

  it('lays a node out once: a second time keeps keys, ports and what its owner changed', async () => {
    const { site, offer, insure, interfaces } = planOf(0, 3);
    const shared = { folder, chain: CHAIN, bootstrap: [], heartbeatIntervalMs: 1_000, offer, insure, interfaces };
    const first = await layOutEdge({ ...shared, site, runtime: 'namespaces' });
    const second = await layOutEdge({ ...shared, site, runtime: 'docker', heartbeatIntervalMs: 5_000 });
    expect(second).to.deep.equal(first);
    const config = await loadConfig({ file: first.configFile, env: {}, flags: {}, homeDir: '/', cwd: '/' });
    expect(config).to.deep.include({ name: 'node-1', runtime: 'namespaces', heartbeatIntervalMs: 1_000 });
    expect(config.south.udpPort).to.equal(first.udpPort);
  });

  it('removes its own folder, and refuses one that holds something else', async () => {
    const own = join(folder, 'own');
    await mkdir(own);
    await writeFile(join(own, 'devnet.json'), JSON.stringify({ nodes: 3, containers: null }));
    await resetDevnet(own);
    expect(await readdir(folder)).to.deep.equal([]);

    await resetDevnet(join(folder, 'not-there'));
    await writeFile(join(folder, 'diary.txt'), 'dear diary');
    const error = await resetDevnet(folder).catch((reason) => reason as { code: string });
    expect(error).to.have.property('code', 'DEVNET_FOLDER_FOREIGN');
    expect(await readdir(folder)).to.deep.equal(['diary.txt']);
  });
});
