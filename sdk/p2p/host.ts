import { type GossipSub, gossipsub } from '@libp2p/gossipsub';
import { type Identify, identify } from '@libp2p/identify';
import type { Libp2p } from '@libp2p/interface';
import { mdns } from '@libp2p/mdns';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { createLibp2p, type Libp2pOptions } from 'libp2p';
import { EdgeError } from '../../market/errors.ts';
import type { Clock } from '../../market/ports.ts';
import type { Log } from '../log.ts';
import { createGater } from './gater.ts';
import { keepGossiping } from './gossip-internals.ts';
import { keepConnected, parseTarget } from './keep-connected.ts';
import type { PeerKey } from './key.ts';
import { CONNECTION_LIMITS, GOSSIP_LIMITS, type NetworkPreset, PRESETS, STREAM_LIMITS } from './limits.ts';
import { libp2pLogger } from './quiet-logger.ts';
import { SCORE_THRESHOLDS, scoreParams } from './scoring.ts';

export type HostServices = { identify: Identify; pubsub: GossipSub };

export interface HostInit {
  privateKey: PeerKey;
  /** Multiaddrs, e.g. `/ip4/0.0.0.0/tcp/7001`; port 0 takes a free one. */
  listen: string[];
  /** What others are told to dial instead of the listen addresses (behind NAT or a load balancer). */
  announce?: string[];
  /** Multiaddrs with `/p2p/<peer id>`: dialled at the start and again, for as long as we run, when they are lost. */
  bootstrap: string[];
  /** Finds peers on the local network by multicast DNS. */
  mdns: boolean;
  network: NetworkPreset;
  /** The exact gossip topics of this node; nothing else can be subscribed to or forwarded. */
  allowedTopics: string[];
  clock: Clock;
  logger: Log;
  /** The `DEBUG` environment variable: switches libp2p's own log on. */
  debug?: string;
}

export interface Host {
  readonly libp2p: Libp2p<HostServices>;
  readonly peerId: string;
  readonly allowedTopics: ReadonlySet<string>;
  readonly clock: Clock;
  /** Where we can be dialled, without the `/p2p/` part; empty before `start`. */
  addrs(): string[];
  /** Throws `LISTEN_FAILED` when an address is taken or not ours. A second call does nothing. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * This node on the peer-to-peer network: TCP, noise, yamux and gossipsub, with every limit of `limits.ts`. Not started
 * yet. Throws `CONFIG_INVALID` for a bad bootstrap address.
 */
export async function createHost(init: HostInit): Promise<Host> {
  const bootstrap = init.bootstrap.map(parseTarget);
  const libp2p: Libp2p<HostServices> = await createLibp2p<HostServices>(
    libp2pOptions(init, () => libp2p.getConnections()),
  );
  let running: AbortController | null = null;
  return {
    libp2p,
    peerId: libp2p.peerId.toString(),
    allowedTopics: new Set(init.allowedTopics),
    clock: init.clock,
    addrs: () => libp2p.getMultiaddrs().map((address) => address.toString().replace(/\/p2p\/[^/]+$/, '')),
    start: async () => {
      if (running !== null) return;
      running = new AbortController();
      try {
        await libp2p.start();
      } catch (cause) {
        running = null;
        await libp2p.stop();
        throw listenFailed(init.listen, cause);
      }
      keepConnected({ libp2p, clock: init.clock, log: init.logger }, bootstrap, running.signal);
      keepGossiping(libp2p, init.clock, running.signal);
    },
    stop: async () => {
      if (running === null) return;
      running.abort();
      running = null;
      await libp2p.stop();
    },
  };
}

function libp2pOptions(init: HostInit, connections: () => ReturnType<Libp2p['getConnections']>) {
  return {
    start: false,
    privateKey: init.privateKey,
    addresses: { listen: init.listen, announce: init.announce ?? [] },
    logger: libp2pLogger(init.debug),
    nodeInfo: { name: 'eaas', version: '1', userAgent: 'eaas/1' },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux(muxerOptions())],
    connectionManager: connectionOptions(init.network),
    connectionMonitor: {
      pingInterval: CONNECTION_LIMITS.probeIntervalMs,
      pingTimeout: { minTimeout: CONNECTION_LIMITS.probeTimeoutMs, maxTimeout: CONNECTION_LIMITS.probeTimeoutMs },
    },
    connectionGater: createGater(init.network, connections),
    peerDiscovery: init.mdns ? [mdns({ serviceTag: '_eaas._udp.local' })] : [],
    services: { identify: identify(), pubsub: gossipsub(gossipOptions(init.allowedTopics, init.network)) },
  } satisfies Libp2pOptions<HostServices>;
}

function connectionOptions(network: NetworkPreset) {
  return {
    maxConnections: CONNECTION_LIMITS.max,
    maxIncomingPendingConnections: CONNECTION_LIMITS.maxPendingInbound,
    inboundConnectionThreshold: PRESETS[network].inboundPerHostPerSec,
    inboundUpgradeTimeout: CONNECTION_LIMITS.upgradeTimeoutMs,
    inboundStreamProtocolNegotiationTimeout: CONNECTION_LIMITS.upgradeTimeoutMs,
    outboundStreamProtocolNegotiationTimeout: CONNECTION_LIMITS.upgradeTimeoutMs,
    addressDialTimeout: CONNECTION_LIMITS.addressDialTimeoutMs,
    maxPeerAddrsToDial: CONNECTION_LIMITS.maxAddressesPerDial,
  };
}

function muxerOptions() {
  return {
    maxInboundStreams: STREAM_LIMITS.maxInbound,
    maxOutboundStreams: STREAM_LIMITS.maxOutbound,
    streamOptions: {
      initialStreamWindowSize: STREAM_LIMITS.windowBytes,
      maxStreamWindowSize: STREAM_LIMITS.windowBytes,
      maxReadBufferLength: STREAM_LIMITS.maxReadBufferBytes,
      maxWriteBufferLength: STREAM_LIMITS.maxWriteBufferBytes,
      inactivityTimeout: STREAM_LIMITS.inactivityTimeoutMs,
    },
  };
}

function gossipOptions(topics: string[], network: NetworkPreset) {
  return {
    asyncValidation: true,
    fallbackToFloodsub: false,
    doPX: false,
    floodPublish: true,
    // A lone node may publish; its next message finds whoever came in the meantime.
    allowPublishToZeroTopicPeers: true,
    allowedTopics: topics,
    maxInboundStreams: 1,
    maxOutboundStreams: 1,
    maxInboundDataLength: GOSSIP_LIMITS.maxRpcBytes,
    maxOutboundBufferSize: GOSSIP_LIMITS.maxOutboundBufferBytes,
    maxTopicBytesPerPeer: GOSSIP_LIMITS.maxTopicBytesPerPeer,
    decodeRpcLimits: { ...GOSSIP_LIMITS.decode },
    scoreParams: scoreParams(topics, network),
    scoreThresholds: SCORE_THRESHOLDS,
  };
}

function listenFailed(listen: string[], cause: unknown): EdgeError {
  return new EdgeError('LISTEN_FAILED', `cannot listen on ${listen.join(', ')}`, {
    context: { listen, reason: cause instanceof Error ? cause.message : String(cause) },
    remedy: 'Choose a free port and an address of this machine in the config (p2p.listen).',
    cause,
  });
}
