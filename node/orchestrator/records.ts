import { z } from 'zod';
import { servedBetween } from '../../arbitrator/settlement.ts';
import { activationCertificateSchema, epochSchema, signedHandbackSchema } from '../../arbitrator/types.ts';
import { canonicalJson } from '../../market/canonical.ts';
import { EdgeError } from '../../market/errors.ts';
import type { Served } from '../../market/settlement-math.ts';
import {
  bytes32Schema,
  dutiesSchema,
  receiptSchema,
  settlementSchema,
  signatureSchema,
  termsSchema,
  unixMsSchema,
} from '../../market/terms.ts';
import { manifestSchema } from '../../market/workload.ts';
import type { KeyValue } from '../../sdk/ports.ts';

/** One turn at running the workload: who, from when to when, and what allowed it. */
const turnSchema = z.strictObject({
  epoch: epochSchema,
  holder: z.enum(['customer', 'provider']),
  startedAtMs: unixMsSchema,
  endedAtMs: unixMsSchema.nullable(),
  certificate: activationCertificateSchema.nullable(),
  handback: signedHandbackSchema.nullable(),
});
export type Turn = z.infer<typeof turnSchema>;

/** Everything this node knows of one agreement: facts only, statuses are derived (`statusOf`). */
export const recordSchema = z.strictObject({
  id: bytes32Schema,
  side: z.enum(['customer', 'provider']),
  createdAtMs: unixMsSchema,
  terms: termsSchema,
  duties: dutiesSchema,
  customerSignature: signatureSchema,
  providerSignature: signatureSchema,
  openedTx: z.string().nullable(),
  /** Where the encrypted workload is and the key to it (the data folder is readable by the owner only). */
  deployment: z
    .strictObject({ rootCids: z.array(z.string()), blockCids: z.array(z.string()), key: bytes32Schema })
    .nullable(),
  manifest: manifestSchema.nullable(),
  /** The customer's OCI layout folders by image digest: what a restart publishes again. */
  images: z.record(z.string(), z.string()).default({}),
  migratedBytes: z.int().min(0),
  /** The provider holds the workload at the agreed tier. */
  readyAtMs: unixMsSchema.nullable(),
  turns: z.array(turnSchema),
  /** When the other side was last heard: heartbeat received, or acknowledged. */
  lastHeardAtMs: unixMsSchema.nullable(),
  receipt: z.strictObject({ receipt: receiptSchema, signature: signatureSchema }).nullable(),
  settlement: z
    .strictObject({
      settlement: settlementSchema,
      customerSignature: signatureSchema,
      providerSignature: signatureSchema.nullable(),
      signedAtMs: unixMsSchema.default(0),
    })
    .nullable(),
  reportedTx: z.string().nullable(),
  /** The provider answered the report on chain: the agreement goes on. */
  reportAnswered: z.boolean().default(false),
  endedTx: z.string().nullable(),
  endedAs: z.enum(['settled', 'claimed', 'breached', 'expired']).nullable(),
  /** The last one; `isFinal` when trying again would not help. */
  failure: z
    .strictObject({ code: z.string(), message: z.string(), atMs: unixMsSchema, isFinal: z.boolean().default(false) })
    .nullable(),
});
export type AgreementRecord = z.infer<typeof recordSchema>;

/** New values, or a function of the present ones where they depend on them. */
export type Change = Partial<AgreementRecord> | ((current: AgreementRecord) => Partial<AgreementRecord>);

export interface Records {
  get(id: string): AgreementRecord | null;
  list(): AgreementRecord[];
  add(record: AgreementRecord): Promise<void>;
  /** Merges the change and resolves when it is on disk. Changes of one record never overlap. */
  update(id: string, change: Change): Promise<AgreementRecord>;
}

const PREFIX = 'agreement/';

/**
 * Loads every record; from then on reads come from memory and writes are synced before they resolve. `onFatal` hears of
 * a write that failed: nothing may be promised after it. Throws `STORE_CORRUPT`.
 */
export async function openRecords(
  store: KeyValue,
  onFatal: (error: unknown) => void = () => undefined,
): Promise<Records> {
  const records = new Map<string, AgreementRecord>();
  for (const [key, text] of await store.list(PREFIX)) {
    const parsed = recordSchema.safeParse(JSON.parse(text));
    if (!parsed.success) {
      throw new EdgeError('STORE_CORRUPT', `the stored agreement ${key} cannot be read`, {
        context: { issues: z.prettifyError(parsed.error) },
        remedy: 'restore the data folder from a backup, or move it away and rebuild from chain and counterparties',
      });
    }
    records.set(parsed.data.id, parsed.data);
  }
  const put = async (record: AgreementRecord): Promise<void> => {
    records.set(record.id, record);
    try {
      await store.write({ [PREFIX + record.id]: canonicalJson(record) });
    } catch (error) {
      onFatal(error);
      throw error;
    }
  };
  return {
    get: (id) => records.get(id) ?? null,
    list: () => [...records.values()].sort((a, b) => a.createdAtMs - b.createdAtMs),
    add: put,
    async update(id, change) {
      const current = records.get(id);
      if (current === undefined) throw new EdgeError('AGREEMENT_UNKNOWN', `no agreement ${id}`, { context: { id } });
      const next = { ...current, ...(typeof change === 'function' ? change(current) : change) };
      await put(next);
      return next;
    },
  };
}

export type NewRecord = Pick<
  AgreementRecord,
  'id' | 'side' | 'createdAtMs' | 'terms' | 'duties' | 'customerSignature' | 'providerSignature'
>;

/** A record with the facts of the signature and nothing else yet. */
export function newRecord(init: NewRecord): AgreementRecord {
  return {
    ...init,
    openedTx: null,
    deployment: null,
    manifest: null,
    images: {},
    migratedBytes: 0,
    readyAtMs: null,
    turns: [],
    lastHeardAtMs: null,
    receipt: null,
    settlement: null,
    reportedTx: null,
    reportAnswered: false,
    endedTx: null,
    endedAs: null,
    failure: null,
  };
}

export type RecordStatus = 'signed' | 'open' | 'protected' | 'active' | 'reported' | 'settling' | 'ended';

/** The turn that runs now, or the last one. */
export function currentTurn(record: AgreementRecord): Turn | null {
  return record.turns.at(-1) ?? null;
}

/** The epoch that this node knows to be current. */
export function epochOf(record: AgreementRecord): number {
  return currentTurn(record)?.epoch ?? 1;
}

/** The provider runs the workload, or has decided to. False after an activation that failed. */
export function isProviderRunning(record: AgreementRecord): boolean {
  const turn = currentTurn(record);
  return turn?.holder === 'provider' && turn.endedAtMs === null;
}

/** The epoch is the provider's, whether or not its workload could be started: only a handback takes it away. */
export function isProviderTurn(record: AgreementRecord): boolean {
  return currentTurn(record)?.holder === 'provider';
}

/** The first turn of every agreement: the customer's. */
export function firstTurn(startedAtMs: number): Turn {
  return { epoch: 1, holder: 'customer', startedAtMs, endedAtMs: null, certificate: null, handback: null };
}

/** Status from facts, final ones first. `active`: the provider runs the workload. */
export function statusOf(record: AgreementRecord): RecordStatus {
  if (record.endedTx !== null) return 'ended';
  if (record.reportedTx !== null && !record.reportAnswered) return 'reported';
  if (record.settlement !== null) return 'settling';
  if (isProviderRunning(record)) return 'active';
  if (record.readyAtMs !== null) return 'protected';
  if (record.openedTx !== null) return 'open';
  return 'signed';
}

/** Ends the running turn at `atMs` and, when given, begins the next one. */
export function nextTurns(turns: Turn[], atMs: number, next: Turn | null): Turn[] {
  const closed = turns.map((turn) => (turn.endedAtMs === null ? { ...turn, endedAtMs: atMs } : turn));
  return next === null ? closed : [...closed, next];
}

/** Seconds the provider stood by and served, from `readyAtMs` to `untilMs`. */
export function servedSec(record: AgreementRecord, untilMs: number): Served {
  if (record.readyAtMs === null) return { standbySec: 0, activeSec: 0 };
  return servedBetween(record.turns, record.readyAtMs, untilMs);
}
