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
import { type AgreementRecord, epochOf } from './records.ts';
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

export interface GuardService extends Guard {
  /** Takes a heartbeat; the answer says which epoch this node knows. Throws `HEARTBEAT_REFUSED`. */
  receive(body: unknown, fromPeerId: string): Promise<object>;
}

interface GuardHandlers {
  /** Gets what the detector decided on. */
  onDead(record: AgreementRecord, grounds: Grounds): Promise<void>;
}

export function createGuard(context: Context, handlers: GuardHandlers): GuardService {
  return new CustomerGuard(context, handlers);
}

class CustomerGuard implements GuardService {
  private readonly context: Context;
  private readonly handlers: GuardHandlers;
  private readonly watches = new Map<string, Watch>();
  private health: LocalHealth = HEALTHY;

  constructor(context: Context, handlers: GuardHandlers) {
    this.context = context;
    this.handlers = handlers;
    context.streams.onDisconnect((peerId) => this.disconnected(peerId));
  }

  watch(id: string): void {
    const { clock, records, randomBytes, signal } = this.context;
    const record = records.get(id);
    if (record === null || this.watches.has(id)) return;
    const nowMs = clock.nowMs();
    const config = detectorConfig(record.duties);
    const watch: Watch = {
      config,
      state: startDetector({ nowMs, probeSeed: hex(randomBytes(32)) }),
      statements: new Map(),
      last: null,
      lastAtMs: record.lastHeardAtMs ?? nowMs,
      stop: new AbortController(),
    };
    this.watches.set(id, watch);
    let plannedAtMs = nowMs + config.tickMs;
    const onTick = (): void => {
      this.tick(id, watch, plannedAtMs);
      plannedAtMs = clock.nowMs() + config.tickMs;
    };
    clock.every(config.tickMs, onTick, AbortSignal.any([watch.stop.signal, signal]));
  }

  unwatch(id: string): void {
    this.watches.get(id)?.stop.abort();
    this.watches.delete(id);
  }

  left(id: string): void {
    this.feed(id, { type: 'left', atMs: this.context.clock.nowMs() });
  }

  async receive(body: unknown, fromPeerId: string): Promise<object> {
    const { clock, records, peer } = this.context;
    const parsed = signedHeartbeatSchema.safeParse(body);
    if (!parsed.success) throw new EdgeError('REQUEST_INVALID', 'not a heartbeat');
    const { heartbeat, signature } = parsed.data;
    const record = records.get(heartbeat.agreementId);
    const { peerId: customerPeerId = null } = record?.duties.customer ?? {};
    if (record?.side !== 'provider' || record.endedTx !== null || customerPeerId !== fromPeerId) {
      throw new EdgeError('AGREEMENT_UNKNOWN', 'no such agreement of yours here');
    }
    const epoch = epochOf(record);
    const nowMs = clock.nowMs();
    const watch = this.watches.get(record.id);
    const expectation = { agreementId: record.id, customerPeerId, epoch, nowMs, verify: peer.verify };
    const fault = checkHeartbeat({ heartbeat, signature }, expectation, watch?.last ?? null);
    if (fault !== null && fault !== 'stale-epoch') {
      throw new EdgeError('HEARTBEAT_REFUSED', fault, { context: { agreement: record.id } });
    }
    if (fault === null && watch !== undefined) {
      watch.last = heartbeat;
      watch.lastAtMs = nowMs;
      await noteHeard(this.context, record, nowMs);
      this.feed(record.id, { type: 'heartbeat', atMs: nowMs });
    }
    return { type: 'ack', seq: heartbeat.seq, epoch };
  }

  private feed(id: string, event: DetectorEvent): void {
    const watch = this.watches.get(id);
    if (watch === undefined) return;
    const before = watch.state.status;
    const step = transition(watch.state, event, watch.config);
    watch.state = step.state;
    if (before !== step.state.status) this.context.emit(step.state.status, id, { from: before });
    for (const effect of step.effects) {
      void this.carryOut(id, watch, effect).catch((error) =>
        this.context.log.error({ agreement: id, effect: effect.type, error: String(error) }, 'the guard failed to act'),
      );
    }
  }

  private async carryOut(id: string, watch: Watch, effect: DetectorEffect): Promise<void> {
    const record = this.context.records.get(id);
    if (record === null) return;
    if (effect.type === 'doubtSelf') this.health = observe(this.health, 'contradicted');
    if (effect.type === 'probe') {
      const reachable = await probeCustomer(this.context, record, effect);
      this.feed(id, { type: 'probed', atMs: this.context.clock.nowMs(), probeId: effect.probeId, reachable });
    }
    if (effect.type === 'askWitnesses') {
      await askWitnesses(this.context, record, effect, watch, (event) => this.feed(id, event));
    }
    if (effect.type === 'activate') {
      const statements = effect.unreachableBy.flatMap((by) => watch.statements.get(effect.probeId + by) ?? []);
      watch.statements.clear();
      await this.handlers.onDead(record, { probeId: effect.probeId, lastHeartbeatAtMs: watch.lastAtMs, statements });
    }
  }

  private tick(id: string, watch: Watch, plannedAtMs: number): void {
    const atMs = this.context.clock.nowMs();
    const lateByMs = Math.max(0, atMs - plannedAtMs);
    this.health = observe(this.health, lateByMs > watch.config.lateAfterMs ? 'late' : 'punctual');
    this.feed(id, { type: 'tick', atMs, lateByMs, health: this.health.score });
  }

  private disconnected(peerId: string): void {
    for (const id of [...this.watches.keys()]) {
      if (this.context.records.get(id)?.duties.customer.peerId !== peerId) continue;
      this.feed(id, { type: 'disconnected', atMs: this.context.clock.nowMs() });
    }
  }
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
  const epoch = epochOf(record);
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
