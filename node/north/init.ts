import type { Reading } from '../../arbitrator/types.ts';
import type { Clock } from '../../market/ports.ts';
import type { Log } from '../../sdk/log.ts';
import type { KeyValue } from '../../sdk/ports.ts';
import type { FinalResult, PeerSignature } from './cloud-client.ts';

export interface RelayLimits {
  /** Readings kept per agreement; the oldest are dropped first. One takes about 200 bytes, in memory and on disk. */
  maxQueued: number;
  /** Readings per request; the cloud takes 200 at most. */
  maxBatch: number;
  requestTimeoutMs: number;
  /** First pause after a failure; doubles up to the maximum. A random half of it is left out, against stampedes. */
  backoffMinMs: number;
  backoffMaxMs: number;
}

export const DEFAULT_RELAY_LIMITS: RelayLimits = {
  maxQueued: 50_000,
  maxBatch: 200,
  requestTimeoutMs: 10_000,
  backoffMinMs: 50,
  backoffMaxMs: 10_000,
};

/** A final answer of the cloud about one batch. */
export interface DeliveryEvent {
  agreementId: string;
  epoch: number;
  readings: Reading[];
  result: FinalResult;
}

export interface RelayInit {
  store: KeyValue;
  /** Where the readings of an agreement go; null while that is not known (they are kept). */
  targets: (agreementId: string) => { url: string } | null;
  /** False once the agreement has ended: then readings of an epoch that is over are given up. All live by default. */
  isLive?: (agreementId: string) => boolean;
  sign: (bytes: Uint8Array) => PeerSignature | Promise<PeerSignature>;
  fetch: typeof fetch;
  clock: Clock;
  log: Log;
  limits?: Partial<RelayLimits>;
  /** In [0, 1). */
  random: () => number;
  /** Called after each final answer. */
  onDelivery?: (event: DeliveryEvent) => void;
  /** Called once when the store fails: the node must stop. */
  onFatal?: (error: unknown) => void;
}
