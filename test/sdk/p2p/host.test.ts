import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { silentLog } from '../../../sdk/log.ts';
import { createGossip } from '../../../sdk/p2p/gossip.ts';
import type { Host } from '../../../sdk/p2p/host.ts';
import { generatePeerKey, peerIdOf } from '../../../sdk/p2p/key.ts';
import { createStreams } from '../../../sdk/p2p/streams.ts';
import { bootstrapAddresses, createTestHost, startHost } from './hosts.ts';
import { until } from './outcomes.ts';
import { TOPIC } from './topic.ts';

const NODES = 7;
const ECHO = '/eaas/echo/1.0.0';

describe('host', () => {
  const hosts: Host[] = [];
  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.stop()));
  });

  it('is named after its key, and tells addresses that can be dialled, without the peer id', async () => {
    const privateKey = generatePeerKey();
    const host = await startHost({ privateKey });
    hosts.push(host);
    expect(host.peerId).to.equal(peerIdOf(privateKey));
    expect(host.addrs()).to.have.length(1);
    expect(host.addrs()[0]).to.match(/^\/ip4\/127\.0\.0\.1\/tcp\/[1-9][0-9]*$/);
  });

  it('tells the announced address instead of its own', async () => {
    const host = await startHost({ announce: ['/ip4/203.0.113.5/tcp/7001'] });
    hosts.push(host);
    expect(host.addrs()).to.deep.equal(['/ip4/203.0.113.5/tcp/7001']);
  });

  it('can be started and stopped twice, and started again', async () => {
    const host = await startHost();
    hosts.push(host);
    await host.start();
    await host.stop();
    await host.stop();
    await host.start();
    expect(host.addrs()).to.have.length(1);
  });

  it('takes handlers before it starts, so that no call comes too early', async () => {
    const called = await createTestHost();
    await createStreams(called.libp2p, silentLog()).handle(ECHO, async (body) => body);
    await called.start();
    const caller = await startHost();
    hosts.push(called, caller);
    const ref = { peerId: called.peerId, addrs: called.addrs() };
    const answer = await createStreams(caller.libp2p, silentLog()).call(ref, ECHO, 'early', { timeoutMs: 5_000 });
    expect(answer).to.equal('early');
  });

  it('reaches a bootstrap peer that starts after it', async () => {
    const placeholder = await startHost();
    const listen = placeholder.addrs();
    await placeholder.stop();
    const privateKey = generatePeerKey();
    const early = await startHost({ bootstrap: listen.map((address) => `${address}/p2p/${peerIdOf(privateKey)}`) });
    hosts.push(early);
    await setTimeout(100);
    expect(early.libp2p.getConnections()).to.deep.equal([]);
    const late = await startHost({ privateKey, listen });
    hosts.push(late);
    await until(() => early.libp2p.getConnections().length > 0);
  });

  it(`brings a message to ${NODES} nodes on one machine within two seconds of subscribing`, async () => {
    const heard: string[] = [];
    for (let n = 0; n < NODES; n += 1)
      hosts.push(await startHost({ bootstrap: hosts.slice(0, 1).flatMap(bootstrapAddresses) }));
    const gossips = hosts.map((host) => createGossip(host, silentLog()));
    for (const [n, gossip] of gossips.entries()) {
      await gossip.subscribe(
        TOPIC,
        async () => 'accept',
        () => heard.push(`${n}`),
      );
    }
    const startedAt = performance.now();
    await Promise.all(gossips.map((gossip) => gossip.waitForPeers(TOPIC, 1, AbortSignal.timeout(5_000))));
    await gossips.at(-1)?.publish(TOPIC, Buffer.from('an order'));
    await until(() => heard.length === NODES - 1);
    expect(performance.now() - startedAt).to.be.below(2_000);
  });

  it('lets many peers of one machine call one of them', async () => {
    const called = await startHost();
    hosts.push(called);
    await createStreams(called.libp2p, silentLog()).handle(ECHO, async (body) => body);
    for (let n = 1; n < NODES; n += 1) hosts.push(await startHost());
    const ref = { peerId: called.peerId, addrs: called.addrs() };
    const callers = hosts.slice(1).map((host) => createStreams(host.libp2p, silentLog()));
    const answers = callers.map((streams, n) => streams.call(ref, ECHO, n, { timeoutMs: 5_000 }));
    expect(await Promise.all(answers)).to.deep.equal([...callers.keys()]);
  });
}).timeout(20_000);
