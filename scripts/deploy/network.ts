import { createHardhatRuntimeEnvironment } from 'hardhat/hre';
import type { HardhatRuntimeEnvironment } from 'hardhat/types/hre';
import config, { networkByEnvironment } from '../../hardhat.config.ts';
import { EdgeError } from '../../market/errors.ts';
import { projectRoot } from '../root.ts';

/** Hardhat's own: a node on this machine. */
const LOCALHOST = 'localhost';

/** Hardhat with `name` as its network, whether the configuration lists that network or not. */
export function hardhatFor(name: string): Promise<HardhatRuntimeEnvironment> {
  const networks = name === LOCALHOST ? {} : { [name]: networkByEnvironment(name) };
  const all = { ...config, networks: { ...config.networks, ...networks } };
  return createHardhatRuntimeEnvironment(all, { network: name }, projectRoot());
}

/** What Hardhat throws, as one of ours where a user can mend it; everything else as it is. */
export function explained(error: unknown, network: string): unknown {
  if (!(error instanceof Error)) return error;
  const code = (error as { code?: unknown }).code;
  const missing = /Configuration Variable "(\w+)" not found/.exec(error.message)?.[1];
  if (missing !== undefined) {
    return new EdgeError('CONFIG_VARIABLE_MISSING', `${missing} is not set`, {
      context: { network },
      remedy: `export it, or keep it encrypted: npx hardhat keystore set ${missing}`,
    });
  }
  if (code === 'ECONNREFUSED' || /Cannot connect to the network|ECONNREFUSED|fetch failed/.test(error.message)) {
    return new EdgeError('CHAIN_UNREACHABLE', `nothing answers for ${network}`, {
      cause: error,
      remedy: network === LOCALHOST ? 'start one: npx hardhat node' : 'check the RPC URL',
    });
  }
  if (error.name !== 'HardhatError') return error;
  const [first = error.message] = error.message.split('\n');
  const remedy = first.includes('reconciliation')
    ? 'this chain’s deployment was made with another key or panel: give the same ones, or move ignition/deployments away'
    : 'give the same command again: what is deployed already stays';
  return new EdgeError('DEPLOY_FAILED', first, { context: { network }, remedy, cause: error });
}
