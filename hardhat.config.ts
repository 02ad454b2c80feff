import { createRequire } from 'node:module';
import { join } from 'node:path';
import toolbox from '@nomicfoundation/hardhat-toolbox-mocha-ethers';
import { configVariable, defineConfig } from 'hardhat/config';
import type { NetworkUserConfig, SolcUserConfig } from 'hardhat/types/config';
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

/** A network whose URL is NAME_RPC_URL and whose key is DEPLOYER_KEY, of the environment or Hardhat's keystore. */
export function networkByEnvironment(name: string): NetworkUserConfig {
  const url = configVariable(`${name.toUpperCase().replaceAll('-', '_')}_RPC_URL`);
  return { type: 'http', url, accounts: [configVariable('DEPLOYER_KEY')] };
}

const compiler: SolcUserConfig = {
  version: '0.8.37',
  // The npm package: nothing is downloaded.
  path: require.resolve('solc/soljson.js'),
  settings: { optimizer: { enabled: true, runs: 10_000 }, viaIR: true, evmVersion: 'cancun' },
};

export default defineConfig({
  verify: {
    etherscan: { apiKey: configVariable('ETHERSCAN_API_KEY') },
    // One's own instance of it, where that is wanted.
    ...(process.env.SOURCIFY_URL === undefined ? {} : { sourcify: { apiUrl: process.env.SOURCIFY_URL } }),
  },
  plugins: [toolbox, strictWarnings, branchCoverage(join(import.meta.dirname, 'coverage/branches.json'))],
  coverage: { skipFiles: ['contracts/mocks/**', 'contracts/local/**'] },
  typechain: { tsNocheck: true },
  // Solidity tests are forge's: a folder without any keeps Hardhat from compiling them too, which takes a minute.
  paths: { sources: './contracts', tests: { mocha: './test/contracts', solidity: './test/contracts' } },
  // The verification of sources takes the second one.
  solidity: { profiles: { default: compiler, production: compiler } },
});
