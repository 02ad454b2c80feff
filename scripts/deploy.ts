/**
 * Deploys the escrow, the panel and the anchor with Hardhat Ignition and writes deployments/<network>.json.
 *
 *   npm run deploy -- --network NAME --members 0x…,0x… --threshold K [--fee-gwei N]
 *
 * NAME is a network of hardhat.config.ts. Where the CreateX factory exists, addresses depend only on the bytecode and the
 * constructor arguments, so they are the same on every such network (CREATE2). An interrupted run is continued.
 * Source verification: `hardhat ignition verify <deployment id>`, printed at the end.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { id as keccakOf } from 'ethers';
import { network } from 'hardhat';
import { eaasModule } from './deploy/module.ts';

const CREATE_X = '0xba5Ed099633D3B313e4D5F7bdc1305d3c28ba5Ed';
const SALT = keccakOf('EaaS 1');
const LOCAL_CHAIN_ID = 31337n;

interface Parameters {
  network: string;
  /** Accounts that sit on the panel. */
  members: string[];
  /** How many of them a ruling takes. */
  threshold: number;
  /** What a ruling costs. */
  feeGwei: number;
}

function parametersOf(args: string[]): Parameters {
  const { values } = parseArgs({
    args,
    options: {
      network: { type: 'string' },
      members: { type: 'string' },
      threshold: { type: 'string' },
      'fee-gwei': { type: 'string', default: '1000000' },
    },
  });
  const members = values.members?.split(',') ?? [];
  if (values.network === undefined || members.length === 0) {
    throw new Error('usage: npm run deploy -- --network NAME --members 0x…,0x… --threshold K [--fee-gwei N]');
  }
  const threshold = Number(values.threshold ?? members.length);
  return { network: values.network, members, threshold, feeGwei: Number(values['fee-gwei']) };
}

async function deploy(parameters: Parameters): Promise<void> {
  const connection = await network.create({ network: parameters.network });
  const { provider } = connection.ethers;
  const { chainId } = await provider.getNetwork();
  const deterministic = (await provider.getCode(CREATE_X)) !== '0x';
  // A local chain starts afresh each time: what was deployed on the last one says nothing about this one.
  const suffix = chainId === LOCAL_CHAIN_ID ? `-at-${await provider.getBlockNumber()}` : '';
  const deploymentId = `chain-${chainId}${suffix}`;
  const { members, threshold, feeGwei } = parameters;
  const options = { parameters: { EaaS: { members, threshold, feeGwei } }, deploymentId, displayUi: true };
  const { escrow, anchor, panel } = deterministic
    ? await connection.ignition.deploy(eaasModule, {
        ...options,
        strategy: 'create2',
        strategyConfig: { salt: SALT },
      })
    : await connection.ignition.deploy(eaasModule, options);

  const book = {
    chainId: Number(chainId),
    deterministic,
    deploymentId,
    escrow: await escrow.getAddress(),
    panel: await panel.getAddress(),
    anchor: await anchor.getAddress(),
    arguments: { members, threshold, feeGwei },
  };
  const folder = join(import.meta.dirname, '../deployments');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${parameters.network}.json`), `${JSON.stringify(book, null, 2)}\n`);
  console.log(JSON.stringify(book, null, 2));
  console.log(`verify the sources: hardhat ignition verify ${deploymentId} --network ${parameters.network}`);
  await connection.close();
}

await deploy(parametersOf(process.argv.slice(2)));
