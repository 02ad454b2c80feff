import { createRequire } from 'node:module';
import { join } from 'node:path';
import toolbox from '@nomicfoundation/hardhat-toolbox-mocha-ethers';
import { configVariable, defineConfig } from 'hardhat/config';
import type { NetworkUserConfig } from 'hardhat/types/config';
import type { HardhatPlugin } from 'hardhat/types/plugins';
import { branchCoverage } from './scripts/solidity/branches.ts';

const require = createRequire(import.meta.url);

/** Instrumented for coverage, contracts are too large to deploy elsewhere; only then that is fine. */
const SIZE_WARNINGS = ['5574', '3860'];

/** Warnings in contracts/ fail the build; those in packages and about the size of tests are left out. */
const strictWarnings: HardhatPlugin = {
  id: 'strict-warnings',
  hookHandlers: {
    solidity: async () => ({
      default: async () => ({
        async getCompilationJobErrors(context, job, output, next) {
          const errors = await next(context, job, output);
          const ours = errors.filter((error) => (error.formattedMessage ?? '').includes('--> ./contracts/'));
          const isForUs = (code?: string) => !context.globalOptions.coverage || !SIZE_WARNINGS.includes(code ?? '');
          const warnings = ours.filter(({ severity, errorCode }) => severity === 'warning' && isForUs(errorCode));
          if (warnings.length > 0) throw new Error(warnings.map((warning) => warning.formattedMessage).join('\n'));
          return errors.filter((error) => error.severity !== 'warning');
        },
      }),
    }),
  },
};

/** `npm run deploy -- --network NAME` reads NAME_RPC_URL and DEPLOYER_KEY, from the environment or Hardhat's keystore. */
const NETWORKS = ['sepolia', 'base', 'base-sepolia', 'arbitrum', 'optimism', 'polygon', 'gnosis'];
const networks: Record<string, NetworkUserConfig> = Object.fromEntries(
  NETWORKS.map((name) => [
    name,
    {
      type: 'http',
      url: configVariable(`${name.toUpperCase().replaceAll('-', '_')}_RPC_URL`),
      accounts: [configVariable('DEPLOYER_KEY')],
    },
  ]),
);

export default defineConfig({
  networks,
  verify: { etherscan: { apiKey: configVariable('ETHERSCAN_API_KEY') } },
  plugins: [toolbox, strictWarnings, branchCoverage(join(import.meta.dirname, 'coverage/branches.json'))],
  coverage: { skipFiles: ['contracts/mocks/**', 'contracts/local/**'] },
  typechain: { tsNocheck: true },
  paths: { sources: './contracts', tests: { mocha: './test/contracts', solidity: './test/solidity' } },
  solidity: {
    version: '0.8.37',
    // The npm package: nothing is downloaded.
    path: require.resolve('solc/soljson.js'),
    settings: { optimizer: { enabled: true, runs: 10_000 }, viaIR: true, evmVersion: 'cancun' },
  },
});
