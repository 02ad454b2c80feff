import { createRequire } from 'node:module';
import toolbox from '@nomicfoundation/hardhat-toolbox-mocha-ethers';
import { defineConfig } from 'hardhat/config';
import type { HardhatPlugin } from 'hardhat/types/plugins';

const require = createRequire(import.meta.url);

/** Warnings in contracts/ fail the build; those in packages and about the size of tests are left out. */
const strictWarnings: HardhatPlugin = {
  id: 'strict-warnings',
  hookHandlers: {
    solidity: async () => ({
      default: async () => ({
        async getCompilationJobErrors(context, job, output, next) {
          const errors = await next(context, job, output);
          const ours = errors.filter((error) => (error.formattedMessage ?? '').includes('--> ./contracts/'));
          const warnings = ours.filter((error) => error.severity === 'warning');
          if (warnings.length > 0) throw new Error(warnings.map((warning) => warning.formattedMessage).join('\n'));
          return errors.filter((error) => error.severity !== 'warning');
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
  // Shallow here, so that every `npm test` has them; foundry.toml has the depth of CI and of the night.
  test: { solidity: { fuzz: { runs: 256 }, invariant: { runs: 8, depth: 64, failOnRevert: true } } },
});
