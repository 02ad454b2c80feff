import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identify } from '@libp2p/identify';
import type { Libp2p } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { createLibp2p } from 'libp2p';
import type { ContentNode } from '../../../sdk/content/content.ts';
import { startContent } from '../../../sdk/content/content.ts';

/** A bare libp2p node on loopback. */
export async function startHost(): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
  });
}

export interface Peer {
  libp2p: Libp2p;
  content: ContentNode;
  id: string;
  dir: string;
}

/** Content nodes, their libp2p nodes and folders of one test; `close` ends them all. */
export async function openPeers(names: string[]) {
  const root = await mkdtemp(join(tmpdir(), 'eaas-content-'));
  const start = async (name: string): Promise<Peer> => {
    const libp2p = await startHost();
    const dir = join(root, name);
    const content = await startContent({ libp2p, dir, blockTimeoutMs: 5_000 });
    return { libp2p, content, id: libp2p.peerId.toString(), dir };
  };
  const peers = await Promise.all(names.map(start));
  const close = async () => {
    await Promise.all(peers.map(async (peer) => [await peer.content.stop(), await peer.libp2p.stop()]));
    await rm(root, { recursive: true, force: true });
  };
  return { root, peers, close };
}

export async function connect(from: Libp2p, to: Libp2p): Promise<void> {
  await from.dial(to.getMultiaddrs());
}
