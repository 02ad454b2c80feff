/**
 * Where an agreement stands for one node. Derived from stored facts, never stored itself, so it cannot disagree with
 * them after a crash. Warm statuses can still change; `ended` and `breached` cannot.
 */
export const NODE_STATUSES = [
  /** Both are still negotiating, or one signature is missing. */
  'drafted',
  /** Both signed; nobody has submitted it. */
  'signed',
  /** The opening transaction is on its way. */
  'opening',
  /** Stakes are locked; the workload has not been handed over. */
  'open',
  /** The provider fetches the workload. */
  'migrating',
  /** The provider holds it at the agreed tier and stands by. */
  'protected',
  /** The provider has decided to take over; its workload does not run yet. */
  'activating',
  /** The provider runs the workload. */
  'active',
  /** The customer is back and both sign the handback. */
  'handing-back',
  /** One side reported a breach or filed a claim on chain. */
  'contested',
  /** A settlement is signed or on its way. */
  'settling',
  /** Over, by settlement, claim or time. */
  'ended',
  /** Over: the provider lost its stake. */
  'breached',
] as const;
export type NodeStatus = (typeof NODE_STATUSES)[number];

const SERVING = ['protected', 'activating', 'active', 'handing-back'] as const;
const CLOSING = ['contested', 'settling', 'ended', 'breached'] as const;

/** What may follow. Any open agreement may be contested, settled or run out; a crash may skip what was not recorded. */
export const STATUS_NEXT: Record<NodeStatus, readonly NodeStatus[]> = {
  drafted: ['signed', 'ended'],
  signed: ['opening', 'open', 'ended'],
  opening: ['signed', 'open', 'ended'],
  open: ['migrating', 'protected', ...CLOSING],
  migrating: ['open', ...SERVING.slice(0, 1), ...CLOSING],
  protected: ['activating', 'active', ...CLOSING],
  activating: ['active', 'protected', 'handing-back', ...CLOSING],
  active: ['handing-back', 'protected', 'activating', ...CLOSING],
  'handing-back': ['protected', 'active', ...CLOSING],
  contested: ['settling', 'ended', 'breached'],
  settling: ['contested', 'ended', 'breached'],
  ended: [],
  breached: [],
};

/** The facts, each written once when it becomes true. */
export interface AgreementFacts {
  signedByBoth: boolean;
  /** The opening transaction was stored, not yet mined. */
  openSubmitted: boolean;
  openedTx: string | null;
  /** The workload's address has been exchanged and its transfer begun. */
  migrationStarted: boolean;
  readyAtMs: number | null;
  /** Current epoch as this node knows it: even means that the provider holds it. */
  epoch: number;
  /** The provider's container answered in the current epoch. */
  running: boolean;
  /** The customer asked for the workload back. */
  handbackStarted: boolean;
  contestedTx: string | null;
  settlementSigned: boolean;
  endedAs: 'settled' | 'claimed' | 'expired' | 'breached' | null;
}

/** Status from facts, final ones first. */
export function deriveStatus(facts: AgreementFacts): NodeStatus {
  if (facts.endedAs !== null) return facts.endedAs === 'breached' ? 'breached' : 'ended';
  if (facts.settlementSigned) return 'settling';
  if (facts.contestedTx !== null) return 'contested';
  if (facts.openedTx === null) return beforeOpening(facts);
  if (facts.epoch % 2 === 0) return facts.handbackStarted ? 'handing-back' : facts.running ? 'active' : 'activating';
  if (facts.readyAtMs !== null) return 'protected';
  return facts.migrationStarted ? 'migrating' : 'open';
}

function beforeOpening(facts: AgreementFacts): NodeStatus {
  if (!facts.signedByBoth) return 'drafted';
  return facts.openSubmitted ? 'opening' : 'signed';
}

export function isFinal(status: NodeStatus): boolean {
  return STATUS_NEXT[status].length === 0;
}

export type StatusStep = { status: NodeStatus; changed: boolean; unexpected: boolean };

/**
 * The status after new facts. `unexpected` marks a step that is not in the table: the facts still win, and the caller
 * logs it, since either a fact was lost or another program wrote to the store.
 */
export function transition(from: NodeStatus, facts: AgreementFacts): StatusStep {
  const status = deriveStatus(facts);
  const changed = status !== from;
  return { status, changed, unexpected: changed && !STATUS_NEXT[from].includes(status) };
}
