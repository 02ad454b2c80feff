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

/** Connected to nobody, content nodes with their libp2p nodes and folders; `close` ends them all. */
export async function openPeers(
  count: number,
  stallTimeoutMs = 300,
): Promise<{ peers: Peer[]; close: () => Promise<void> }> {
  const root = await mkdtemp(join(tmpdir(), 'eaas-content-'));
  const start = async (_: unknown, index: number): Promise<Peer> => {
    const libp2p = await startHost();
    const dir = join(root, String(index));
    const content = await startContent({ libp2p, dir, stallTimeoutMs });
    return { libp2p, content, id: libp2p.peerId.toString(), dir };
  };
  const peers = await Promise.all(Array.from({ length: count }, start));
  const stop = async (peer: Peer) => {
    await peer.content.stop();
    await peer.libp2p.stop();
  };
  const close = async () => {
    await Promise.all(peers.map(stop));
    await rm(root, { recursive: true, force: true });
  };
  return { peers, close };
}

export async function connect(from: Libp2p, to: Libp2p): Promise<void> {
  await from.dial(to.getMultiaddrs());
}
