import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { gossipsub } from '@libp2p/gossipsub';
import { identify } from '@libp2p/identify';
import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { expect } from 'chai';
import { createLibp2p } from 'libp2p';
import type { PeerRef, Streams } from '../../../market/ports.ts';
import { silentLog } from '../../../sdk/log.ts';
import { createGossip, type Gossip } from '../../../sdk/p2p/gossip.ts';
import type { Host } from '../../../sdk/p2p/host.ts';
import { CALL_LIMITS, CONNECTION_LIMITS, PRESETS, STREAM_LIMITS } from '../../../sdk/p2p/limits.ts';
import { createStreams } from '../../../sdk/p2p/streams.ts';
import { bootstrapAddresses, startHost } from './hosts.ts';
import { failure, until } from './outcomes.ts';
import { TOPIC } from './topic.ts';

const ECHO = '/eaas/echo/1.0.0';
const PATIENT = { timeoutMs: 5_000 };

/** libp2p as it comes, without any limit of ours; gossipsub would answer for us where a test writes its frames. */
async function startRaw(): Promise<Libp2p> {
  return await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
  });
}

async function startAttacker() {
  return await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) },
  });
}

/** What the stream brings until it ends, as text. */
async function read(stream: Stream): Promise<string> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of stream) chunks.push(chunk.subarray());
  } catch (error) {
    return `cut off: ${String(error)}`;
  }
  return Buffer.concat(chunks).toString();
}

describe('an attacked peer', () => {
  let victim: Host;
  let honest: Host;
  let attacker: Awaited<ReturnType<typeof startAttacker>>;
  let raw: Libp2p | undefined;
  let connection: Connection;
  let calls: Streams;
  let gossip: Gossip;
  let heard: string[];
  let ref: PeerRef;

  beforeEach(async () => {
    victim = await startHost();
    ref = { peerId: victim.peerId, addrs: victim.addrs() };
    await createStreams(victim.libp2p, silentLog()).handle(ECHO, async (body) => body);
    heard = [];
    await createGossip(victim, silentLog()).subscribe(
      TOPIC,
      async () => 'accept',
      (data) => heard.push(Buffer.from(data).toString()),
    );
    honest = await startHost({ bootstrap: bootstrapAddresses(victim) });
    calls = createStreams(honest.libp2p, silentLog());
    gossip = createGossip(honest, silentLog());
    attacker = await startAttacker();
    connection = await attacker.dial(bootstrapAddresses(victim).map((text) => multiaddr(text)));
    await gossip.waitForPeers(TOPIC, 1, AbortSignal.timeout(5_000));
  });
  afterEach(async () => {
    // Also the test of the test: whatever happened, the others are still served.
    try {
      expect(await calls.call(ref, ECHO, 'still there', PATIENT)).to.equal('still there');
      await gossip.publish(TOPIC, Buffer.from('still gossiping'));
      await until(() => heard.includes('still gossiping'));
    } finally {
      await Promise.all([raw?.stop(), attacker.stop(), honest.stop(), victim.stop()]);
    }
  });

  /** A gossip stream that the test itself writes to. */
  async function gossipStream(): Promise<Stream> {
    raw = await startRaw();
    const plain = await raw.dial(bootstrapAddresses(victim).map((text) => multiaddr(text)));
    return await plain.newStream('/meshsub/1.2.0');
  }

  const badRequests: [string, Uint8Array][] = [
    ['announces a frame of 2 GiB', Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0x07])],
    [
      'announces a frame of 1 MiB and sends it',
      Buffer.concat([Buffer.from([0x80, 0x80, 0x40]), Buffer.alloc(200_000)]),
    ],
    ['sends bytes that are not JSON', Uint8Array.from([4, 0xde, 0xad, 0xbe, 0xef])],
    ['sends two frames', Uint8Array.from([1, 0x31, 1, 0x32])],
  ];
  for (const [title, bytes] of badRequests) {
    it(`answers FRAME_INVALID to one who ${title}`, async () => {
      const stream = await connection.newStream(ECHO);
      stream.send(bytes);
      expect(await read(stream)).to.include('"code":"FRAME_INVALID"');
    });
  }

  it('cuts off requests that never end, while it answers others', async () => {
    const streams = await Promise.all(Array.from({ length: 4 }, () => connection.newStream(ECHO)));
    for (const stream of streams) stream.send(Uint8Array.from([0x80, 0x80, 0x08, 0x31]));
    const startedAt = performance.now();
    expect(await calls.call(ref, ECHO, 'meanwhile', PATIENT)).to.equal('meanwhile');
    await Promise.all(streams.map(read));
    expect(performance.now() - startedAt).to.be.within(
      CALL_LIMITS.frameTimeoutMs - 500,
      CALL_LIMITS.frameTimeoutMs + 3_000,
    );
  });

  it('cuts off callers that take their answer and keep the stream', async () => {
    const stream = await connection.newStream(ECHO);
    stream.send(Uint8Array.from([1, 0x31]));
    await until(() => stream.remoteWriteStatus === 'closed');
    await until(() => stream.status !== 'open');
    expect(stream.status).to.equal('reset');
  });

  it('keeps no more streams of one connection than it allows', async () => {
    const flood = Promise.allSettled(
      Array.from({ length: 200 }, () => connection.newStream(ECHO, { maxOutboundStreams: 1_000 })),
    );
    let most = 0;
    let over = false;
    void flood.then(() => {
      over = true;
    });
    while (!over) {
      const streams = victim.libp2p.getConnections(attacker.peerId).flatMap((each) => each.streams);
      most = Math.max(most, streams.filter(({ direction }) => direction === 'inbound').length);
      await setTimeout(1);
    }
    expect(most).to.be.within(1, STREAM_LIMITS.maxInbound);
  });

  it('forgets subscriptions to unknown topics and drops their messages', async () => {
    const topics = Array.from({ length: 500 }, (_, n) => `/spam/${n}`);
    for (const topic of topics) attacker.services.pubsub.subscribe(topic);
    attacker.services.pubsub.subscribe(TOPIC);
    await until(() => victim.libp2p.services.pubsub.getSubscribers(TOPIC).some((id) => id.equals(attacker.peerId)));
    expect(topics.flatMap((topic) => victim.libp2p.services.pubsub.getSubscribers(topic))).to.deep.equal([]);
    await attacker.services.pubsub.publish('/spam/0', Buffer.from('spam'));
    expect(heard).to.deep.equal([]);
  });

  it('ends a gossip stream that brings a frame that is too large', async () => {
    const stream = await gossipStream();
    stream.send(Buffer.concat([Buffer.from([0x80, 0x80, 0x40]), Buffer.alloc(100_000)]));
    await until(() => stream.status !== 'open' || stream.remoteWriteStatus === 'closed');
  });

  it('survives gossip that is no protobuf, or thousands of empty messages', async () => {
    const stream = await gossipStream();
    const empty = Buffer.concat(Array.from({ length: 5_000 }, () => Buffer.from([0x12, 0x00])));
    for (const rpc of [Buffer.from([0xff, 0xff, 0xff]), Buffer.alloc(100, 0x0a), empty]) {
      stream.send(Buffer.concat([lengthPrefix(rpc.length), rpc]));
    }
    await setTimeout(100);
  });

  it('cuts off sockets that never shake hands', async () => {
    const port = Number(ref.addrs[0]?.split('/').at(-1));
    const sockets = Array.from({ length: 30 }, () => connect(port, '127.0.0.1'));
    const startedAt = performance.now();
    await Promise.all(sockets.map(closed));
    expect(performance.now() - startedAt).to.be.below(CONNECTION_LIMITS.upgradeTimeoutMs + 3_000);
  });
}).timeout(20_000);

describe('a peer on the open network', () => {
  it('takes a few connections from one network, however many it is offered', async () => {
    const victim = await startHost({ network: 'wan' });
    const attackers: Libp2p[] = [];
    try {
      for (let n = 0; n < PRESETS.wan.maxPerSubnet + 3; n += 1) {
        const attacker = await startAttacker();
        attackers.push(attacker);
        await attacker.dial(bootstrapAddresses(victim).map((text) => multiaddr(text))).catch(() => {});
        await setTimeout(600);
      }
      expect(victim.libp2p.getConnections().length).to.equal(PRESETS.wan.maxPerSubnet);
    } finally {
      await Promise.all([victim, ...attackers].map((node) => node.stop()));
    }
  });

  it('says why it cannot start', async () => {
    const first = await startHost();
    try {
      const error = await failure(startHost({ listen: first.addrs() }));
      expect([error.code, error.context.listen]).to.deep.equal(['LISTEN_FAILED', first.addrs()]);
    } finally {
      await first.stop();
    }
  });

  it('refuses a bootstrap address without a peer id', async () => {
    for (const text of ['/ip4/127.0.0.1/tcp/1', 'nonsense']) {
      const error = await failure(startHost({ bootstrap: [text] }));
      expect([error.code, error.context.address]).to.deep.equal(['CONFIG_INVALID', text]);
    }
  });
}).timeout(20_000);

function lengthPrefix(length: number): Buffer {
  return length < 0x80 ? Buffer.from([length]) : Buffer.from([(length & 0x7f) | 0x80, length >>> 7]);
}

async function closed(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.resume();
    socket.on('error', () => {});
    socket.on('close', () => resolve());
  });
}
