import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { EdgeError } from '../../../market/errors.ts';
import type { PeerRef, Streams } from '../../../market/ports.ts';
import type { Gossip } from '../../../sdk/p2p/gossip.ts';
import { CALL_LIMITS, GOSSIP_LIMITS } from '../../../sdk/p2p/limits.ts';
import { TOPIC } from './topic.ts';

/** Two peers that know each other's addresses, and what can happen to them. */
export interface StreamsHarness {
  a: Streams;
  b: Streams;
  aId: string;
  /** Where `a` finds `b`. */
  bRef: PeerRef;
  /** A peer that is not there: its address refuses connections. */
  deadRef: PeerRef;
  /** Ends the process of `b`. */
  killB(): Promise<void>;
  /** Lets `ms` pass; timeouts fall due. */
  elapse(ms: number): Promise<void>;
  stop(): Promise<void>;
}

export interface GossipHarness {
  peers: { id: string; gossip: Gossip }[];
  stop(): Promise<void>;
}

const ECHO = '/eaas/echo/1.0.0';
const PATIENT = { timeoutMs: 5_000 };

/** Resolves to the error that the promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<EdgeError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('value' in outcome) throw new Error(`resolved to ${JSON.stringify(outcome.value)}`);
  return outcome.error as EdgeError;
}

/** Resolves once the condition holds; the test's own timeout ends it otherwise. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setTimeout(10);
}

export function streamsCompliance(name: string, open: () => Promise<StreamsHarness>): void {
  describe(`streams: ${name}`, () => {
    let net: StreamsHarness;

    beforeEach(async () => {
      net = await open();
      await net.b.handle(ECHO, async (body, from) => ({ body, from }));
    });
    afterEach(() => net.stop());

    const bodies: [string, unknown, unknown][] = [
      ['an object', { a: [1, 'two', null, { deep: true }] }, { a: [1, 'two', null, { deep: true }] }],
      ['a string', 'grüße', 'grüße'],
      ['null', null, null],
      ['nothing', undefined, null],
      ['64 KiB', 'x'.repeat(65_536), 'x'.repeat(65_536)],
    ];
    for (const [title, body, arrived] of bodies) {
      it(`carries ${title} to the handler and back, with the caller's peer id`, async () => {
        expect(await net.a.call(net.bRef, ECHO, body, PATIENT)).to.deep.equal({ body: arrived, from: net.aId });
      });
    }

    it('reaches a connected peer without addresses', async () => {
      await net.a.call(net.bRef, ECHO, 1, PATIENT);
      expect(await net.a.call({ ...net.bRef, addrs: [] }, ECHO, 2, PATIENT)).to.deep.equal({ body: 2, from: net.aId });
    });

    it('answers the code and message of an EdgeError', async () => {
      await net.b.handle('/eaas/no/1.0.0', async () => {
        throw new EdgeError('TERMS_EXPIRED', 'too late');
      });
      const error = await failure(net.a.call(net.bRef, '/eaas/no/1.0.0', null, PATIENT));
      expect([error.code, error.message, error.context.remote]).to.deep.equal(['TERMS_EXPIRED', 'too late', true]);
    });

    it('answers INTERNAL for any other error, without its text', async () => {
      await net.b.handle('/eaas/bug/1.0.0', async () => {
        throw new Error('secret path /root/key');
      });
      const error = await failure(net.a.call(net.bRef, '/eaas/bug/1.0.0', null, PATIENT));
      expect(error.code).to.equal('INTERNAL');
      expect(error.message).not.to.include('secret');
    });

    it('does not let a peer answer that it is unreachable', async () => {
      await net.b.handle('/eaas/liar/1.0.0', async () => {
        throw new EdgeError('PEER_UNREACHABLE', 'I am dead');
      });
      const error = await failure(net.a.call(net.bRef, '/eaas/liar/1.0.0', null, PATIENT));
      expect([error.code, error.context.remoteCode]).to.deep.equal(['CALL_FAILED', 'PEER_UNREACHABLE']);
    });

    it('fails for a protocol that the peer does not offer', async () => {
      expect((await failure(net.a.call(net.bRef, '/eaas/none/1.0.0', null, PATIENT))).code).to.equal('CALL_FAILED');
    });

    it('refuses to send what has no JSON or is too large', async () => {
      for (const body of [{ amount: 1n }, 'x'.repeat(CALL_LIMITS.maxFrameBytes)]) {
        expect((await failure(net.a.call(net.bRef, ECHO, body, PATIENT))).code).to.equal('CALL_FAILED');
      }
    });

    it('answers INTERNAL when the result is too large', async () => {
      await net.b.handle('/eaas/big/1.0.0', async () => 'x'.repeat(CALL_LIMITS.maxFrameBytes));
      expect((await failure(net.a.call(net.bRef, '/eaas/big/1.0.0', null, PATIENT))).code).to.equal('INTERNAL');
    });

    it('times out when the handler does not answer', async () => {
      await net.b.handle('/eaas/slow/1.0.0', () => new Promise(() => {}));
      const call = failure(net.a.call(net.bRef, '/eaas/slow/1.0.0', null, { timeoutMs: 150 }));
      await net.elapse(200);
      const error = await call;
      expect([error.code, error.context.timeoutMs]).to.deep.equal(['CALL_TIMEOUT', 150]);
    });

    it("rejects with the signal's reason when the caller gives up", async () => {
      await net.b.handle('/eaas/slow/1.0.0', () => new Promise(() => {}));
      const reason = new Error('stopping');
      const controller = new AbortController();
      const call = failure(net.a.call(net.bRef, '/eaas/slow/1.0.0', null, { ...PATIENT, signal: controller.signal }));
      await net.elapse(50);
      controller.abort(reason);
      expect(await call).to.equal(reason);
    });

    it('says at once that a dead peer is unreachable', async () => {
      const startedAt = performance.now();
      const error = await failure(net.a.call(net.deadRef, ECHO, null, PATIENT));
      expect(error.code).to.equal('PEER_UNREACHABLE');
      expect(performance.now() - startedAt).to.be.below(1_000);
    });

    it('says that a peer without known addresses is unreachable', async () => {
      const error = await failure(net.a.call({ ...net.deadRef, addrs: [] }, ECHO, null, PATIENT));
      expect(error.code).to.equal('PEER_UNREACHABLE');
    });

    it('says that a peer is unreachable once its process has ended, and tells who disconnected', async () => {
      const gone: string[] = [];
      net.a.onDisconnect((peerId) => gone.push(peerId));
      const unsubscribe = net.a.onDisconnect(() => gone.push('unsubscribed'));
      unsubscribe();
      await net.a.call(net.bRef, ECHO, 1, PATIENT);
      await net.killB();
      expect((await failure(net.a.call(net.bRef, ECHO, 2, PATIENT))).code).to.equal('PEER_UNREACHABLE');
      await until(() => gone.length > 0);
      expect(gone).to.deep.equal([net.bRef.peerId]);
    });

    it('answers many calls at once, a few at a time', async () => {
      let running = 0;
      let most = 0;
      await net.b.handle('/eaas/count/1.0.0', async (body) => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return body;
      });
      const calls = Array.from({ length: 20 }, (_, n) => net.a.call(net.bRef, '/eaas/count/1.0.0', n, PATIENT));
      expect(await Promise.all(calls)).to.deep.equal([...Array(20).keys()]);
      expect(most).to.be.at.most(CALL_LIMITS.maxOutboundPerProtocol);
    });

    it('frees the place of a call that timed out', async () => {
      await net.b.handle('/eaas/first/1.0.0', (body) =>
        body === 'hang' ? new Promise(() => {}) : Promise.resolve(body),
      );
      const hanging = Array.from({ length: CALL_LIMITS.maxOutboundPerProtocol }, () =>
        failure(net.a.call(net.bRef, '/eaas/first/1.0.0', 'hang', { timeoutMs: 150 })),
      );
      const waiting = net.a.call(net.bRef, '/eaas/first/1.0.0', 'next', PATIENT);
      await net.elapse(200);
      await Promise.all(hanging);
      expect(await waiting).to.equal('next');
    });
  });
}

const accept = async (): Promise<'accept'> => 'accept';

export function gossipCompliance(name: string, open: () => Promise<GossipHarness>): void {
  describe(`gossip: ${name}`, () => {
    let net: GossipHarness;

    beforeEach(async () => {
      net = await open();
    });
    afterEach(() => net.stop());

    const peer = (index: number): { id: string; gossip: Gossip } => {
      const found = net.peers[index];
      if (found === undefined) throw new RangeError(`no peer ${index}`);
      return found;
    };
    /** Everyone subscribes; resolves to what each has heard so far, once all are known to all. */
    async function everyoneListens(validate: () => Promise<'accept' | 'ignore' | 'reject'>): Promise<string[][]> {
      const heard = net.peers.map((): string[] => []);
      for (const [index, { gossip }] of net.peers.entries()) {
        await gossip.subscribe(TOPIC, validate, (data, from) => heard[index]?.push(`${from} ${Buffer.from(data)}`));
      }
      const signal = AbortSignal.timeout(5_000);
      await Promise.all(net.peers.map(({ gossip }) => gossip.waitForPeers(TOPIC, net.peers.length - 1, signal)));
      return heard;
    }
    const say = (index: number, text: string): Promise<void> => peer(index).gossip.publish(TOPIC, Buffer.from(text));

    it('brings an accepted message to everyone else once, with its author', async () => {
      const heard = await everyoneListens(accept);
      await say(0, 'one');
      await until(() => heard.slice(1).every((messages) => messages.length > 0));
      await say(1, 'two');
      await until(() => heard[0]?.length === 1);
      expect(heard[0]).to.deep.equal([`${peer(1).id} two`]);
      for (const messages of heard.slice(2)) {
        await until(() => messages.length === 2);
        expect(messages).to.deep.equal([`${peer(0).id} one`, `${peer(1).id} two`]);
      }
    });

    for (const verdict of ['ignore', 'reject'] as const) {
      it(`hands no message on whose verdict is ${verdict}`, async () => {
        const judged: string[] = [];
        const heard = await everyoneListens(async () => {
          judged.push(verdict);
          return verdict;
        });
        await say(0, 'one');
        await until(() => judged.length >= net.peers.length - 1);
        expect(heard.flat()).to.deep.equal([]);
      });
    }

    it('silences a peer after three rejected messages, and not after ignored ones', async () => {
      const heard: string[] = [];
      const judged: string[] = [];
      await peer(1).gossip.subscribe(
        TOPIC,
        async (data) => {
          judged.push(String(Buffer.from(data)));
          if (data.length === 1) return 'reject';
          return data.length === 2 ? 'ignore' : 'accept';
        },
        (data) => heard.push(String(Buffer.from(data))),
      );
      await peer(0).gossip.waitForPeers(TOPIC, 1, AbortSignal.timeout(5_000));
      for (const text of ['aa', 'bb', 'cc', 'dd', 'valid', 'e', 'f', 'g']) {
        await say(0, text);
        await until(() => judged.includes(text));
      }
      await until(() => peer(1).gossip.score(peer(0).id) < -80);
      const judgedNow = async (text: string): Promise<boolean> => {
        await say(0, text);
        await setTimeout(200);
        return judged.includes(text);
      };
      // The real one reconsiders whom it listens to once a second.
      for (let attempt = 0; await judgedNow(`attempt ${attempt}`); attempt += 1) expect(attempt).to.be.below(10);
      expect(heard[0]).to.equal('valid');
    });

    it('does not make the sender pay when the validator fails', async () => {
      let judged = 0;
      await everyoneListens(async () => {
        judged += 1;
        throw new Error('bug');
      });
      for (const text of ['a', 'b', 'c', 'd']) await say(0, text);
      await until(() => judged >= 4 * (net.peers.length - 1));
      expect(peer(1).gossip.score(peer(0).id)).to.be.at.least(0);
    });

    it('hears nothing after it has unsubscribed', async () => {
      const heard = await everyoneListens(accept);
      const extra: string[] = [];
      const unsubscribe = await peer(0).gossip.subscribe(`${TOPIC}/b`, accept, () => extra.push('heard'));
      unsubscribe();
      await say(1, 'on the other topic');
      await until(() => heard[0]?.length === 1);
      await peer(1).gossip.publish(`${TOPIC}/b`, Buffer.from('late'));
      await say(1, 'after it');
      await until(() => heard[0]?.length === 2);
      expect(extra).to.deep.equal([]);
    });

    it('refuses unknown topics, second subscriptions and large messages', async () => {
      const { gossip } = peer(0);
      expect((await failure(gossip.publish('/other', Buffer.from('x')))).code).to.equal('TOPIC_NOT_ALLOWED');
      expect((await failure(gossip.subscribe('/other', accept, () => {}))).code).to.equal('TOPIC_NOT_ALLOWED');
      await gossip.subscribe(TOPIC, accept, () => {});
      expect((await failure(gossip.subscribe(TOPIC, accept, () => {}))).code).to.equal('TOPIC_TAKEN');
      const large = Buffer.alloc(GOSSIP_LIMITS.maxMessageBytes + 1);
      expect((await failure(gossip.publish(TOPIC, large))).code).to.equal('MESSAGE_TOO_LARGE');
    });

    it('publishes alone, and gives up waiting for peers with the reason of the signal', async () => {
      await say(0, 'nobody listens');
      const error = await failure(peer(0).gossip.waitForPeers(TOPIC, 1, AbortSignal.timeout(20)));
      expect(error.name).to.equal('TimeoutError');
    });
  });
}
