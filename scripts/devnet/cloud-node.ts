import { join } from 'node:path';
import { z } from 'zod';
import { chainSection, type EdgeInit, layOutNode, startNode } from './edge-node.ts';
import { freePort, type Program, until } from './processes.ts';

/** The customers' cloud of a local network: one process that takes everybody's readings. */
export interface CloudSite {
  address: string;
  url: string;
  configFile: string;
  program: Program;
}

const NAME = 'cloud';
const START_TIMEOUT_MS = 20_000;
const portSchema = z.looseObject({ cloud: z.looseObject({ port: z.number() }) });

/** Lays out and starts the cloud for these accounts; resolves when it takes readings. */
export async function startCloud(
  init: Pick<EdgeInit, 'folder' | 'chain'> & { customers: string[] },
): Promise<CloudSite> {
  const laidOut = await layOutNode(init.folder, NAME, async (common) => ({
    role: 'cloud',
    ...common,
    chain: chainSection(init.chain),
    cloud: { port: await freePort(), host: '127.0.0.1', customers: init.customers },
  }));
  const url = `http://127.0.0.1:${portSchema.parse(laidOut.config).cloud.port}`;
  const { configFile } = laidOut;
  const program = startNode({ name: NAME, configFile, logFile: join(init.folder, `${NAME}.log`) });
  await until('the cloud', START_TIMEOUT_MS, async () => ((await fetch(`${url}/health`)).ok ? true : null), program);
  return { address: laidOut.keys.wallet.address, url, configFile, program };
}
