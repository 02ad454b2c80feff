import { silentLog } from '../../../sdk/log.ts';
import { createGossip } from '../../../sdk/p2p/gossip.ts';
import { peerKeyFromSeed } from '../../../sdk/p2p/key.ts';
import { createStreams } from '../../../sdk/p2p/streams.ts';
import { startHost } from './hosts.ts';
import { TOPIC } from './topic.ts';

/** A peer in a process of its own: `node peer-process.ts <seed byte> <port> [bootstrap…]`. Answers /eaas/echo/1.0.0. */
const [seed = '1', port = '0', ...bootstrap] = process.argv.slice(2);

const host = await startHost({
  privateKey: peerKeyFromSeed(new Uint8Array(32).fill(Number(seed))),
  listen: [`/ip4/127.0.0.1/tcp/${port}`],
  bootstrap,
});
const streams = createStreams(host.libp2p, silentLog());
const gossip = createGossip(host, silentLog());
const heard: string[] = [];
await streams.handle('/eaas/echo/1.0.0', async (body, from) => ({ body, from, pid: process.pid }));
await streams.handle('/eaas/heard/1.0.0', async () => heard);
await streams.handle('/eaas/never/1.0.0', () => new Promise(() => {}));
await gossip.subscribe(
  TOPIC,
  async () => 'accept',
  (data) => heard.push(Buffer.from(data).toString()),
);
console.log(JSON.stringify({ peerId: host.peerId, addrs: host.addrs() }));
