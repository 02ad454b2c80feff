import { type Reading, readingSchema } from '../../arbitrator/types.ts';
import type { NorthRelay } from '../ports.ts';
import { DEFAULT_RELAY_LIMITS, type RelayInit, type RelayLimits } from './init.ts';
import { Lane, type LaneStats } from './lane.ts';
import { loadLanes } from './load.ts';

export interface NorthRelayService extends NorthRelay {
  /**
   * The provider's own account of its epoch, for the handback: how many distinct readings the cloud said it accepted,
   * and the `readingsRoot` over them. Kept for provider's epochs only; the root is null for a customer's epoch.
   */
  delivered(agreementId: string, epoch: number): { count: number; readingsRoot: string | null };
  /**
   * Ends the present pause: call it when the cloud has been told that this node holds `epoch`. What an earlier epoch of
   * this node left undelivered goes out under it.
   */
  kick(agreementId: string, epoch: number): void;
  /** Opens a connection to the agreement's cloud ahead of need; says whether it answers. */
  warm(agreementId: string, signal: AbortSignal): Promise<boolean>;
}

/** Continues with what an earlier run left on disk. Throws `STORE_FAILED`. */
export async function startNorthRelay(init: RelayInit): Promise<NorthRelayService> {
  const limits = { ...DEFAULT_RELAY_LIMITS, ...init.limits };
  const relay = new Relay(init, limits);
  for (const stored of await loadLanes(init.store)) {
    const lane = relay.lane(stored.agreementId);
    lane.restore(stored);
  }
  return relay;
}

class Relay implements NorthRelayService {
  private readonly init: RelayInit;
  private readonly limits: RelayLimits;
  private readonly lanes = new Map<string, Lane>();
  private readonly stopping = new AbortController();

  constructor(init: RelayInit, limits: RelayLimits) {
    this.init = init;
    this.limits = limits;
  }

  lane(agreementId: string): Lane {
    const known = this.lanes.get(agreementId);
    if (known) return known;
    const made = new Lane(agreementId, { ...this.init, limits: this.limits, signal: this.stopping.signal });
    this.lanes.set(agreementId, made);
    return made;
  }

  async enqueue(agreementId: string, epoch: number, readings: Reading[]): Promise<void> {
    this.stopping.signal.throwIfAborted();
    if (readings.length === 0) return;
    for (const reading of readings) readingSchema.parse(reading);
    await this.lane(agreementId).enqueue(epoch, readings);
  }

  async drained(agreementId: string, signal: AbortSignal): Promise<boolean> {
    return (await this.lanes.get(agreementId)?.drained(signal)) ?? true;
  }

  stats(agreementId: string): LaneStats {
    return this.lanes.get(agreementId)?.stats() ?? { queued: 0, accepted: 0, duplicates: 0, refused: 0, dropped: 0 };
  }

  delivered(agreementId: string, epoch: number): { count: number; readingsRoot: string | null } {
    return this.lane(agreementId).delivered(epoch);
  }

  kick(agreementId: string, epoch: number): void {
    this.lanes.get(agreementId)?.kick(epoch);
  }

  async warm(agreementId: string, signal: AbortSignal): Promise<boolean> {
    const target = this.init.targets(agreementId);
    if (target === null) return false;
    try {
      const response = await this.init.fetch(`${target.url.replace(/\/+$/, '')}/health`, { signal });
      await response.arrayBuffer();
      return response.ok;
    } catch (error) {
      this.init.log.debug({ agreementId, error }, 'the cloud does not answer');
      return false;
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort(new Error('the north relay is stopped'));
    await Promise.all([...this.lanes.values()].map((lane) => lane.stopped()));
  }
}
