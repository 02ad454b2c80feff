/** `npm run deploy -- --network NAME`: see scripts/deploy/README.md, or --help. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { id as keccakOf } from 'ethers';
import type { HardhatRuntimeEnvironment } from 'hardhat/types/hre';
import { EdgeError } from '../market/errors.ts';
import { exitCodeOf } from '../node/cli/exit-codes.ts';
import { errorLines } from '../node/cli/print.ts';
import { META_EVIDENCE_FILE, metaEvidenceUri } from './deploy/meta-evidence.ts';
import { eaasModule } from './deploy/module.ts';
import { explained, hardhatFor } from './deploy/network.ts';
import { type Parameters, parametersOf } from './deploy/parameters.ts';
import { type Deployed, verifySources } from './deploy/verify.ts';
import { projectRoot } from './root.ts';

const CREATE_X = '0xba5Ed099633D3B313e4D5F7bdc1305d3c28ba5Ed';
const SALT = keccakOf('EaaS 1');
const LOCAL_CHAIN_ID = 31337n;

type Connection = Awaited<ReturnType<HardhatRuntimeEnvironment['network']['create']>>;

/** Its address. Throws `DEPLOYER_UNFUNDED`. */
async function fundedDeployer({ ethers }: Connection, network: string): Promise<string> {
  const [deployer] = await ethers.getSigners();
  if (deployer !== undefined && (await ethers.provider.getBalance(deployer.address)) > 0n) return deployer.address;
  throw new EdgeError('DEPLOYER_UNFUNDED', `${deployer?.address ?? 'nobody'} has no coins on ${network}`, {
    remedy: 'send it some, or set another DEPLOYER_KEY',
  });
}

async function deploy(hre: HardhatRuntimeEnvironment, parameters: Parameters, say: (text: string) => void) {
  const { network, threshold, feeGwei, json } = parameters;
  const connection = await hre.network.create();
  const { provider } = connection.ethers;
  const { chainId } = await provider.getNetwork();
  const deployer = await fundedDeployer(connection, network);
  const members = parameters.members ?? [deployer];
  if (parameters.members === null) say('the panel is you alone, which nobody else will trust: --members names one');
  const deterministic = (await provider.getCode(CREATE_X)) !== '0x';
  // A local chain starts afresh each time: what was deployed on the last one says nothing about this one.
  const suffix = chainId === LOCAL_CHAIN_ID ? `-at-${await provider.getBlockNumber()}` : '';
  const deploymentId = `chain-${chainId}${suffix}`;
  const metaEvidence = await metaEvidenceUri();
  say(`deploying to ${network} (chain ${chainId}) from ${deployer}`);
  const options = {
    parameters: { EaaS: { metaEvidence, members, threshold, feeGwei } },
    deploymentId,
    displayUi: !json,
  };
  const create2 = { strategy: 'create2', strategyConfig: { salt: SALT } } as const;
  const { escrow, anchor, panel } = await connection.ignition.deploy(
    eaasModule,
    deterministic ? { ...options, ...create2 } : options,
  );
  const book = {
    chainId: Number(chainId),
    deterministic,
    deploymentId,
    metaEvidence,
    escrow: await escrow.getAddress(),
    panel: await panel.getAddress(),
    anchor: await anchor.getAddress(),
    arguments: { members, threshold, feeGwei },
  };
  await connection.close();
  return book;
}

async function main(): Promise<void> {
  const parameters = parametersOf(process.argv.slice(2));
  const { network, verify, json } = parameters;
  const say = (text: string): void => console.error(text);
  try {
    const hre = await hardhatFor(network);
    const book = await deploy(hre, parameters, say);
    const file = join('deployments', `${network}.json`);
    await mkdir(join(projectRoot(), 'deployments'), { recursive: true });
    await writeFile(join(projectRoot(), file), `${JSON.stringify(book, null, 2)}\n`);
    console.log(json ? JSON.stringify(book) : `${JSON.stringify(book, null, 2)}\nwritten to ${file}`);
    say(`arbitrators read ${META_EVIDENCE_FILE}: keep it available as ${book.metaEvidence}`);
    const contracts: Deployed = { ...book, ...book.arguments };
    for (const service of verify) await verifySources(hre, service, contracts, say);
  } catch (error) {
    throw explained(error, network);
  }
}

try {
  await main();
} catch (error) {
  // Commander has printed its own, and ends --help this way too.
  const isPrinted = String((error as { code?: unknown }).code).startsWith('commander.');
  if (!isPrinted) for (const line of errorLines(error, false)) console.error(line);
  process.exitCode = (error as { exitCode?: unknown }).exitCode === 0 ? 0 : exitCodeOf(error);
}
