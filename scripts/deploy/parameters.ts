import { Command, InvalidArgumentError, Option } from 'commander';
import { getAddress, isAddress } from 'ethers';
import { EdgeError } from '../../market/errors.ts';

/** Who verifies sources. Etherscan's needs ETHERSCAN_API_KEY. */
export const VERIFIERS = ['sourcify', 'blockscout', 'etherscan'] as const;
export type Verifier = (typeof VERIFIERS)[number];

export interface Parameters {
  network: string;
  /** Accounts that sit on the panel; null: the deployer alone. */
  members: string[] | null;
  /** How many of them a ruling takes. */
  threshold: number;
  /** What a ruling costs. */
  feeGwei: number;
  verify: Verifier[];
  json: boolean;
}

const MAX_MEMBERS = 255;
const MAX_FEE_GWEI = 2 ** 40 - 1;

function membersOf(text: string): string[] {
  const members = text.split(',').map((address) => address.trim());
  for (const address of members) {
    if (!isAddress(address)) throw new InvalidArgumentError(`"${address}" is no address (or its checksum is wrong).`);
  }
  const known = members.map((address) => getAddress(address));
  if (new Set(known).size !== known.length) throw new InvalidArgumentError('Each member sits on the panel once.');
  if (known.length > MAX_MEMBERS) throw new InvalidArgumentError(`A panel has at most ${MAX_MEMBERS} members.`);
  return known;
}

function verifiersOf(text: string): Verifier[] {
  return text.split(',').map((name) => {
    const verifier = VERIFIERS.find((known) => known === name.trim());
    if (verifier === undefined) throw new InvalidArgumentError(`Take of ${VERIFIERS.join(', ')}.`);
    return verifier;
  });
}

function wholeOf(max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value > max) throw new InvalidArgumentError(`Give a whole number up to ${max}.`);
    return value;
  };
}

function networkOf(name: string): string {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) throw new InvalidArgumentError('Names are of a-z, 0-9 and -.');
  return name;
}

/** Reads the command line. Throws `USAGE`, or commander's own error, which has been printed. */
export function parametersOf(args: string[]): Parameters {
  const command = new Command('npm run deploy --')
    .description(
      'Deploys the escrow, a panel and the anchor to an EVM network and writes deployments/<network>.json. An ' +
        'interrupted run is continued. NAME_RPC_URL and DEPLOYER_KEY come from the environment or Hardhat’s keystore ' +
        '(npx hardhat keystore set DEPLOYER_KEY); "localhost" is a Hardhat node on this machine.',
    )
    .addOption(new Option('--network <name>', 'any name; its URL is NAME_RPC_URL').argParser(networkOf))
    .addOption(
      new Option('--members <addresses>', 'who sits on the panel, by commas (default: you alone)').argParser(membersOf),
    )
    .addOption(
      new Option('--threshold <k>', 'signatures a ruling takes (default: all)').argParser(wholeOf(MAX_MEMBERS)),
    )
    .addOption(
      new Option('--fee-gwei <fee>', 'what a ruling costs').argParser(wholeOf(MAX_FEE_GWEI)).default(1_000_000),
    )
    .addOption(
      new Option('--verify <services>', `verify the sources with ${VERIFIERS.join(', ')}`)
        .argParser(verifiersOf)
        .default([], 'not at all'),
    )
    .option('--json', 'print one JSON object', false)
    .exitOverride()
    .parse(args, { from: 'user' });
  const options = command.opts<Partial<Parameters> & Pick<Parameters, 'feeGwei' | 'verify' | 'json'>>();
  const { network, members = null } = options;
  if (network === undefined) {
    throw new EdgeError('USAGE', '--network is needed', { remedy: 'see npm run deploy -- --help' });
  }
  const seats = members?.length ?? 1;
  const { threshold = seats } = options;
  if (threshold < 1 || threshold > seats) {
    throw new EdgeError('USAGE', `--threshold ${threshold} does not fit a panel of ${seats}`, {
      context: { threshold, seats },
      remedy: seats === 1 ? 'name --members' : `give 1 to ${seats}`,
    });
  }
  return { ...options, network, members, threshold };
}
