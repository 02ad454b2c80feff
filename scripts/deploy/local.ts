import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BaseContract, ContractFactory, type InterfaceAbi, type Signer } from 'ethers';
import { projectRoot } from '../root.ts';
import { metaEvidenceUri } from './meta-evidence.ts';
import { mined } from './mined.ts';

/** Where the contracts of one network are. */
export interface Addresses {
  escrow: string;
  token: string;
  panel: string;
  anchor: string;
}

export interface LocalOptions {
  /** Accounts that sit on the panel; the deployer alone by default. */
  members?: string[];
  /** Signatures that a ruling takes; all members by default. */
  threshold?: number;
  /** What a dispute costs. */
  feeGwei?: number;
  /** How long a change of the panel is announced. */
  changeDelaySec?: number;
  /** How long the panel may take to rule. */
  rulingTimeoutSec?: number;
}

interface Artifact {
  abi: InterfaceAbi;
  bytecode: string;
}

const DAY_SEC = 86_400;

/** Reads what `hardhat build` left in artifacts/. Throws ENOENT before the first build. */
export async function artifactOf(contract: string, folder = ''): Promise<Artifact> {
  const file = join(projectRoot(), 'artifacts/contracts', folder, `${contract}.sol`, `${contract}.json`);
  return JSON.parse(await readFile(file, 'utf8')) as Artifact;
}

/**
 * Deploys everything, with a mintable test token, onto a local chain: for demos and tests. `signer` must be connected to
 * a provider and able to pay. Transactions are sent one after the other and each is waited for.
 */
export async function deployContracts(signer: Signer, options: LocalOptions = {}): Promise<Addresses> {
  const members = options.members ?? [await signer.getAddress()];
  const deploy = async (contract: string, args: unknown[], folder?: string): Promise<string> => {
    const { abi, bytecode } = await artifactOf(contract, folder);
    const deployed: BaseContract = await new ContractFactory(abi, bytecode, signer).deploy(...args);
    await mined(deployed.deploymentTransaction());
    return deployed.getAddress();
  };
  return {
    escrow: await deploy('AgreementEscrow', [await metaEvidenceUri()]),
    token: await deploy('TestToken', [], 'local'),
    panel: await deploy('PanelArbitrator', [
      members,
      options.threshold ?? members.length,
      options.feeGwei ?? 1_000_000,
      options.changeDelaySec ?? 7 * DAY_SEC,
      options.rulingTimeoutSec ?? 7 * DAY_SEC,
    ]),
    anchor: await deploy('DataAnchor', []),
  };
}
