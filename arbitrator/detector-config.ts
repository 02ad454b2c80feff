import type { Duties } from '../market/terms.ts';

/** How one provider watches one customer. All times in milliseconds of the observer's clock. */
export interface DetectorConfig {
  /** Silence after which the customer is suspected. Suspicion costs a few probes, so this may be short. */
  suspectAfterMs: number;
  /** Nobody is declared dead before this silence: a connection that a NAT dropped comes back within one heartbeat. */
  minSilenceMs: number;
  /** How long an unconfirmed suspicion lasts, and so the time to act without witnesses. */
  maxSuspicionMs: number;
  /** A round that decided nothing is followed by another; the n-th lasts n times this long, up to `maxRoundFactor`. */
  roundMs: number;
  maxRoundFactor: number;
  /** How long a probe may take, retries included. Below the round trip of the network nobody looks alive. */
  probeTimeoutMs: number;
  /** Sent per probe, spread over the timeout; one answer is enough. Four bring 10 % loss down to 0.1 % (0.19^4). */
  probeAttempts: number;
  /** How often the caller promises to send `tick`. */
  tickMs: number;
  /** A longer delay of the observer's own timers makes it distrust what it did not hear meanwhile. */
  lateAfterMs: number;
  witnessQuorum: number;
  /** Addresses of the witnesses that the duties name. */
  witnesses: readonly string[];
}

/**
 * The configuration that follows from the duties. With an answering quorum the decision falls at most
 * `suspectAfterMissed` intervals + one tick + one probe after the last heartbeat: 2.25 s at 1 s, 0.57 s at 200 ms.
 */
export function detectorConfig(duties: Duties, overrides: Partial<DetectorConfig> = {}): DetectorConfig {
  const intervalMs = duties.heartbeatIntervalMs;
  return {
    suspectAfterMs: duties.suspectAfterMissed * intervalMs,
    minSilenceMs: intervalMs,
    maxSuspicionMs: 4 * intervalMs,
    roundMs: Math.max(intervalMs, 500),
    maxRoundFactor: 5,
    probeTimeoutMs: Math.min(3_000, Math.max(150, intervalMs / 5)),
    probeAttempts: 4,
    tickMs: Math.min(1_000, Math.max(20, intervalMs / 20)),
    lateAfterMs: Math.max(250, intervalMs / 2),
    witnessQuorum: duties.witnessQuorum,
    witnesses: duties.witnesses.map((witness) => witness.address),
    ...overrides,
  };
}
