/** What the pure folders need from the world. Real parts live in sdk/ and node/, fakes in test/. */

/** Time as a parameter: nothing in market/ or arbitrator/ asks the machine for it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `fn` every `ms` until the signal aborts. Calls never overlap: a late one is dropped, not queued. */
  every(ms: number, fn: () => void | Promise<void>, signal: AbortSignal): void;
}

/** Where to reach a node. */
export interface PeerRef {
  peerId: string;
  /** Multiaddrs without the `/p2p/` part; may be empty when the peer is already connected. */
  addrs: string[];
}

/** What a gossip validator says of a message: forward it, drop it, or drop it and penalise the sender. */
export type Verdict = 'accept' | 'ignore' | 'reject';

export interface PubSub {
  publish(topic: string, data: Uint8Array): Promise<void>;
  /** Nothing reads a message before `validate` accepted it. Returns the unsubscribe function. */
  subscribe(
    topic: string,
    validate: (data: Uint8Array, from: string) => Promise<Verdict>,
    onMessage: (data: Uint8Array, from: string) => void,
  ): Promise<() => void>;
}

/** Request and answer over direct, authenticated streams. Bodies are plain JSON (bigints as decimal strings). */
export interface Streams {
  /** Throws `PEER_UNREACHABLE`, `CALL_TIMEOUT` or `CALL_FAILED` (the answer was not understood). */
  call(
    peer: PeerRef,
    protocol: string,
    body: unknown,
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<unknown>;
  /** A handler that throws an `EdgeError` answers with its code; anything else answers `INTERNAL` and is logged. */
  handle(protocol: string, handler: (body: unknown, fromPeerId: string) => Promise<unknown>): Promise<void>;
  /** Called when the last connection to a peer closes. Returns the unsubscribe function. */
  onDisconnect(listener: (peerId: string) => void): () => void;
}
