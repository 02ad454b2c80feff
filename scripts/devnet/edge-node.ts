import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { hasCode } from '../../market/errors.ts';
import { createKeystore, hasKeystore, type Keys, openKeystore } from '../../node/keystore.ts';
import type { RuntimeName } from '../../node/ports.ts';
import { peerIdOf } from '../../sdk/p2p/key.ts';
import { builtProgram } from '../root.ts';
import type { LocalChain } from './chain.ts';
import { freePort, type Program, startProgram } from './processes.ts';

/** Where a node of a local network pretends to be. */
export interface Site {
  /** Its folder, its name on the network, its log. */
  name: string;
  title: string;
  lat: number;
  lng: number;
}

/** An edge's folder on disk, ready to be started with `eaas up`. */
export interface EdgeNode {
  site: Site;
  address: string;
  peerId: string;
  dataDir: string;
  configFile: string;
  logFile: string;
  listen: string;
  udpPort: number;
}

/** Play accounts: the cheapest scrypt cost, since they protect play money on this machine. */
const PLAY_SCRYPT_N = 1024;

export interface EdgeInit {
  site: Site;
  folder: string;
  chain: Pick<LocalChain, 'rpcUrl' | 'chainId' | 'contracts'>;
  runtime: RuntimeName;
  /** Multiaddrs with `/p2p/` of nodes that are already laid out. */
  bootstrap: string[];
  heartbeatIntervalMs: number;
  /** Provider's and customer's policy; null offers nothing. */
  offer: object | null;
  insure: object;
  interfaces: string[];
}

/** Keys and configuration of one node, whatever its role. What is there already is kept: a folder can be resumed. */
export async function layOutNode(
  folder: string,
  name: string,
  config: (common: object) => Promise<object>,
): Promise<{ dataDir: string; configFile: string; keys: Keys; config: unknown }> {
  const dataDir = join(folder, name);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const password = `play-${name}`;
  const passwordFile = join(dataDir, 'password');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  const keystore = { dir: dataDir, password };
  const keys = (await hasKeystore(dataDir))
    ? await openKeystore(keystore)
    : await createKeystore({ ...keystore, scryptN: PLAY_SCRYPT_N });
  const configFile = join(dataDir, 'eaas.yaml');
  let text = await readIfThere(configFile);
  if (text === null) {
    text = stringify(await config({ name, dataDir, keystore: { passwordFile, scryptN: PLAY_SCRYPT_N } }));
    await writeFile(configFile, text);
  }
  return { dataDir, configFile, keys, config: parse(text) };
}

const portsSchema = z.looseObject({
  p2p: z.looseObject({ listen: z.tuple([z.string()], z.string()) }),
  south: z.looseObject({ udpPort: z.number() }),
});

/** Makes the keystore and the configuration of an edge, as `eaas init` does for a person. */
export async function layOutEdge(init: EdgeInit): Promise<EdgeNode> {
  const { site, folder } = init;
  const laidOut = await layOutNode(folder, site.name, async (common) => ({
    role: 'edge',
    ...common,
    chain: chainSection(init.chain),
    place: { lat: site.lat, lng: site.lng },
    interfaces: init.interfaces,
    p2p: { listen: [`/ip4/127.0.0.1/tcp/${await freePort()}`], bootstrap: init.bootstrap, mdns: false },
    south: { udpPort: await freePort() },
    api: { port: 0 },
    runtime: init.runtime,
    heartbeatIntervalMs: init.heartbeatIntervalMs,
    ...(init.offer === null ? {} : { offer: init.offer }),
    insure: init.insure,
    log: { level: 'info' },
  }));
  const { p2p, south } = portsSchema.parse(laidOut.config);
  return {
    site,
    address: laidOut.keys.wallet.address,
    peerId: peerIdOf(laidOut.keys.peerKey),
    dataDir: laidOut.dataDir,
    configFile: laidOut.configFile,
    logFile: join(folder, `${site.name}.log`),
    listen: p2p.listen[0],
    udpPort: south.udpPort,
  };
}

export function chainSection({ rpcUrl, chainId, contracts }: EdgeInit['chain']): object {
  return { rpcUrl, chainId, escrow: contracts.escrow, token: contracts.token };
}

/** Runs a node as its own process. `entry` is the built program. */
export function startNode(
  node: Pick<EdgeNode, 'configFile' | 'logFile'> & { name: string },
  options: { entry?: string; flags?: string[] } = {},
): Program {
  const { entry = builtProgram('eaas'), flags = [] } = options;
  return startProgram({
    name: node.name,
    command: process.execPath,
    args: [entry, 'up', '--config', node.configFile, ...flags],
    logFile: node.logFile,
  });
}

export async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}
