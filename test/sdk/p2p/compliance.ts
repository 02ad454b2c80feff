import { expect } from 'chai';
import { EdgeError } from '../../../market/errors.ts';
import type { PeerRef, Streams } from '../../../market/ports.ts';
import { CALL_LIMITS } from '../../../sdk/p2p/limits.ts';
import { failure, until } from './outcomes.ts';

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

const ECHO = '/eaas/echo/1.0.0';
const PATIENT = { timeoutMs: 5_000 };

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
  }).timeout(10_000);
}
