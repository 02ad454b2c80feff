import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { EdgeError } from '../../market/errors.ts';
import type { PeerRef } from '../../market/ports.ts';
import { CONNECTION_LIMITS } from './limits.ts';

/** Any answer to it, also "I do not speak that", shows that the other end lives. libp2p's own monitor uses it too. */
const PROBE_PROTOCOL = '/ipfs/ping/1.0.0';
const PROBE_TIMEOUT_MS = 2_000;
/** libp2p reports the end of a connection's streams a little before that of the connection. */
const CLOSING_MS = 50;

/**
 * The newest connection to the peer, or a new one. With `fresh` the known ones are closed first. Throws
 * `PEER_UNREACHABLE`; checks that whoever answers holds the peer's key.
 */
export async function connect(
  libp2p: Libp2p,
  peer: PeerRef,
  signal: AbortSignal,
  options: { fresh?: boolean } = {},
): Promise<Connection> {
  const open = openConnections(libp2p, peer.peerId);
  if (options.fresh) for (const connection of open) connection.abort(new Error('found dead'));
  const [newest] = options.fresh ? [] : open;
  if (newest !== undefined) return newest;
  try {
    return await libp2p.dial(dialTarget(peer), { signal });
  } catch (cause) {
    throw unreachable(peer, cause);
  }
}

/**
 * Opens a stream on the newest connection. One that turns out to be dead is replaced once, which is safe because nothing
 * has been sent yet.
 */
export async function openStream(
  libp2p: Libp2p,
  { peer, protocol, signal }: { peer: PeerRef; protocol: string; signal: AbortSignal },
): Promise<{ stream: Stream; connection: Connection }> {
  const connection = await connect(libp2p, peer, signal);
  try {
    return { stream: await connection.newStream(protocol, { signal }), connection };
  } catch (error) {
    if (signal.aborted || !(await isGone(connection, error))) throw error;
  }
  const renewed = await connect(libp2p, peer, signal, { fresh: true });
  return { stream: await renewed.newStream(protocol, { signal }), connection: renewed };
}

/** True when the error came from the connection's end rather than from the stream's. */
export async function isGone(connection: Connection, error: unknown): Promise<boolean> {
  if (connection.status !== 'open') return true;
  const name = error instanceof Error ? error.name : '';
  if (name === 'ConnectionClosedError' || name === 'MuxerClosedError') return true;
  if (name === 'UnsupportedProtocolError') return false;
  await new Promise<void>((resolve) => {
    const timeout = AbortSignal.timeout(CLOSING_MS);
    timeout.addEventListener('abort', () => resolve(), { once: true });
    connection.addEventListener('close', () => resolve(), { once: true, signal: timeout });
  });
  return connection.status !== 'open';
}

/**
 * Closes those connections of a peer, in the background, whose other end does not answer soon: a half-open one (power
 * cut, pulled cable) never says that it died. One check at a time per connection.
 */
export function createAliveCheck(libp2p: Libp2p): (peer: PeerRef) => void {
  const checking = new WeakSet<Connection>();
  return (peer) => {
    for (const connection of openConnections(libp2p, peer.peerId)) {
      if (checking.has(connection)) continue;
      checking.add(connection);
      void probe(connection).finally(() => checking.delete(connection));
    }
  };
}

async function probe(connection: Connection): Promise<void> {
  const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  try {
    const stream = await connection.newStream(PROBE_PROTOCOL, { signal });
    stream.abort(new Error('the probe is done'));
  } catch (cause) {
    // Any other failure is an answer, or a limit of ours: the connection carries data.
    if (signal.aborted) connection.abort(new EdgeError('PEER_UNREACHABLE', 'the connection is half-open', { cause }));
  }
}

/** Newest first. */
function openConnections(libp2p: Libp2p, peerId: string): Connection[] {
  const open = libp2p.getConnections(parsePeerId(peerId)).filter((connection) => connection.status === 'open');
  return open.sort((a, b) => b.timeline.open - a.timeline.open);
}

/** The addresses that we were given, else the peer id alone: then libp2p tries those it has seen. */
function dialTarget(peer: PeerRef): Multiaddr[] | ReturnType<typeof peerIdFromString> {
  const addresses = peer.addrs.slice(0, CONNECTION_LIMITS.maxAddressesPerDial).flatMap((text) => {
    const parsed = parseAddress(text, peer.peerId);
    return parsed === null ? [] : [parsed];
  });
  return addresses.length > 0 ? addresses : parsePeerId(peer.peerId);
}

/** Null for text that is no address: it comes from the remote peer. */
function parseAddress(text: string, peerId: string): Multiaddr | null {
  try {
    return multiaddr(`${text.replace(/\/p2p\/[^/]+$/, '')}/p2p/${peerId}`);
  } catch {
    return null;
  }
}

function parsePeerId(peerId: string): ReturnType<typeof peerIdFromString> {
  try {
    return peerIdFromString(peerId);
  } catch (cause) {
    throw new EdgeError('PEER_UNREACHABLE', `${peerId} is not a peer id`, { context: { peerId }, cause });
  }
}

export function unreachable(peer: PeerRef, cause: unknown): EdgeError {
  return new EdgeError('PEER_UNREACHABLE', `peer ${peer.peerId} cannot be reached`, {
    context: { peerId: peer.peerId, addrs: peer.addrs, reason: cause instanceof Error ? cause.message : String(cause) },
    remedy: 'Check that the peer runs and that its addresses are reachable from here.',
    cause,
  });
}
