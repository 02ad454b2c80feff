import { setImmediate } from 'node:timers/promises';
import { EdgeError } from '../../market/errors.ts';
import type { Verdict } from '../../market/ports.ts';
import type { Gossip } from '../../sdk/p2p/gossip.ts';
import { GOSSIP_LIMITS } from '../../sdk/p2p/limits.ts';

/** Gossip in one process, everyone connected to everyone. Passes test/sdk/p2p/gossip-compliance.ts. */
export interface FakeGossipNetwork {
  /** The gossip of a peer; without `allowedTopics` every topic is allowed. */
  join(peerId: string, allowedTopics?: string[]): Gossip;
  leave(peerId: string): void;
  /** Every message that was published, oldest first. */
  readonly published: { from: string; topic: string; data: Uint8Array }[];
}

interface Subscription {
  validate: (data: Uint8Array, from: string) => Promise<Verdict>;
  onMessage: (data: Uint8Array, from: string) => void;
}

interface Member {
  subscriptions: Map<string, Subscription>;
  rejections: Map<string, number>;
}

/** What scoring.ts makes of one and of three invalid messages. */
const POINTS_PER_SQUARED_REJECTION = -20;
const REJECTIONS_UNTIL_GRAYLIST = 3;

class FakeMesh implements FakeGossipNetwork {
  readonly published: FakeGossipNetwork['published'] = [];
  private readonly members = new Map<string, Member>();
  private readonly watchers = new Set<() => void>();

  join(peerId: string, allowedTopics?: string[]): Gossip {
    const member: Member = { subscriptions: new Map(), rejections: new Map() };
    this.members.set(peerId, member);
    const check = (topic: string): void => {
      if (allowedTopics === undefined || allowedTopics.includes(topic)) return;
      throw new EdgeError('TOPIC_NOT_ALLOWED', `${topic} is not a topic of this node`, { context: { topic } });
    };
    return {
      publish: async (topic, data) => {
        check(topic);
        if (data.length > GOSSIP_LIMITS.maxMessageBytes) throw new EdgeError('MESSAGE_TOO_LARGE', 'too large');
        this.published.push({ from: peerId, topic, data });
        for (const id of this.peers(peerId, topic)) void this.deliver(id, topic, data.slice(), peerId);
      },
      subscribe: async (topic, validate, onMessage) => {
        check(topic);
        if (member.subscriptions.has(topic)) throw new EdgeError('TOPIC_TAKEN', `already subscribed to ${topic}`);
        member.subscriptions.set(topic, { validate, onMessage });
        for (const watcher of this.watchers) watcher();
        return () => member.subscriptions.delete(topic);
      },
      peers: (topic) => this.peers(peerId, topic),
      score: (id) => (member.rejections.get(id) ?? 0) ** 2 * POINTS_PER_SQUARED_REJECTION,
      waitForPeers: (topic, count, signal) => this.waitForPeers(peerId, topic, count, signal),
    };
  }

  leave(peerId: string): void {
    this.members.delete(peerId);
  }

  private peers(self: string, topic: string): string[] {
    const others = [...this.members].filter(([id, member]) => id !== self && member.subscriptions.has(topic));
    return others.map(([id]) => id);
  }

  private async deliver(to: string, topic: string, data: Uint8Array, from: string): Promise<void> {
    await setImmediate();
    const member = this.members.get(to);
    const subscription = member?.subscriptions.get(topic);
    if (member === undefined || subscription === undefined) return;
    const rejections = member.rejections.get(from) ?? 0;
    if (rejections >= REJECTIONS_UNTIL_GRAYLIST) return;
    const verdict = await subscription.validate(data, from).catch(() => 'ignore' as const);
    if (verdict === 'reject') member.rejections.set(from, (member.rejections.get(from) ?? 0) + 1);
    if (verdict === 'accept') subscription.onMessage(data, from);
  }

  private waitForPeers(self: string, topic: string, count: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void): void => {
        this.watchers.delete(check);
        signal.removeEventListener('abort', onAbort);
        finish();
      };
      const check = (): void => {
        if (this.peers(self, topic).length >= count) settle(resolve);
      };
      const onAbort = (): void => settle(() => reject(signal.reason));
      this.watchers.add(check);
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) onAbort();
      else check();
    });
  }
}

export function fakeGossipNetwork(): FakeGossipNetwork {
  return new FakeMesh();
}
