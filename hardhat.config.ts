import { createRequire } from 'node:module';
import toolbox from '@nomicfoundation/hardhat-toolbox-mocha-ethers';
import { defineConfig } from 'hardhat/config';
import type { HardhatPlugin } from 'hardhat/types/plugins';

const require = createRequire(import.meta.url);

/** Warnings in our sources fail the build; those in packages are not ours to fix and are left out. */
const strictWarnings: HardhatPlugin = {
  id: 'strict-warnings',
  hookHandlers: {
    solidity: async () => ({
      default: async () => ({
        async getCompilationJobErrors(context, job, output, next) {
          const errors = await next(context, job, output);
          const ours = errors.filter(
            (error) => !/--> \S*(npm|node_modules)\//.test(error.formattedMessage ?? error.message),
          );
          const warnings = ours.filter((error) => error.severity === 'warning');
          if (warnings.length > 0) throw new Error(warnings.map((warning) => warning.formattedMessage).join('\n'));
          return ours;
        },
      }),
    }),
  },
};

export default defineConfig({
  plugins: [toolbox, strictWarnings],
  typechain: { tsNocheck: true },
  paths: { sources: './contracts', tests: { mocha: './test/contracts', solidity: './test/solidity' } },
  solidity: {
    version: '0.8.37',
    // The npm package: nothing is downloaded.
    path: require.resolve('solc/soljson.js'),
    settings: { optimizer: { enabled: true, runs: 10_000 }, viaIR: true, evmVersion: 'cancun' },
  },
});
