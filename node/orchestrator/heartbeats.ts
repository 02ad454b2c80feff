import { heartbeatBytes } from '../../arbitrator/heartbeat.ts';
import { toPlainJson } from '../../market/canonical.ts';
import { hasCode } from '../../market/errors.ts';
import type { Context } from './context.ts';
import { hex, peerOf } from './context.ts';
import { type AgreementRecord, epochOf } from './records.ts';
import { heartbeatAckSchema, PROTOCOLS } from './wire.ts';

/** How often the last sign of life goes to disk. */
const HEARD_WRITE_EVERY_MS = 2_000;

export interface HeartbeatSender {
  /** Begins to send for this agreement; the first one leaves at once. */
  start(id: string): void;
  stop(id: string): void;
}

export interface HeartbeatOptions {
  serving(id: string): boolean;
  /** The provider knows a later epoch than this node: somebody else runs the workload. */
  onBehind(id: string, epoch: number): void;
  /** The provider does not know this node's epoch yet: the handback did not reach it. */
  onAhead(id: string): void;
  /** A heartbeat was not acknowledged; called for each. */
  onUnheard(id: string): void;
}

/** The customer's heartbeats, one loop per agreement, until the agreement ends or the node stops. */
export function createHeartbeats(context: Context, options: HeartbeatOptions): HeartbeatSender {
  return new Heartbeats(context, options);
}

class Heartbeats implements HeartbeatSender {
  private readonly context: Context;
  private readonly options: HeartbeatOptions;
  private readonly bootId: string;
  private readonly loops = new Map<string, AbortController>();
  private readonly sequence = new Map<string, number>();

  constructor(context: Context, options: HeartbeatOptions) {
    this.context = context;
    this.options = options;
    this.bootId = hex(context.randomBytes(8)).slice(2);
  }

  start(id: string): void {
    const record = this.context.records.get(id);
    if (record === null || record.endedTx !== null || this.loops.has(id)) return;
    const loop = new AbortController();
    this.loops.set(id, loop);
    void this.beat(id, loop.signal);
    const signal = AbortSignal.any([loop.signal, this.context.signal]);
    this.context.clock.every(record.duties.heartbeatIntervalMs, () => this.beat(id, loop.signal), signal);
  }

  stop(id: string): void {
    this.loops.get(id)?.abort();
    this.loops.delete(id);
  }

  private async beat(id: string, loop: AbortSignal): Promise<void> {
    const record = this.context.records.get(id);
    const isOver = record === null || this.context.clock.nowMs() >= record.terms.endsAt * 1000;
    if (isOver || record.endedTx !== null) return this.stop(id);
    try {
      const behind = await this.send(record);
      if (behind !== null && !loop.aborted) this.options.onBehind(id, behind);
    } catch (error) {
      if (loop.aborted || this.context.signal.aborted) return;
      // The provider counts what it misses; the customer only notes that it was not heard.
      this.context.log.debug({ agreement: id, error: String(error) }, 'heartbeat not acknowledged');
      if (hasCode(error, 'HEARTBEAT_REFUSED') && /unknown-epoch/.test(error.message)) this.options.onAhead(id);
      else this.options.onUnheard(id);
    }
  }

  /** The provider's epoch when it is later than this node's. */
  private async send(record: AgreementRecord): Promise<number | null> {
    const { clock, peer, streams } = this.context;
    const seq = (this.sequence.get(record.id) ?? -1) + 1;
    this.sequence.set(record.id, seq);
    const heartbeat = {
      agreementId: record.id,
      epoch: epochOf(record),
      seq,
      bootId: this.bootId,
      sentAtMs: clock.nowMs(),
      serving: this.options.serving(record.id),
    };
    const body = { heartbeat, signature: peer.sign(heartbeatBytes(heartbeat)) };
    const timeoutMs = Math.max(1_000, record.duties.heartbeatIntervalMs);
    const answer = await streams.call(peerOf(record.duties.provider), PROTOCOLS.heartbeat, toPlainJson(body), {
      timeoutMs,
    });
    const ack = heartbeatAckSchema.parse(answer);
    await this.noteHeard(record.id);
    return ack.epoch > heartbeat.epoch ? ack.epoch : null;
  }

  private async noteHeard(id: string): Promise<void> {
    const nowMs = this.context.clock.nowMs();
    const { lastHeardAtMs } = this.context.records.get(id) ?? {};
    if (nowMs - (lastHeardAtMs ?? 0) < HEARD_WRITE_EVERY_MS) return;
    await this.context.records.update(id, { lastHeardAtMs: nowMs });
  }
}
