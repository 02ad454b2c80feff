import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { createKeystore } from '../../node/keystore.ts';
import type { RuntimeName } from '../../node/ports.ts';
import { peerIdOf } from '../../sdk/p2p/key.ts';
import type { LocalChain } from '../devnet/chain.ts';
import { freePort, type Program, startProgram } from '../devnet/processes.ts';
import type { Site } from './world-map.ts';

/** A node's folder on disk, ready to be started with `eaas up`. */
export interface SiteNode {
  site: Site;
  address: string;
  peerId: string;
  dataDir: string;
  configFile: string;
  passwordFile: string;
  logFile: string;
  listen: string;
  udpPort: number;
}

/** Play accounts: the cheapest scrypt cost, since they protect play money on this machine. */
export const DEMO_SCRYPT_N = 1024;

export interface SiteInit {
  site: Site;
  folder: string;
  chain: LocalChain;
  runtime: RuntimeName;
  /** Multiaddrs with `/p2p/` of nodes that are already laid out. */
  bootstrap: string[];
  heartbeatIntervalMs: number;
  /** Provider's and customer's policy; null offers nothing. */
  offer: object | null;
  insure: object;
  interfaces: string[];
}

/** Makes the keystore and the configuration of a node, as `eaas init` does for a person. */
export async function layOutNode(init: SiteInit): Promise<SiteNode> {
  const dataDir = join(init.folder, init.site.name);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const password = `demo-${init.site.name}`;
  const passwordFile = join(dataDir, 'password');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  const keys = await createKeystore({ dir: dataDir, password, scryptN: DEMO_SCRYPT_N });
  const listen = `/ip4/127.0.0.1/tcp/${await freePort()}`;
  const udpPort = await freePort();
  const config = {
    role: 'edge',
    name: init.site.name,
    dataDir,
    chain: {
      rpcUrl: init.chain.rpcUrl,
      chainId: init.chain.chainId,
      escrow: init.chain.contracts.escrow,
      token: init.chain.contracts.token,
    },
    place: { lat: init.site.lat, lng: init.site.lng },
    interfaces: init.interfaces,
    p2p: { listen: [listen], bootstrap: init.bootstrap, mdns: false },
    south: { udpPort },
    api: { port: 0 },
    runtime: init.runtime,
    heartbeatIntervalMs: init.heartbeatIntervalMs,
    keystore: { passwordFile, scryptN: DEMO_SCRYPT_N },
    ...(init.offer === null ? {} : { offer: init.offer }),
    insure: init.insure,
    log: { level: 'info' },
  };
  const configFile = join(dataDir, 'eaas.yaml');
  await writeFile(configFile, stringify(config));
  const { address } = keys.wallet;
  const peerId = peerIdOf(keys.peerKey);
  const logFile = join(init.folder, `${init.site.name}.log`);
  return { site: init.site, address, peerId, dataDir, configFile, passwordFile, logFile, listen, udpPort };
}

/** Starts the node as its own process, with the program that runs now. */
export function startNode(node: SiteNode, entry: string, extra: string[] = []): Program {
  return startProgram({
    name: node.site.name,
    command: process.execPath,
    args: [entry, 'up', '--config', node.configFile, ...extra],
    logFile: node.logFile,
  });
}
