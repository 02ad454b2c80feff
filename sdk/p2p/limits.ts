/**
 * Every bound of the network layer, in one place. A remote peer decides how much it sends, we decide how much we keep:
 * `worstCaseBufferBytes` adds up what all peers together can make a node hold, and a test keeps it under 256 MiB, a
 * quarter of the reference device (Raspberry Pi 3).
 */

const KIB = 1024;
const MIB = 1024 * KIB;

/** `lan`: one owner's network or one machine, where many peers share an address. `wan`: the open network. */
export type NetworkPreset = 'lan' | 'wan';

export const CONNECTION_LIMITS = {
  /** All connections; above it libp2p closes the least valued. Raising it costs 5 MiB of worst-case buffers each. */
  max: 48,
  /** Inbound ones stop here, so that the rest stays free for peers we chose: an attacker cannot fill the node. */
  maxInbound: 40,
  /** Per peer id; the oldest gives way. Two, because both ends may dial at the same moment. */
  maxPerPeer: 2,
  /** Connections that have not finished their handshake. */
  maxPendingInbound: 10,
  /** A handshake or protocol choice that takes longer is cut off: slow clients would hold the pending slots. */
  upgradeTimeoutMs: 5_000,
  /** One address of a peer; the next is tried after it. */
  addressDialTimeoutMs: 3_000,
  /** Addresses tried per call: the list comes from the peer itself. */
  maxAddressesPerDial: 8,
  /** How often an open connection is probed; one failed probe closes it. */
  probeIntervalMs: 10_000,
  probeTimeoutMs: 5_000,
  /** Bytes waiting for a slow socket before its connection is cut. Must exceed one stream window. */
  maxWriteBufferBytes: 512 * KIB,
} as const;

/** What depends on where the peers are. */
export const PRESETS = {
  lan: {
    /** New inbound connections per second from one address. */
    inboundPerHostPerSec: 100,
    /** Live inbound connections from one /24 (IPv4) or /64 (IPv6). */
    maxPerSubnet: CONNECTION_LIMITS.maxInbound,
    /** Gossip peers on one address before all of them lose score; 0 switches the rule off. */
    colocationThreshold: 0,
  },
  wan: { inboundPerHostPerSec: 2, maxPerSubnet: 4, colocationThreshold: 4 },
} as const satisfies Record<NetworkPreset, object>;

export const STREAM_LIMITS = {
  /** Streams a peer may have open to us on one connection. An honest peer's most is `honestStreams()`. */
  maxInbound: 14,
  maxOutbound: 16,
  /** What a peer may send on one stream before we acknowledge; yamux's smallest. Larger ones help on slow, wide links. */
  windowBytes: 256 * KIB,
  /** What a stream keeps that nobody reads yet: one whole frame with its length prefix. */
  maxReadBufferBytes: 257 * KIB,
  maxWriteBufferBytes: 1 * MIB,
  /** A stream without data for this long is cut. */
  inactivityTimeoutMs: 120_000,
} as const;

export const CALL_LIMITS = {
  /** One request or answer, without its length prefix. */
  maxFrameBytes: 256 * KIB,
  /** Calls to one peer on one protocol; the rest wait their turn. */
  maxOutboundPerProtocol: 2,
  maxOutboundPerPeer: 6,
  maxOutbound: 24,
  /** Calls of one peer on one protocol that are being answered; more are answered `BUSY`. */
  maxInboundPerProtocol: 4,
  maxInbound: 24,
  /** A caller must have sent its whole request, and must take its answer, within this time. */
  frameTimeoutMs: 5_000,
} as const;

export const GOSSIP_LIMITS = {
  /** One message. Orders are at most 8 KiB; the rest is room for other topics. */
  maxMessageBytes: 16 * KIB,
  /** One RPC, which may carry several messages (an answer to IWANT does). A larger one ends the gossip stream. */
  maxRpcBytes: 64 * KIB,
  /** Bytes waiting for one slow peer before its stream is cut. */
  maxOutboundBufferBytes: 512 * KIB,
  /** What we remember of the topics one peer subscribes to. */
  maxTopicBytesPerPeer: 64 * KIB,
  /** Messages whose validator has not answered yet; more are ignored, without a penalty for the sender. */
  maxPendingValidations: 256,
  /** Outer entries of one decoded RPC. `maxMessages` stays high: an honest answer to IWANT batches many. */
  decode: {
    maxSubscriptions: 32,
    maxMessages: 256,
    maxControlMessages: 64,
    maxIhaveMessageIDs: 1_024,
    maxIwantMessageIDs: 1_024,
    maxIdontwantMessageIDs: 512,
    maxPeerInfos: 0,
  },
} as const;

/** Streams of other protocols that one honest peer keeps open to us on a connection. */
const OTHER_STREAMS = { gossip: 1, identify: 1, probe: 1, bitswap: 4 } as const;

/** The most inbound streams that an honest peer of this version opens on one connection. */
export function honestStreams(): number {
  return CALL_LIMITS.maxOutboundPerPeer + Object.values(OTHER_STREAMS).reduce((sum, count) => sum + count, 0);
}

/** Bytes that peers can make a node hold in network buffers, by kind. Excludes bitswap's own queues (sdk/content). */
export function worstCaseBufferBytes(): Record<'reads' | 'sockets' | 'gossip' | 'calls' | 'total', number> {
  const reads = CONNECTION_LIMITS.max * STREAM_LIMITS.maxInbound * STREAM_LIMITS.maxReadBufferBytes;
  const sockets = CONNECTION_LIMITS.max * CONNECTION_LIMITS.maxWriteBufferBytes;
  // Our gossip stream to a peer holds what we send, and what the peer answers although nobody reads it.
  const gossip = CONNECTION_LIMITS.max * (GOSSIP_LIMITS.maxOutboundBufferBytes + STREAM_LIMITS.maxReadBufferBytes);
  // A call we make holds its request and the answer, a call we answer holds the answer (its request is in `reads`).
  const calls = (2 * CALL_LIMITS.maxOutbound + CALL_LIMITS.maxInbound) * CALL_LIMITS.maxFrameBytes;
  return { reads, sockets, gossip, calls, total: reads + sockets + gossip + calls };
}
