import type { GossipSub, TopicValidatorResult } from '@libp2p/gossipsub';
import type { Connection, Libp2p, PeerId } from '@libp2p/interface';
import type { Clock } from '../../market/ports.ts';

const CHECK_INTERVAL_MS = 2_000;

/** Members of gossipsub's class that its exported interface leaves out. Warning: only test/sdk/p2p notices a change. */
export interface GossipInternals {
  reportMessageValidationResult(msgId: string, source: string, verdict: TopicValidatorResult): void;
  getScore(peerId: string): number;
  readonly streamsOutbound: Map<string, unknown>;
  readonly protocols: string[];
  onPeerConnected(peerId: PeerId, connection: Connection): void;
}

export function internalsOf(pubsub: GossipSub): GossipInternals {
  return pubsub as unknown as GossipInternals;
}

/**
 * Opens the gossip stream to connected peers that have none, until the signal aborts. Gossipsub opens it once per peer:
 * it does not move the stream when its connection ends while another one lives (both ends had dialled, or the peer came
 * back before its old connection was found dead), nor renew it after a bad frame.
 */
export function keepGossiping(libp2p: Libp2p<{ pubsub: GossipSub }>, clock: Clock, signal: AbortSignal): void {
  const gossip = internalsOf(libp2p.services.pubsub);
  const renew = async (): Promise<void> => {
    const silent = libp2p.getPeers().filter((peerId) => !gossip.streamsOutbound.has(peerId.toString()));
    for (const peerId of silent) {
      const known = await libp2p.peerStore.has(peerId);
      const protocols = known ? (await libp2p.peerStore.get(peerId)).protocols : [];
      const open = libp2p.getConnections(peerId).find((connection) => connection.status === 'open');
      if (open === undefined || !protocols.some((protocol) => gossip.protocols.includes(protocol))) continue;
      gossip.onPeerConnected(peerId, open);
    }
  };
  clock.every(CHECK_INTERVAL_MS, renew, signal);
}
