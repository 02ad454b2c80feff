import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { JsonRpcProvider } from 'ethers';
import { freePort, type Program, startProgram, until } from '../../../scripts/devnet/processes.ts';
import { startVerifier } from './verifier.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../../..');
/** The first account of Hardhat's nodes. */
const KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';
const MEMBER = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const NETWORK = 'deploy-test';

/** Deploys with the command, in a process of its own, to a chain that is no known local one. */
describe('npm run deploy', function () {
  this.timeout(240_000);
  let folder: string;
  let chain: Program;
  let provider: JsonRpcProvider;
  let verifier: Awaited<ReturnType<typeof startVerifier>>;
  let chainId: number;
  let env: NodeJS.ProcessEnv;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'eaas-deploy-'));
    const port = await freePort();
    chainId = 770_000 + port;
    const hardhat = join(ROOT, 'node_modules/hardhat/dist/src/cli.js');
    const args = [hardhat, 'node', '--port', String(port), '--chain-id', String(chainId)];
    const logFile = join(folder, 'chain.log');
    chain = startProgram({ name: 'chain', command: process.execPath, args, logFile });
    const rpcUrl = `http://127.0.0.1:${port}`;
    provider = new JsonRpcProvider(rpcUrl, chainId, { staticNetwork: true });
    await until('the chain', 60_000, () => provider.getBlockNumber().then(() => true), chain);
    verifier = await startVerifier((address) => provider.getCode(address));
    env = { ...process.env, DEPLOY_TEST_RPC_URL: rpcUrl, DEPLOYER_KEY: KEY, SOURCIFY_URL: verifier.url };
  });
  after(async () => {
    await verifier?.stop();
    provider?.destroy();
    await chain?.stop();
    await rm(join(ROOT, 'deployments', `${NETWORK}.json`), { force: true });
    await rm(join(ROOT, 'ignition/deployments', `chain-${chainId}`), { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
  });

  const deploy = (...more: string[]) => {
    const args = [join(ROOT, 'scripts/deploy.ts'), '--network', NETWORK, '--members', MEMBER, '--json', ...more];
    return run(process.execPath, args, { cwd: ROOT, env });
  };

  it('deploys, keeps an address book, and has the sources verified', async () => {
    const { stdout, stderr } = await deploy('--verify', 'sourcify');
    const book = JSON.parse(stdout);
    expect(book).to.include({ chainId, deterministic: false });
    expect(JSON.parse(await readFile(join(ROOT, 'deployments', `${NETWORK}.json`), 'utf8'))).to.deep.equal(book);
    for (const address of [book.escrow, book.panel, book.anchor]) {
      expect(await provider.getCode(address), address).to.have.length.above(1_000);
    }
    expect([...verifier.verified]).to.have.members([book.escrow, book.panel, book.anchor]);
    expect(stderr).to.include(`verified PanelArbitrator at ${book.panel}`);
  });

  it('does nothing twice', async () => {
    const blocks = await provider.getBlockNumber();
    await deploy();
    expect(await provider.getBlockNumber()).to.equal(blocks);
  });

  it('says so when another panel is asked for on the same chain', async () => {
    const error = await deploy('--fee-gwei', '5').catch((reason: { code: number; stderr: string }) => reason);
    expect(error).to.include({ code: 1 });
    expect(error.stderr).to.match(
      /\(DEPLOY_FAILED\)\nremedy: this chain’s deployment was made with another key or panel/,
    );
  });
});
