import { createRequire } from 'node:module';
import toolbox from '@nomicfoundation/hardhat-toolbox-mocha-ethers';
import { defineConfig } from 'hardhat/config';

const require = createRequire(import.meta.url);

export default defineConfig({
  plugins: [toolbox],
  paths: { sources: './contracts', tests: { mocha: './test/contracts', solidity: './test/solidity' } },
  solidity: {
    version: '0.8.37',
    // The npm package: nothing is downloaded.
    path: require.resolve('solc/soljson.js'),
    settings: { optimizer: { enabled: true, runs: 10_000 }, viaIR: true, evmVersion: 'cancun' },
  },
});
