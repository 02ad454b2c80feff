/** A provider as a process of its own: fetches the workload that its parent describes, and can be killed. */
import { join } from 'node:path';
import { multiaddr } from '@multiformats/multiaddr';
import { fetchWorkload } from '../../../node/migration/fetch.ts';
import { startContent } from '../../../sdk/content/content.ts';
import type { Host } from '../../../sdk/p2p/host.ts';
import { startHost } from '../../sdk/p2p/hosts.ts';

export interface FetchOrder {
  addr: string;
  from: string;
  rootCids: string[];
  key: string;
  workloadHash: string;
  dir: string;
}
export type FetchReport =
  | { kind: 'ready'; peerId: string }
  | { kind: 'progress'; bytes: number }
  | { kind: 'done'; fetchedBytes: number; layouts: [string, string][] };

const report = (message: FetchReport) => process.send?.(message);

async function run(host: Host, order: FetchOrder): Promise<void> {
  const content = await startContent({ libp2p: host.libp2p, dir: join(order.dir, 'content') });
  await host.libp2p.dial(multiaddr(order.addr));
  const { fetchedBytes, layoutDirs } = await fetchWorkload({
    content,
    from: order.from,
    rootCids: order.rootCids,
    key: Buffer.from(order.key, 'hex'),
    workloadHash: order.workloadHash,
    targetDir: join(order.dir, 'workloads'),
    maxBytes: 1e9,
    onProgress: (bytes) => report({ kind: 'progress', bytes }),
  });
  report({ kind: 'done', fetchedBytes, layouts: [...layoutDirs] });
  process.disconnect();
  await content.stop();
  await host.stop();
}

const host = await startHost();
process.once('message', (order: FetchOrder) => {
  run(host, order).catch((error) => {
    console.error(error);
    process.exit(1);
  });
});
report({ kind: 'ready', peerId: host.peerId });
