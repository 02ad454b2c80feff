import { systemClock } from '../../../node/clock.ts';
import { silentLog } from '../../../sdk/log.ts';
import { createHost, type Host, type HostInit } from '../../../sdk/p2p/host.ts';
import { generatePeerKey } from '../../../sdk/p2p/key.ts';
import { TOPIC } from './topic.ts';

/** A host that will take a free port of this machine. */
export function createTestHost(init: Partial<HostInit> = {}): Promise<Host> {
  return createHost({
    privateKey: generatePeerKey(),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    bootstrap: [],
    mdns: false,
    network: 'lan',
    allowedTopics: [TOPIC, `${TOPIC}/b`],
    clock: systemClock(),
    logger: silentLog(),
    ...init,
  });
}

export async function startHost(init: Partial<HostInit> = {}): Promise<Host> {
  const host = await createTestHost(init);
  await host.start();
  return host;
}

/** The addresses that others write into their bootstrap list. */
export function bootstrapAddresses(host: Host): string[] {
  return host.addrs().map((address) => `${address}/p2p/${host.peerId}`);
}
