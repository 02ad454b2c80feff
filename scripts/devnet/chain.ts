import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Contract, HDNodeWallet, JsonRpcProvider, Mnemonic, NonceManager } from 'ethers';
import { z } from 'zod';
import { EdgeError } from '../../market/errors.ts';
import { type Addresses, artifactOf, deployContracts } from '../deploy/local.ts';
import { mined } from '../deploy/mined.ts';
import { readIfThere } from './edge-node.ts';
import { freePort, type Program, samePort, startProgram, until } from './processes.ts';

/** Anvil's well-known development words: accounts with play money on a local chain, worthless anywhere else. */
const DEV_MNEMONIC = 'test test test test test test test test test test test junk';

export interface LocalChain {
  program: Program;
  rpcUrl: string;
  chainId: number;
  contracts: Addresses;
  provider: JsonRpcProvider;
  /** Gives an account native currency for gas and tokens to trade with. */
  fund(address: string, tokenWei: bigint): Promise<void>;
  stop(): Promise<void>;
}

/** The anvil program that npm installed for this machine. */
export function anvilBinary(): string {
  const require = createRequire(import.meta.url);
  const names: Record<string, string> = { x64: 'amd64', arm64: 'arm64' };
  const pkg = `@foundry-rs/anvil-${process.platform}-${names[process.arch] ?? process.arch}`;
  try {
    return join(
      dirname(require.resolve(`${pkg}/package.json`)),
      'bin',
      process.platform === 'win32' ? 'anvil.exe' : 'anvil',
    );
  } catch (cause) {
    throw new EdgeError('CHAIN_PROGRAM_MISSING', `no local chain program for this machine (${pkg})`, {
      remedy: 'run the set-up again (npm run setup), or point the nodes at a chain of your own',
      cause,
    });
  }
}

/** Null until the chain answers. */
async function askChainId(rpcUrl: string): Promise<number | null> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] });
  const response = await fetch(rpcUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const { result } = (await response.json()) as { result?: string };
  return result === undefined ? null : Number(result);
}

const storedSchema = z.object({
  port: z.number(),
  contracts: z.object({ escrow: z.string(), token: z.string(), panel: z.string(), anchor: z.string() }),
});
/** How often a resumable chain is written to disk, beside the write at its end. */
const STATE_INTERVAL_SEC = 2;

/**
 * Starts a local chain and deploys the contracts. A resumable one is kept in the folder and continues on the same port;
 * throws `PORT_TAKEN` when somebody else listens there.
 */
export async function startChain(init: { folder: string; resumable: boolean }): Promise<LocalChain> {
  const file = join(init.folder, 'chain.json');
  const text = init.resumable ? await readIfThere(file) : null;
  const stored = text === null ? null : storedSchema.parse(JSON.parse(text));
  const port = stored === null ? await freePort() : await samePort(stored.port);
  const state = join(init.folder, 'chain-state.json');
  const kept = init.resumable ? ['--state', state, '--state-interval', String(STATE_INTERVAL_SEC)] : [];
  const program = startProgram({
    name: 'chain',
    command: anvilBinary(),
    args: ['--port', String(port), '--silent', '--accounts', '2', ...kept],
    logFile: join(init.folder, 'chain.log'),
  });
  const rpcUrl = `http://127.0.0.1:${port}`;
  try {
    return await useChain(program, {
      rpcUrl,
      known: stored?.contracts ?? null,
      save: init.resumable ? { file, port } : null,
    });
  } catch (error) {
    // Nobody else knows of it yet.
    await program.kill();
    throw error;
  }
}

interface UseInit {
  rpcUrl: string;
  /** Contracts of an earlier start. */
  known: Addresses | null;
  save: { file: string; port: number } | null;
}

async function useChain(program: Program, { rpcUrl, known, save }: UseInit): Promise<LocalChain> {
  const chainId = await until('the local chain', 20_000, () => askChainId(rpcUrl), program);
  const provider = new JsonRpcProvider(rpcUrl, chainId, { staticNetwork: true, cacheTimeout: -1 });
  const wallet = HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(DEV_MNEMONIC)).connect(provider);
  const deployer = new NonceManager(wallet);
  const contracts = known ?? (await deployContracts(deployer));
  if (save !== null) await writeFile(save.file, JSON.stringify({ port: save.port, contracts }));
  const token = new Contract(contracts.token, (await artifactOf('TestToken', 'local')).abi, deployer);
  return {
    program,
    rpcUrl,
    chainId,
    contracts,
    provider,
    async fund(address, tokenWei) {
      await mined(await deployer.sendTransaction({ to: address, value: 10n ** 18n }));
      await mined(await token.getFunction('mint')(address, tokenWei));
    },
    async stop() {
      provider.destroy();
      await program.stop();
    },
  };
}
