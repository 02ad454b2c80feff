import {
  createTopicScoreParams,
  type PeerScoreParams,
  type PeerScoreThresholds,
  type TopicScoreParams,
} from '@libp2p/gossipsub/score';
import { type NetworkPreset, PRESETS } from './limits.ts';

const DECAY_INTERVAL_MS = 1_000;
const DECAY_TO_ZERO = 0.01;

/** The factor per second after which a counter of 1 is forgotten in `seconds`. */
function decayOver(seconds: number): number {
  return DECAY_TO_ZERO ** (1 / (seconds * (1_000 / DECAY_INTERVAL_MS)));
}

export const SCORE_THRESHOLDS: PeerScoreThresholds = {
  gossipThreshold: -10,
  publishThreshold: -50,
  /** Below it nothing a peer sends is looked at. */
  graylistThreshold: -80,
  acceptPXThreshold: 10,
  opportunisticGraftThreshold: 20,
};

/**
 * One topic's share of a peer's score. Invalid messages weigh -20 n², forgotten within an hour: two of them stop
 * publishing to the peer, the third puts it on the graylist for about five minutes, whatever credit it had (at most 10).
 *
 * Missing deliveries (P3) are not scored: a topic of a few orders a minute has no rate to fall behind of.
 */
function topicScore(topics: number): TopicScoreParams {
  return createTopicScoreParams({
    topicWeight: 1,
    timeInMeshWeight: 0.01,
    timeInMeshQuantum: 1_000,
    timeInMeshCap: 300 / topics,
    firstMessageDeliveriesWeight: 0.5,
    firstMessageDeliveriesDecay: decayOver(600),
    firstMessageDeliveriesCap: 14 / topics,
    meshMessageDeliveriesWeight: 0,
    meshFailurePenaltyWeight: 0,
    invalidMessageDeliveriesWeight: -20,
    invalidMessageDeliveriesDecay: decayOver(3_600),
  });
}

/** Peer scoring for exactly these topics. */
export function scoreParams(topics: string[], preset: NetworkPreset): Partial<PeerScoreParams> {
  const { colocationThreshold } = PRESETS[preset];
  return {
    topics: Object.fromEntries(topics.map((topic) => [topic, topicScore(topics.length)])),
    topicScoreCap: 10,
    IPColocationFactorWeight: colocationThreshold === 0 ? 0 : -5,
    IPColocationFactorThreshold: Math.max(1, colocationThreshold),
    behaviourPenaltyWeight: -10,
    // A node that restarts may graft again too early, or break a promise or two: that is not an attack.
    behaviourPenaltyThreshold: 6,
    behaviourPenaltyDecay: decayOver(600),
    decayInterval: DECAY_INTERVAL_MS,
    decayToZero: DECAY_TO_ZERO,
  };
}
