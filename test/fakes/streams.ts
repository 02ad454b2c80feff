import { setImmediate } from 'node:timers/promises';
import { EdgeError } from '../../market/errors.ts';
import type { Clock, PeerRef, Streams } from '../../market/ports.ts';
import { type Answer, errorAnswer, resultOf } from '../../sdk/p2p/call-format.ts';
import { createGate } from '../../sdk/p2p/gate.ts';
import { CALL_LIMITS } from '../../sdk/p2p/limits.ts';

type Handler = Parameters<Streams['handle']>[1];

/** Streams in one process, timed by the given clock. Passes test/sdk/p2p/compliance.ts. */
export interface FakeStreamsNetwork {
  /** The streams of a peer; joining again is a restart, without the handlers of before. */
  join(peerId: string): Streams;
  /** The peer's process dies: calls to it are refused, its partners hear of it. */
  leave(peerId: string): void;
  /** The peer's cable is cut: calls to and from it stay without an answer until `mend`. */
  cut(peerId: string): void;
  mend(peerId: string): void;
  /** Every call that reached its handler, oldest first. */
  readonly calls: { from: string; to: string; protocol: string; body: unknown }[];
}

interface Member {
  handlers: Map<string, Handler>;
  listeners: Set<(peerId: string) => void>;
  partners: Set<string>;
}

class FakeNetwork implements FakeStreamsNetwork {
  readonly calls: FakeStreamsNetwork['calls'] = [];
  private readonly clock: Clock;
  private readonly members = new Map<string, Member>();
  private readonly unplugged = new Set<string>();
  private readonly inbound = createGate(() => CALL_LIMITS.maxInboundPerProtocol);
  private readonly outbound = createGate(() => CALL_LIMITS.maxOutboundPerProtocol);

  constructor(clock: Clock) {
    this.clock = clock;
  }

  join(peerId: string): Streams {
    this.leave(peerId);
    const member: Member = { handlers: new Map(), listeners: new Set(), partners: new Set() };
    this.members.set(peerId, member);
    return {
      call: (peer, protocol, body, options) => this.call(peerId, peer, protocol, body, options),
      handle: async (protocol, handler) => {
        if (member.handlers.has(protocol)) throw new Error(`Handler already registered for protocol ${protocol}`);
        member.handlers.set(protocol, handler);
      },
      onDisconnect: (listener) => {
        member.listeners.add(listener);
        return () => member.listeners.delete(listener);
      },
    };
  }

  leave(peerId: string): void {
    const partners = this.members.get(peerId)?.partners ?? [];
    this.members.delete(peerId);
    for (const id of partners) {
      const partner = this.members.get(id);
      partner?.partners.delete(peerId);
      for (const listener of partner?.listeners ?? []) queueMicrotask(() => listener(peerId));
    }
  }

  cut(peerId: string): void {
    this.unplugged.add(peerId);
  }

  mend(peerId: string): void {
    this.unplugged.delete(peerId);
  }

  private async call(
    from: string,
    peer: PeerRef,
    protocol: string,
    body: unknown,
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<unknown> {
    const context = { peerId: peer.peerId, protocol };
    const request = toJson(body, context);
    const over = new AbortController();
    const signal = options.signal === undefined ? over.signal : AbortSignal.any([over.signal, options.signal]);
    const deadline = this.clock.sleep(options.timeoutMs, signal).then(() => {
      throw new EdgeError('CALL_TIMEOUT', `no answer within ${options.timeoutMs} ms`, {
        context: { ...context, timeoutMs: options.timeoutMs },
      });
    });
    try {
      options.signal?.throwIfAborted();
      const answer = this.deliver(from, peer, protocol, request, signal);
      // The loser of the race may still reject, after its caller has gone.
      answer.catch(() => {});
      return resultOf(await Promise.race([answer, deadline]), context);
    } finally {
      over.abort();
      deadline.catch(() => {});
    }
  }

  private async deliver(
    from: string,
    peer: PeerRef,
    protocol: string,
    request: string,
    signal: AbortSignal,
  ): Promise<unknown> {
    const leave = await this.outbound.enter([`${protocol} ${from} ${peer.peerId}`], signal);
    signal.addEventListener('abort', leave, { once: true });
    try {
      await setImmediate();
      if (this.unplugged.has(from) || this.unplugged.has(peer.peerId)) return await new Promise(() => {});
      const member = this.connect(from, peer);
      const handler = member.handlers.get(protocol);
      if (handler === undefined) throw new EdgeError('CALL_FAILED', `${peer.peerId} does not offer ${protocol}`);
      const answer = await this.answer(handler, from, peer.peerId, protocol, JSON.parse(request));
      if (this.unplugged.has(from) || this.unplugged.has(peer.peerId)) return await new Promise(() => {});
      if (this.members.get(peer.peerId) !== member) throw unreachable(peer);
      return answer;
    } finally {
      leave();
    }
  }

  private connect(from: string, peer: PeerRef): Member {
    const member = this.members.get(peer.peerId);
    const self = this.members.get(from);
    if (member === undefined || self === undefined) throw unreachable(peer);
    if (peer.addrs.length === 0 && !self.partners.has(peer.peerId)) throw unreachable(peer);
    self.partners.add(peer.peerId);
    member.partners.add(from);
    return member;
  }

  private async answer(handler: Handler, from: string, to: string, protocol: string, body: unknown): Promise<unknown> {
    const leave = this.inbound.tryEnter([`${protocol} ${from} ${to}`]);
    if (leave === null) return errorAnswer('BUSY', 'too many calls at once, try again later');
    this.calls.push({ from, to, protocol, body });
    try {
      const answer: Answer = { result: (await handler(body, from)) ?? null };
      return JSON.parse(toJson(answer, { to, protocol }));
    } catch (error) {
      if (error instanceof EdgeError && error.code !== 'CALL_FAILED') return errorAnswer(error.code, error.message);
      return errorAnswer('INTERNAL', 'the peer failed to answer');
    } finally {
      leave();
    }
  }
}

function toJson(value: unknown, context: Record<string, unknown>): string {
  try {
    const text = JSON.stringify(value ?? null);
    if (Buffer.byteLength(text) > CALL_LIMITS.maxFrameBytes) throw new RangeError('the frame is too large');
    return text;
  } catch (cause) {
    throw new EdgeError('CALL_FAILED', `the request cannot be sent: ${String(cause)}`, { context, cause });
  }
}

function unreachable(peer: PeerRef): EdgeError {
  return new EdgeError('PEER_UNREACHABLE', `peer ${peer.peerId} cannot be reached`, {
    context: { peerId: peer.peerId, addrs: peer.addrs },
  });
}

export function fakeStreamsNetwork(clock: Clock): FakeStreamsNetwork {
  return new FakeNetwork(clock);
}
