import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Option } from 'commander';
import { EdgeError } from '../../../market/errors.ts';
import { peerIdOf } from '../../../sdk/p2p/key.ts';
import { configTemplate } from '../../config/template.ts';
import { parseYaml } from '../../config/yaml-file.ts';
import { parseConfig } from '../../config.ts';
import { createKeystore } from '../../keystore.ts';
import { askPassword } from '../password.ts';
import type { CommandSpec } from '../program.ts';

async function passwordFor(file: string | undefined): Promise<string> {
  if (file !== undefined) return (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
  const password = await askPassword('New password of the keystore: ');
  if ((await askPassword('Again: ')) !== password) {
    throw new EdgeError('PASSWORD_DIFFERS', 'the two passwords differ', { remedy: 'run eaas init again' });
  }
  return password;
}

export const initCommand: CommandSpec = {
  command: 'init',
  describe: 'write a commented configuration and create the keys of this node',
  options: [
    new Option('--role <role>', 'edge or cloud').choices(['edge', 'cloud']).default('edge'),
    new Option('--name <name>', 'name of the node').default('edge-1'),
    new Option('--lat <degrees>', 'latitude of the device').argParser(Number),
    new Option('--lng <degrees>', 'longitude of the device').argParser(Number),
    new Option('--rpc-url <url>', 'JSON-RPC address of the chain').default('http://127.0.0.1:8545'),
    new Option('--chain-id <id>', 'chain id').argParser(Number).default(31337),
    new Option('--escrow <address>', 'address of the AgreementEscrow contract').makeOptionMandatory(),
    new Option('--token <address>', 'address of the payment token').makeOptionMandatory(),
    new Option('--customer <address...>', 'accounts the cloud serves (role cloud)'),
    new Option('--offer', 'rent this device out'),
    new Option('--udp-port <port>', 'UDP port of the LoRaWAN packet forwarder').argParser(Number),
    new Option('--interface <name...>', 'connectivity the device can lend, such as lorawan-eu868'),
    new Option('--password-file <file>', 'file that holds the password; asked for otherwise'),
    new Option('--scrypt-n <n>', 'cost of guessing the password, a power of two').argParser(Number).default(131_072),
  ],
  examples: ['eaas init --name bridge --lat -22.87 --lng -43.14 --escrow 0x… --token 0x…'],
  async handler(cli, _args, options) {
    const file = resolve(String(options.config ?? 'eaas.yaml'));
    const dataDir = resolve(String(options.dataDir ?? join(dirname(file), 'data')));
    const given = options as unknown as InitOptions;
    const text = checkedConfig(given, file, dataDir);
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    const password = await passwordFor(given.passwordFile);
    try {
      await writeFile(file, text, { flag: 'wx' });
    } catch (cause) {
      throw new EdgeError('CONFIG_EXISTS', `${file} exists already`, {
        context: { file },
        remedy: 'remove it first, or name another with --config',
        cause,
      });
    }
    const keys = await createKeystore({ dir: dataDir, password, scryptN: given.scryptN });
    const { address } = keys.wallet;
    const peerId = peerIdOf(keys.peerKey);
    cli.printer.line(`configuration  ${file}`);
    cli.printer.line(`keys           ${dataDir}`);
    cli.printer.line(`account        ${address}`);
    cli.printer.line(`peer id        ${peerId}`);
    cli.printer.line('next: send the account some native currency for gas and tokens for the stake, then run: eaas up');
    cli.printer.result({ file, dataDir, address, peerId });
  },
};

/** The configuration's text. Nothing is written unless a node could start from it. */
function checkedConfig(given: InitOptions, file: string, dataDir: string): string {
  const { role, name, lat, lng, rpcUrl, chainId, escrow, token, passwordFile } = given;
  if (role === 'edge' && (lat === undefined || lng === undefined)) {
    throw new EdgeError('USAGE', 'an edge needs its place', { remedy: 'give --lat and --lng in degrees' });
  }
  const text = configTemplate({
    role,
    name,
    dataDir,
    chain: { rpcUrl, chainId, escrow, token },
    place: lat === undefined || lng === undefined ? null : { lat, lng },
    customers: given.customer ?? [],
    offer: given.offer === true,
    udpPort: given.udpPort ?? null,
    interfaces: given.interface ?? [],
    passwordFile: passwordFile === undefined ? null : resolve(passwordFile),
  });
  parseConfig({ file, env: {}, flags: {}, homeDir: homedir(), cwd: process.cwd() }, parseYaml('the answers', text));
  return text;
}

interface InitOptions {
  role: 'edge' | 'cloud';
  name: string;
  lat?: number;
  lng?: number;
  rpcUrl: string;
  chainId: number;
  escrow: string;
  token: string;
  customer?: string[];
  offer?: boolean;
  udpPort?: number;
  interface?: string[];
  passwordFile?: string;
  scryptN: number;
}
