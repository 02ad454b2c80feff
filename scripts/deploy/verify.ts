import { verifyContract } from '@nomicfoundation/hardhat-verify/verify';
import type { HardhatRuntimeEnvironment } from 'hardhat/types/hre';
import { EdgeError } from '../../market/errors.ts';
import { PANEL_DELAY_SEC } from './module.ts';
import type { Verifier } from './parameters.ts';

/** What was deployed where, with which arguments. */
export interface Deployed {
  escrow: string;
  panel: string;
  anchor: string;
  metaEvidence: string;
  members: string[];
  threshold: number;
  feeGwei: number;
}

/**
 * Hands the sources to a service that compiles them and compares the result with the chain. What is verified already
 * stays so: it can be called again. Throws `VERIFICATION_FAILED`.
 */
export async function verifySources(
  hre: HardhatRuntimeEnvironment,
  service: Verifier,
  deployed: Deployed,
  say: (text: string) => void,
): Promise<void> {
  const { members, threshold, feeGwei } = deployed;
  const contracts = [
    { name: 'AgreementEscrow', address: deployed.escrow, constructorArgs: [deployed.metaEvidence] },
    { name: 'DataAnchor', address: deployed.anchor, constructorArgs: [] },
    {
      name: 'PanelArbitrator',
      address: deployed.panel,
      constructorArgs: [members, threshold, feeGwei, PANEL_DELAY_SEC, PANEL_DELAY_SEC],
    },
  ];
  for (const { name, address, constructorArgs } of contracts) {
    const contract = `contracts/${name}.sol:${name}`;
    const log = console.log;
    try {
      // It tells its progress on standard output, which is for the address book.
      console.log = console.error;
      await verifyContract({ address, constructorArgs, contract, provider: service }, hre);
    } catch (cause) {
      throw new EdgeError('VERIFICATION_FAILED', `${service} did not verify ${name}: ${(cause as Error).message}`, {
        context: { address },
        cause,
        remedy: 'the contracts are deployed; give the same command again to verify them',
      });
    } finally {
      console.log = log;
    }
    say(`verified ${name} at ${address} with ${service}`);
  }
}
