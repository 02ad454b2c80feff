import { canonicalJson } from '../market/canonical.ts';
import type { Heartbeat, SignedHeartbeat } from './types.ts';

/** Checks an Ed25519 signature (0x-prefixed hex) of a libp2p peer key. Injected: key parsing is the sdk's. */
export type VerifyPeer = (peerId: string, bytes: Uint8Array, signature: string) => boolean;

/** The largest clock difference tolerated between two nodes, milliseconds. Raising it lengthens the replay window. */
export const DEFAULT_MAX_SKEW_MS = 30_000;

export interface HeartbeatExpectation {
  agreementId: string;
  /** The peer that the duties name as the customer. */
  customerPeerId: string;
  /** The epoch that the receiver knows to be current. */
  epoch: number;
  nowMs: number;
  /** Default `DEFAULT_MAX_SKEW_MS`. */
  maxSkewMs?: number;
  verify: VerifyPeer;
}

/**
 * Why a heartbeat does not count. `stale-epoch` also tells the receiver that the sender has come back without knowing
 * that it was taken over.
 */
export type HeartbeatFault =
  | 'wrong-agreement'
  | 'stale-epoch'
  | 'unknown-epoch'
  | 'from-future'
  | 'too-old'
  | 'replayed'
  | 'bad-signature';

/** What the customer's peer key signs. */
export function heartbeatBytes(heartbeat: Heartbeat): Uint8Array {
  return new TextEncoder().encode(canonicalJson(heartbeat));
}

/**
 * Null for a heartbeat that counts. `last` is the newest one accepted so far, null for none.
 * The signature comes last: it costs a thousand times more than the rest.
 */
export function checkHeartbeat(
  signed: SignedHeartbeat,
  expect: HeartbeatExpectation,
  last: Heartbeat | null,
): HeartbeatFault | null {
  const { heartbeat } = signed;
  const maxSkewMs = expect.maxSkewMs ?? DEFAULT_MAX_SKEW_MS;
  if (heartbeat.agreementId !== expect.agreementId) return 'wrong-agreement';
  if (heartbeat.epoch > expect.epoch) return 'unknown-epoch';
  if (heartbeat.sentAtMs > expect.nowMs + maxSkewMs) return 'from-future';
  if (heartbeat.sentAtMs < expect.nowMs - maxSkewMs) return 'too-old';
  if (last !== null && !isNewer(heartbeat, last)) return 'replayed';
  if (!expect.verify(expect.customerPeerId, heartbeatBytes(heartbeat), signed.signature)) return 'bad-signature';
  // After the signature: only the customer itself may make the receiver believe that it is back.
  return heartbeat.epoch < expect.epoch ? 'stale-epoch' : null;
}

/** Within one run the sequence decides; across runs (a restart starts it anew) only the sender's clock can. */
function isNewer(heartbeat: Heartbeat, last: Heartbeat): boolean {
  if (heartbeat.bootId === last.bootId) return heartbeat.seq > last.seq;
  return heartbeat.sentAtMs > last.sentAtMs;
}
