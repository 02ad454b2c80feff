import { ownerOf } from './order-codec.ts';
import type { Demand, SignedDemand, SignedOffer, SignedOrder } from './orders.ts';
import { distanceM, topicCell, topicCellsAround } from './place.ts';

export interface BookLimits {
  /** Live orders of one topic cell, offers and demands together. */
  maxPerTopic: number;
  /** Topic cells kept; a node listens to seven. */
  maxTopics: number;
  /** What an order is worth to this node: the least is dropped when a topic is full. */
  worthOf: (signed: SignedOrder) => bigint;
}

export const DEFAULT_BOOK_LIMITS: BookLimits = { maxPerTopic: 2000, maxTopics: 64, worthOf: stakePerPrice };

/** `kept` is false when a newer order is there already or the order is worth less than all in a full topic. */
export interface AddResult {
  kept: boolean;
  reason: 'added' | 'replaced' | 'older' | 'full';
  evicted: SignedOrder | null;
}

/** Orders by place. Takes orders that passed the gate; checks no signature. Throws `PLACE_INVALID` for a bad cell. */
export interface Book {
  add(signed: SignedOrder): AddResult;
  /** True when there was one. */
  remove(kind: SignedOrder['kind'], owner: string, peerId: string): boolean;
  /** Drops what has expired; returns how many. */
  expire(nowSec: number): number;
  /** Offers in reach of the demand: within its distance, or in its topic and those around. Nearest first, fitting or not. */
  offersFor(demand: Demand): SignedOffer[];
  offers(): SignedOffer[];
  demands(): SignedDemand[];
  readonly size: number;
}

/** By slot; a slot is one peer of one owner on one side. */
type Shelf = Map<string, SignedOrder>;

export function createBook(limits: Partial<BookLimits> = {}): Book {
  return new ShelvedBook({ ...DEFAULT_BOOK_LIMITS, ...limits });
}

class ShelvedBook implements Book {
  private readonly shelves = new Map<string, Shelf>();
  /** Slot to topic cell: a peer that moved leaves its old shelf. */
  private readonly places = new Map<string, string>();
  private readonly limits: BookLimits;

  constructor(limits: BookLimits) {
    this.limits = limits;
  }

  get size(): number {
    return this.places.size;
  }

  add(signed: SignedOrder): AddResult {
    const slot = slotOf(signed.kind, ownerOf(signed), signed.order.peerId);
    const topic = topicCell(signed.order.cell);
    const before = this.shelves.get(this.places.get(slot) ?? '')?.get(slot);
    if (before !== undefined && before.order.issuedAt > signed.order.issuedAt) return refused('older');
    if (before !== undefined) this.drop(slot);
    const shelf = this.shelves.get(topic) ?? new Map<string, SignedOrder>();
    if (shelf.size === 0 && this.shelves.size >= this.limits.maxTopics) return refused('full');

    let evicted: SignedOrder | null = null;
    if (shelf.size >= this.limits.maxPerTopic) {
      evicted = this.leastOf(shelf, signed);
      if (evicted === signed) return refused('full');
      this.drop(slotOf(evicted.kind, ownerOf(evicted), evicted.order.peerId));
    }
    this.shelves.set(topic, shelf.set(slot, signed));
    this.places.set(slot, topic);
    return { kept: true, reason: before === undefined ? 'added' : 'replaced', evicted };
  }

  remove(kind: SignedOrder['kind'], owner: string, peerId: string): boolean {
    return this.drop(slotOf(kind, owner, peerId));
  }

  expire(nowSec: number): number {
    const gone = [...this.all()].filter((signed) => signed.order.expiresAt <= nowSec);
    for (const signed of gone) this.drop(slotOf(signed.kind, ownerOf(signed), signed.order.peerId));
    return gone.length;
  }

  offersFor(demand: Demand): SignedOffer[] {
    const around = new Set(topicCellsAround(demand.cell));
    return this.offers()
      .map((signed) => ({ signed, metres: distanceM(demand.cell, signed.order.cell) }))
      .filter(({ signed, metres }) => metres <= demand.maxDistanceM || around.has(topicCell(signed.order.cell)))
      .sort((a, b) => a.metres - b.metres || (ownerOf(a.signed) < ownerOf(b.signed) ? -1 : 1))
      .map(({ signed }) => signed);
  }

  offers(): SignedOffer[] {
    return [...this.all()].filter((signed) => signed.kind === 'offer');
  }

  demands(): SignedDemand[] {
    return [...this.all()].filter((signed) => signed.kind === 'demand');
  }

  private *all(): Generator<SignedOrder> {
    for (const shelf of this.shelves.values()) yield* shelf.values();
  }

  /** Among the kind that fills the shelf: cheap demands must not push all offers out, nor the other way round. */
  private leastOf(shelf: Shelf, newcomer: SignedOrder): SignedOrder {
    const all = [...shelf.values(), newcomer];
    const offers = all.filter((signed) => signed.kind === 'offer');
    const crowd = offers.length * 2 >= all.length ? offers : all.filter((signed) => signed.kind === 'demand');
    const valued = crowd.map((signed) => ({ signed, value: this.limits.worthOf(signed) }));
    return valued.reduce((least, next) => (next.value <= least.value ? next : least)).signed;
  }

  private drop(slot: string): boolean {
    const topic = this.places.get(slot);
    if (topic === undefined) return false;
    this.places.delete(slot);
    const shelf = this.shelves.get(topic);
    shelf?.delete(slot);
    if (shelf?.size === 0) this.shelves.delete(topic);
    return true;
  }
}

/** An offer is worth its stake per price, a demand what it would pay over its term. */
export function stakePerPrice(signed: SignedOrder): bigint {
  if (signed.kind === 'demand') return signed.order.maxActiveWeiPerSec * BigInt(signed.order.termSec);
  const { maxProviderStake, standbyWeiPerSec, activeWeiPerSec } = signed.order;
  return (maxProviderStake * 1_000_000n) / (standbyWeiPerSec + activeWeiPerSec + 1n);
}

function refused(reason: 'older' | 'full'): AddResult {
  return { kept: false, reason, evicted: null };
}

function slotOf(kind: SignedOrder['kind'], owner: string, peerId: string): string {
  return `${kind}:${owner.toLowerCase()}:${peerId}`;
}
