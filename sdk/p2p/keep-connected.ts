import type { Libp2p, PeerId } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { EdgeError } from '../../market/errors.ts';
import type { Clock } from '../../market/ports.ts';
import type { Log } from '../log.ts';
import { CONNECTION_LIMITS } from './limits.ts';

/** How often a lost bootstrap peer is tried again. A refused dial costs under a millisecond of CPU. */
const RETRY_INTERVAL_MS = 1_000;
const DIAL_TIMEOUT_MS = 5_000;

/** A bootstrap peer, as its config text names it. */
export interface Target {
  peerId: PeerId;
  address: Multiaddr;
}

/**
 * Dials the bootstrap peers now and whenever one is lost, until the signal aborts, and peers found on the LAN once.
 * libp2p's own bootstrap module dials each peer once, so a node that starts before its bootstrap peer stays alone.
 */
export function keepConnected(
  parts: { libp2p: Libp2p; clock: Clock; log: Log },
  bootstrap: Target[],
  signal: AbortSignal,
): void {
  const { libp2p, clock } = parts;
  const targets = bootstrap.filter(({ peerId }) => !peerId.equals(libp2p.peerId));
  const dialLost = async (): Promise<void> => {
    const lost = targets.filter(({ peerId }) => libp2p.getConnections(peerId).length === 0);
    await Promise.all(lost.map(({ address }) => dial(parts, address, signal)));
  };
  if (targets.length > 0) {
    void dialLost();
    clock.every(RETRY_INTERVAL_MS, dialLost, signal);
  }
  libp2p.addEventListener(
    'peer:discovery',
    (event) => {
      if (libp2p.getConnections().length < CONNECTION_LIMITS.max / 2) void dial(parts, event.detail.id, signal);
    },
    { signal },
  );
}

/** Never rejects: a peer that cannot be reached now is tried again later. */
async function dial(
  { libp2p, log }: { libp2p: Libp2p; log: Log },
  target: Multiaddr | PeerId,
  signal: AbortSignal,
): Promise<void> {
  try {
    await libp2p.dial(target, { signal: AbortSignal.any([signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)]) });
    log.info({ peer: target.toString() }, 'connected');
  } catch (error) {
    log.debug({ peer: target.toString(), reason: String(error) }, 'peer not reachable yet');
  }
}

/** Throws `CONFIG_INVALID` for text that is no address of a known peer. */
export function parseTarget(text: string): Target {
  try {
    const address = multiaddr(text);
    const id = address.getComponents().findLast((component) => component.name === 'p2p')?.value;
    if (id === undefined) throw new Error('it has no /p2p/ part');
    return { address, peerId: peerIdFromString(id) };
  } catch (cause) {
    throw new EdgeError('CONFIG_INVALID', `${text} is not a bootstrap address`, {
      context: { address: text, reason: cause instanceof Error ? cause.message : String(cause) },
      remedy: 'Write it as /ip4/<address>/tcp/<port>/p2p/<peer id>.',
      cause,
    });
  }
}
