import { type Book, createBook } from '../market/book.ts';
import type { Domain } from '../market/eip712.ts';
import { decodeOrder, encodeOrder, ownerOf } from '../market/order-codec.ts';
import { createOrderGate, type GateCode } from '../market/order-gate.ts';
import type { SignedDemand, SignedOrder } from '../market/orders.ts';
import type { Clock, PubSub, Verdict } from '../market/ports.ts';
import { ordersTopic, ordersTopicsAround } from '../market/topics.ts';
import type { Log } from './log.ts';
import type { Chain } from './ports.ts';
import { createStakeCache } from './stake-cache.ts';

/** The orders around one place, as gossip brings them. */
export interface MarketFeed {
  readonly book: Book;
  /** Puts an order into the topic of its place, and into the own book. */
  publish(order: SignedOrder): Promise<void>;
  /** Calls the listener for each new demand of others. Returns the unsubscribe function. */
  onDemand(listener: (demand: SignedDemand) => void): () => void;
  /** How many orders were let through or not, by reason. */
  counters(): Partial<Record<GateCode, number>>;
}

const EXPIRE_EVERY_MS = 5_000;

export interface FeedInit {
  pubsub: PubSub;
  chain: Pick<Chain, 'account' | 'chainId'>;
  domain: Domain;
  clock: Clock;
  log: Log;
  /** H3 cell of this node. */
  cell: string;
  signal: AbortSignal;
}

/** Listens to the place and its neighbours. An order is validated before it is read or forwarded. */
export async function startMarketFeed(init: FeedInit): Promise<MarketFeed> {
  const { pubsub, clock } = init;
  const { validate, counters } = createValidator(init);
  const book = createBook();
  const listeners = new Set<(demand: SignedDemand) => void>();
  const take = (signed: SignedOrder): void => {
    book.add(signed);
    if (signed.kind === 'demand') for (const listener of listeners) listener(signed);
  };
  for (const topic of ordersTopicsAround(init.domain.chainId, init.cell)) {
    await pubsub.subscribe(
      topic,
      (bytes) => validate(topic, bytes),
      (bytes) => {
        const signed = decodeOrder(bytes);
        if (signed !== null) take(signed);
      },
    );
  }
  clock.every(EXPIRE_EVERY_MS, () => void book.expire(Math.floor(clock.nowMs() / 1000)), init.signal);
  return {
    book,
    async publish(signed) {
      book.add(signed);
      await pubsub.publish(ordersTopic(init.domain.chainId, signed.order.cell), encodeOrder(signed));
    },
    onDemand(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    counters: () => ({ ...counters }),
  };
}

interface Validator {
  validate(topic: string, bytes: Uint8Array): Promise<Verdict>;
  counters: Partial<Record<GateCode, number>>;
}

/** The gate, with stakes that are looked up on the chain when they are not known yet. */
function createValidator(init: FeedInit): Validator {
  const stakes = createStakeCache(init);
  const gate = createOrderGate({ domain: init.domain, stakeOf: stakes.get });
  const counters: Validator['counters'] = {};
  return {
    counters,
    async validate(topic, bytes) {
      let result = gate.check(topic, bytes, init.clock.nowMs());
      if ((result.code === 'STAKE_UNKNOWN' || result.code === 'UNFUNDED') && result.order !== null) {
        await stakes.lookUp(ownerOf(result.order), result.order.order.token);
        result = gate.check(topic, bytes, init.clock.nowMs());
      }
      counters[result.code] = (counters[result.code] ?? 0) + 1;
      if (result.verdict !== 'accept') init.log.debug({ topic, code: result.code }, 'order not let through');
      return result.verdict;
    },
  };
}
