import { type GossipSub, type GossipsubMessage, TopicValidatorResult } from '@libp2p/gossipsub';
import { EdgeError } from '../../market/errors.ts';
import type { PubSub, Verdict } from '../../market/ports.ts';
import type { Log } from '../log.ts';
import { internalsOf } from './gossip-internals.ts';
import type { Host } from './host.ts';
import { GOSSIP_LIMITS } from './limits.ts';

/** `PubSub` over gossipsub, and what a node wants to know about it. */
export interface Gossip extends PubSub {
  /** Resolves once a message would be sent to `count` peers; rejects with the signal's reason. */
  waitForPeers(topic: string, count: number, signal: AbortSignal): Promise<void>;
  /** Peers that a message published now is sent to. */
  peers(topic: string): string[];
  /** A peer's score: below `SCORE_THRESHOLDS.graylistThreshold` nothing it sends is looked at. */
  score(peerId: string): number;
}

interface Subscription {
  validate: (data: Uint8Array, from: string) => Promise<Verdict>;
  onMessage: (data: Uint8Array, from: string) => void;
}

const POLL_INTERVAL_MS = 25;

const VERDICTS: Record<Verdict, TopicValidatorResult> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
};

/**
 * Gossip of signed messages: `from` is the author, whoever passed the message on. A rejected message costs the peer
 * that passed it on; three of them silence that peer for minutes (scoring.ts). A node does not hear itself.
 */
export function createGossip(host: Host, log: Log): Gossip {
  const pubsub = host.libp2p.services.pubsub;
  const subscriptions = new Map<string, Subscription>();
  let pending = 0;
  pubsub.addEventListener('gossipsub:message', ({ detail }) => {
    pending += 1;
    void receive(pubsub, subscriptions.get(detail.msg.topic), detail, pending, log).finally(() => {
      pending -= 1;
    });
  });
  return {
    publish: async (topic, data) => {
      checkPublishable(host, topic, data);
      await pubsub.publish(topic, data);
    },
    subscribe: async (topic, validate, onMessage) => {
      checkAllowed(host, topic);
      if (subscriptions.has(topic)) {
        throw new EdgeError('TOPIC_TAKEN', `already subscribed to ${topic}`, { context: { topic } });
      }
      subscriptions.set(topic, { validate, onMessage });
      pubsub.subscribe(topic);
      return () => {
        if (subscriptions.delete(topic)) pubsub.unsubscribe(topic);
      };
    },
    peers: (topic) => reachable(pubsub, topic),
    score: (peerId) => internalsOf(pubsub).getScore(peerId),
    waitForPeers: async (topic, count, signal) => {
      // Gossipsub has no event for the second half of it, the stream.
      while (reachable(pubsub, topic).length < count) await host.clock.sleep(POLL_INTERVAL_MS, signal);
    },
  };
}

/** Gossipsub holds a message back until it is told the verdict. */
async function receive(
  pubsub: GossipSub,
  subscription: Subscription | undefined,
  { msg, msgId, propagationSource }: GossipsubMessage,
  pending: number,
  log: Log,
): Promise<void> {
  const from = msg.type === 'signed' ? msg.from.toString() : '';
  const overloaded = pending > GOSSIP_LIMITS.maxPendingValidations;
  const verdict = subscription === undefined || overloaded ? 'ignore' : await judge(subscription, msg.data, from, log);
  internalsOf(pubsub).reportMessageValidationResult(msgId, propagationSource.toString(), VERDICTS[verdict]);
  if (verdict !== 'accept') return;
  try {
    subscription?.onMessage(msg.data, from);
  } catch (error) {
    log.error({ topic: msg.topic, from, error }, 'gossip listener failed');
  }
}

/** A validator that fails is our own mistake: the sender does not pay for it. */
async function judge({ validate }: Subscription, data: Uint8Array, from: string, log: Log): Promise<Verdict> {
  if (data.length > GOSSIP_LIMITS.maxMessageBytes) return 'reject';
  try {
    return await validate(data, from);
  } catch (error) {
    log.error({ from, error }, 'gossip validator failed');
    return 'ignore';
  }
}

/** Subscribers that we have a stream to: what is published before that would not reach them. */
function reachable(pubsub: GossipSub, topic: string): string[] {
  const { streamsOutbound } = internalsOf(pubsub);
  return pubsub
    .getSubscribers(topic)
    .map(String)
    .filter((peerId) => streamsOutbound.has(peerId));
}

function checkPublishable(host: Host, topic: string, data: Uint8Array): void {
  checkAllowed(host, topic);
  if (data.length <= GOSSIP_LIMITS.maxMessageBytes) return;
  throw new EdgeError('MESSAGE_TOO_LARGE', `a gossip message has at most ${GOSSIP_LIMITS.maxMessageBytes} bytes`, {
    context: { topic, bytes: data.length },
  });
}

function checkAllowed(host: Host, topic: string): void {
  if (host.allowedTopics.has(topic)) return;
  throw new EdgeError('TOPIC_NOT_ALLOWED', `${topic} is not a topic of this node`, {
    context: { topic, allowed: [...host.allowedTopics] },
    remedy: 'Name the topic in allowedTopics when the host is created.',
  });
}
