import { heartbeatBytes } from '../../arbitrator/heartbeat.ts';
import { toPlainJson } from '../../market/canonical.ts';
import type { Context } from './context.ts';
import { hex, peerOf } from './context.ts';
import { type AgreementRecord, currentTurn, statusOf } from './records.ts';
import { heartbeatAckSchema, PROTOCOLS } from './wire.ts';

/** How often the last sign of life goes to disk. */
const HEARD_WRITE_EVERY_MS = 2_000;

export interface HeartbeatSender {
  /** Begins to send for this agreement; the first one leaves at once. */
  start(id: string): void;
  stop(id: string): void;
}

/** The customer's heartbeats, one loop per agreement, until the agreement ends or the node stops. */
export function createHeartbeats(
  context: Context,
  options: { serving(id: string): boolean; onBehind(id: string, epoch: number): void },
): HeartbeatSender {
  const bootId = hex(context.randomBytes(8)).slice(2);
  const loops = new Map<string, AbortController>();
  const sequence = new Map<string, number>();

  const send = async (record: AgreementRecord): Promise<void> => {
    const seq = (sequence.get(record.id) ?? -1) + 1;
    sequence.set(record.id, seq);
    const heartbeat = {
      agreementId: record.id,
      epoch: currentTurn(record)?.epoch ?? 1,
      seq,
      bootId,
      sentAtMs: context.clock.nowMs(),
      serving: options.serving(record.id),
    };
    const body = { heartbeat, signature: context.peer.sign(heartbeatBytes(heartbeat)) };
    const timeoutMs = Math.max(1_000, record.duties.heartbeatIntervalMs);
    const provider = peerOf(record.duties.provider);
    const answer = await context.streams.call(provider, PROTOCOLS.heartbeat, toPlainJson(body), { timeoutMs });
    const ack = heartbeatAckSchema.safeParse(answer);
    if (ack.success) await noteHeard(record);
    if (ack.success && ack.data.epoch > heartbeat.epoch) options.onBehind(record.id, ack.data.epoch);
  };

  const noteHeard = async (record: AgreementRecord): Promise<void> => {
    const nowMs = context.clock.nowMs();
    if (nowMs - (record.lastHeardAtMs ?? 0) < HEARD_WRITE_EVERY_MS) return;
    await context.records.update(record.id, { lastHeardAtMs: nowMs });
  };

  const stop = (id: string): void => {
    loops.get(id)?.abort();
    loops.delete(id);
  };

  const beat = async (id: string): Promise<void> => {
    const record = context.records.get(id);
    if (record === null || statusOf(record) === 'ended') return stop(id);
    try {
      await send(record);
    } catch (error) {
      // The provider counts what it misses; the customer only notes that it was not heard.
      context.log.debug({ agreement: id, error: String(error) }, 'heartbeat not acknowledged');
    }
  };

  return {
    start(id) {
      const record = context.records.get(id);
      if (record === null || loops.has(id)) return;
      const loop = new AbortController();
      loops.set(id, loop);
      const signal = AbortSignal.any([loop.signal, context.signal]);
      void beat(id);
      context.clock.every(record.duties.heartbeatIntervalMs, () => beat(id), signal);
    },
    stop,
  };
}
