import {
  type DetectorEffect,
  type DetectorEvent,
  type DetectorState,
  startDetector,
  transition,
} from '../../arbitrator/detector.ts';
import { type DetectorConfig, detectorConfig } from '../../arbitrator/detector-config.ts';
import { checkHeartbeat } from '../../arbitrator/heartbeat.ts';
import { HEALTHY, type LocalHealth, observe } from '../../arbitrator/local-health.ts';
import {
  type Heartbeat,
  type SignedStatement,
  signedHeartbeatSchema,
  signedStatementSchema,
} from '../../arbitrator/types.ts';
import { checkStatement } from '../../arbitrator/witness.ts';
import { EdgeError } from '../../market/errors.ts';
import type { Context } from './context.ts';
import { hex, peerOf } from './context.ts';
import type { Grounds } from './provider-takeover.ts';
import { type AgreementRecord, currentTurn } from './records.ts';
import { PROTOCOLS } from './wire.ts';
import { probe } from './witness.ts';

/** Watches the customers this node stands by for. */
export interface Guard {
  /** Begins to watch; the customer counts as heard now. */
  watch(id: string): void;
  unwatch(id: string): void;
  /** The customer said goodbye: its silence means nothing until it is heard again. */
  left(id: string): void;
}

interface Watch {
  config: DetectorConfig;
  state: DetectorState;
  statements: Map<string, SignedStatement>;
  last: Heartbeat | null;
  lastAtMs: number;
  stop: AbortController;
}

/** `onDead` gets what the detector decided on; `onAlive` tells of a customer that is heard again. */
export function createGuard(
  context: Context,
  handlers: { onDead(record: AgreementRecord, grounds: Grounds): Promise<void> },
): Guard & { receive(body: unknown, fromPeerId: string): Promise<object> } {
  const watches = new Map<string, Watch>();
  let health: LocalHealth = HEALTHY;

  const feed = (id: string, event: DetectorEvent): void => {
    const watch = watches.get(id);
    if (watch === undefined) return;
    const before = watch.state.status;
    const step = transition(watch.state, event, watch.config);
    watch.state = step.state;
    if (before !== step.state.status) context.emit(step.state.status, id, { from: before });
    for (const effect of step.effects) void carryOut(id, watch, effect);
  };

  const carryOut = async (id: string, watch: Watch, effect: DetectorEffect): Promise<void> => {
    const record = context.records.get(id);
    if (record === null) return;
    if (effect.type === 'doubtSelf') health = observe(health, 'contradicted');
    if (effect.type === 'probe') {
      const reachable = await probeCustomer(context, record, effect);
      feed(id, { type: 'probed', atMs: context.clock.nowMs(), probeId: effect.probeId, reachable });
    }
    if (effect.type === 'askWitnesses') await askWitnesses(context, record, effect, watch, (event) => feed(id, event));
    if (effect.type === 'activate') {
      const statements = effect.unreachableBy.flatMap(
        (witness) => watch.statements.get(effect.probeId + witness) ?? [],
      );
      await handlers.onDead(record, { probeId: effect.probeId, lastHeartbeatAtMs: watch.lastAtMs, statements });
    }
  };

  const tick = (id: string, watch: Watch, plannedAtMs: number): void => {
    const atMs = context.clock.nowMs();
    const lateByMs = Math.max(0, atMs - plannedAtMs);
    health = observe(health, lateByMs > watch.config.lateAfterMs ? 'late' : 'punctual');
    feed(id, { type: 'tick', atMs, lateByMs, health: health.score });
  };

  context.streams.onDisconnect((peerId) => {
    for (const [id] of watches) {
      if (context.records.get(id)?.duties.customer.peerId !== peerId) continue;
      feed(id, { type: 'disconnected', atMs: context.clock.nowMs() });
    }
  });

  return {
    watch(id) {
      const record = context.records.get(id);
      if (record === null || watches.has(id)) return;
      const nowMs = context.clock.nowMs();
      const config = detectorConfig(record.duties);
      const state = startDetector({ nowMs, probeSeed: hex(context.randomBytes(32)) });
      const watch: Watch = {
        config,
        state,
        statements: new Map(),
        last: null,
        lastAtMs: record.lastHeardAtMs ?? nowMs,
        stop: new AbortController(),
      };
      watches.set(id, watch);
      let plannedAtMs = nowMs + config.tickMs;
      const onTick = (): void => {
        tick(id, watch, plannedAtMs);
        plannedAtMs = context.clock.nowMs() + config.tickMs;
      };
      context.clock.every(config.tickMs, onTick, AbortSignal.any([watch.stop.signal, context.signal]));
    },
    unwatch(id) {
      watches.get(id)?.stop.abort();
      watches.delete(id);
    },
    left: (id) => feed(id, { type: 'left', atMs: context.clock.nowMs() }),
    async receive(body, fromPeerId) {
      const { heartbeat, signature } = signedHeartbeatSchema.parse(body);
      const record = context.records.get(heartbeat.agreementId);
      if (record === null || fromPeerId !== record.duties.customer.peerId) {
        throw new EdgeError('AGREEMENT_UNKNOWN', 'no such agreement of yours here');
      }
      const epoch = currentTurn(record)?.epoch ?? 1;
      const nowMs = context.clock.nowMs();
      const watch = watches.get(record.id);
      const expectation = {
        agreementId: record.id,
        customerPeerId: record.duties.customer.peerId,
        epoch,
        nowMs,
        verify: context.peer.verify,
      };
      const fault = checkHeartbeat({ heartbeat, signature }, expectation, watch?.last ?? null);
      if (fault === null && watch !== undefined) {
        watch.last = heartbeat;
        watch.lastAtMs = nowMs;
        await noteHeard(context, record, nowMs);
        feed(record.id, { type: 'heartbeat', atMs: nowMs });
      } else if (fault !== null && fault !== 'stale-epoch') {
        throw new EdgeError('HEARTBEAT_REFUSED', fault, { context: { agreement: record.id } });
      }
      return { type: 'ack', seq: heartbeat.seq, epoch };
    },
  };
}

/** How often the last sign of life goes to disk: bounds what a crash of this node can add to the replay. */
const HEARD_WRITE_EVERY_MS = 5_000;

async function noteHeard(context: Context, record: AgreementRecord, nowMs: number): Promise<void> {
  if (nowMs - (record.lastHeardAtMs ?? 0) < HEARD_WRITE_EVERY_MS) return;
  await context.records.update(record.id, { lastHeardAtMs: nowMs });
}

async function probeCustomer(
  context: Context,
  record: AgreementRecord,
  effect: { attempts: number; timeoutMs: number },
): Promise<boolean> {
  const until = AbortSignal.timeout(effect.timeoutMs);
  const eachMs = Math.max(30, Math.floor(effect.timeoutMs / effect.attempts));
  for (let attempt = 0; attempt < effect.attempts && !until.aborted; attempt++) {
    if (await probe(context, peerOf(record.duties.customer), eachMs)) return true;
  }
  return false;
}

async function askWitnesses(
  context: Context,
  record: AgreementRecord,
  effect: { probeId: string; timeoutMs: number },
  watch: Watch,
  feed: (event: DetectorEvent) => void,
): Promise<void> {
  const { peerId, addrs } = record.duties.customer;
  const epoch = currentTurn(record)?.epoch ?? 1;
  const body = {
    agreementId: record.id,
    epoch,
    probeId: effect.probeId,
    subject: { peerId, addrs },
    timeoutMs: effect.timeoutMs,
  };
  const expectation = () => ({ agreementId: record.id, epoch, probeId: effect.probeId, nowMs: context.clock.nowMs() });
  await Promise.all(
    record.duties.witnesses.map(async (witness) => {
      try {
        const timeoutMs = effect.timeoutMs + 1_000;
        const answer = await context.streams.call(peerOf(witness), PROTOCOLS.witness, body, { timeoutMs });
        const signed = signedStatementSchema.parse(answer);
        const checked = checkStatement(context.domain, signed, record.duties, expectation());
        if (checked.fault !== null) throw new EdgeError('STATEMENT_INVALID', checked.fault);
        watch.statements.set(effect.probeId + checked.witness.toLowerCase(), signed);
        const atMs = context.clock.nowMs();
        const { probeId } = effect;
        feed({ type: 'statement', atMs, probeId, reachable: signed.statement.reachable, byWitness: checked.witness });
      } catch (error) {
        context.log.warn({ agreement: record.id, witness: witness.address, error: String(error) }, 'no statement');
      }
    }),
  );
}
