import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Libp2p } from '@libp2p/interface';
import type { ContentNode } from '../../../sdk/content/content.ts';
import { startContent } from '../../../sdk/content/content.ts';
import { startHost } from '../p2p/hosts.ts';

export interface Peer {
  libp2p: Libp2p;
  content: ContentNode;
  id: string;
  dir: string;
  stop(): Promise<void>;
}

/** A content node on this project's libp2p host, with all its limits. */
async function startPeer(dir: string, stallTimeoutMs: number): Promise<Peer> {
  const host = await startHost();
  const content = await startContent({ libp2p: host.libp2p, dir, stallTimeoutMs });
  const stop = async () => {
    await content.stop();
    await host.stop();
  };
  return { libp2p: host.libp2p, content, id: host.peerId, dir, stop };
}

/** Content nodes that are connected to nobody; `close` ends them all and removes their folders. */
export async function openPeers(
  count: number,
  stallTimeoutMs = 300,
): Promise<{ peers: Peer[]; close: () => Promise<void> }> {
  const root = await mkdtemp(join(tmpdir(), 'eaas-content-'));
  const dirs = Array.from({ length: count }, (_, index) => join(root, String(index)));
  const peers = await Promise.all(dirs.map((dir) => startPeer(dir, stallTimeoutMs)));
  const close = async () => {
    await Promise.all(peers.map((peer) => peer.stop()));
    await rm(root, { recursive: true, force: true });
  };
  return { peers, close };
}

export async function connect(from: Libp2p, to: Libp2p): Promise<void> {
  await from.dial(to.getMultiaddrs());
}
