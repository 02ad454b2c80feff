import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import type { PeerRef, Streams } from '../../../market/ports.ts';
import { silentLog } from '../../../sdk/log.ts';
import { createGossip } from '../../../sdk/p2p/gossip.ts';
import type { Host } from '../../../sdk/p2p/host.ts';
import { generatePeerKey, peerIdOf } from '../../../sdk/p2p/key.ts';
import { createStreams } from '../../../sdk/p2p/streams.ts';
import { bootstrapAddresses, startHost } from './hosts.ts';
import { failure, until } from './outcomes.ts';
import { TOPIC } from './topic.ts';

const ECHO = '/eaas/echo/1.0.0';
const PATIENT = { timeoutMs: 5_000 };

interface PeerProcess extends PeerRef {
  child: ChildProcess;
  port: string;
}

async function spawnPeer(seed: number, port: string, bootstrap: string[]): Promise<PeerProcess> {
  const script = new URL('./peer-process.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, String(seed), port, ...bootstrap], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface({ input: child.stdout }), 'line', { signal: AbortSignal.timeout(15_000) });
  const ref = JSON.parse(String(line)) as PeerRef;
  return { ...ref, child, port: ref.addrs[0]?.split('/').at(-1) ?? '' };
}

async function kill(peer: PeerProcess): Promise<void> {
  if (peer.child.exitCode !== null || peer.child.signalCode !== null) return;
  const exited = once(peer.child, 'exit');
  peer.child.kill('SIGKILL');
  // A stopped process dies only when it goes on.
  peer.child.kill('SIGCONT');
  await exited;
}

describe('peers in processes of their own', () => {
  let host: Host;
  let streams: Streams;
  let peer: PeerProcess;
  let peerSeed = 1;

  beforeEach(async () => {
    host = await startHost();
    streams = createStreams(host.libp2p, silentLog());
    peerSeed += 1;
    peer = await spawnPeer(peerSeed, '0', bootstrapAddresses(host));
  });
  afterEach(async () => {
    await kill(peer);
    await host.stop();
  });

  it('answer again at once when they come back on the same port after SIGKILL', async () => {
    for (let round = 0; round < 3; round += 1) {
      const gone = new Promise((resolve) => streams.onDisconnect(resolve));
      await streams.call(peer, ECHO, round, PATIENT);
      const pending = failure(streams.call(peer, '/eaas/never/1.0.0', null, PATIENT));
      await setTimeout(20);
      await kill(peer);
      expect((await pending).code, 'the call under way').to.equal('PEER_UNREACHABLE');
      expect(await gone).to.equal(peer.peerId);

      const refusedAt = performance.now();
      expect((await failure(streams.call(peer, ECHO, round, PATIENT))).code).to.equal('PEER_UNREACHABLE');
      expect(performance.now() - refusedAt, 'ms until it is refused').to.be.below(500);

      peer = await spawnPeer(peerSeed, peer.port, []);
      const calledAt = performance.now();
      const answer = await streams.call(peer, ECHO, round, PATIENT);
      expect(answer).to.deep.equal({ body: round, from: host.peerId, pid: peer.child.pid });
      expect(performance.now() - calledAt, 'ms until it answers').to.be.below(1_000);
    }
  });

  it('answer again when they come back and dial us before we notice that they were gone', async () => {
    await streams.call(peer, ECHO, 1, PATIENT);
    // Stopped, not dead: its sockets stay open and silent, as after a power cut.
    peer.child.kill('SIGSTOP');
    const error = await failure(streams.call(peer, ECHO, 2, { timeoutMs: 300 }));
    expect(error.code).to.equal('CALL_TIMEOUT');
    const stale = host.libp2p.getConnections().map(({ id }) => id);
    const twin = await spawnPeer(peerSeed, '0', bootstrapAddresses(host));
    try {
      await until(() => host.libp2p.getConnections().some(({ id }) => !stale.includes(id)));
      const answer = await streams.call({ ...twin, addrs: [] }, ECHO, 3, PATIENT);
      expect(answer).to.deep.equal({ body: 3, from: host.peerId, pid: twin.child.pid });
    } finally {
      await kill(twin);
    }
  });

  it('are given up when they hang, and found again when they go on', async () => {
    await streams.call(peer, ECHO, 1, PATIENT);
    const gone = new Promise((resolve) => streams.onDisconnect(resolve));
    peer.child.kill('SIGSTOP');
    expect((await failure(streams.call(peer, ECHO, 2, { timeoutMs: 300 }))).code).to.equal('CALL_TIMEOUT');
    expect(await gone).to.equal(peer.peerId);
    peer.child.kill('SIGCONT');
    const answer = await streams.call(peer, ECHO, 3, PATIENT);
    expect(answer).to.deep.equal({ body: 3, from: host.peerId, pid: peer.child.pid });
  });

  it('are told apart from a stranger who answers at their address', async () => {
    const error = await failure(streams.call({ ...peer, peerId: peerIdOf(generatePeerKey()) }, ECHO, 1, PATIENT));
    expect(error.code).to.equal('PEER_UNREACHABLE');
  });

  it('hear gossip again after SIGKILL and restart, and so do we', async () => {
    const gossip = createGossip(host, silentLog());
    await gossip.subscribe(
      TOPIC,
      async () => 'accept',
      () => {},
    );
    const heard = async (): Promise<unknown> => streams.call(peer, '/eaas/heard/1.0.0', null, PATIENT);
    await gossip.waitForPeers(TOPIC, 1, AbortSignal.timeout(3_000));
    await gossip.publish(TOPIC, Buffer.from('before'));
    await setTimeout(300);
    expect(await heard()).to.deep.equal(['before']);

    await kill(peer);
    await until(() => gossip.peers(TOPIC).length === 0);
    peer = await spawnPeer(peerSeed, peer.port, bootstrapAddresses(host));
    await gossip.waitForPeers(TOPIC, 1, AbortSignal.timeout(3_000));
    await gossip.publish(TOPIC, Buffer.from('after'));
    await setTimeout(300);
    expect(await heard()).to.deep.equal(['after']);
  });
}).timeout(30_000);
