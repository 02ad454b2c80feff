import { isPlaceCell, topicCell, topicCellsAround } from './place.ts';

/** The place and chain that a topic is about. */
export interface OrdersTopic {
  chainId: number;
  /** H3 cell of resolution 5. */
  cell: string;
}

const PATTERN = /^\/eaas\/([1-9]\d{0,15})\/([0-9a-f]{15})\/orders\/1$/;

/** The one topic in which orders of `cell` are published. Throws `PLACE_INVALID`. */
export function ordersTopic(chainId: number, cell: string): string {
  return `/eaas/${chainId}/${topicCell(cell)}/orders/1`;
}

/** The topics that a node at `cell` listens to: its own first, then the neighbours. Throws `PLACE_INVALID`. */
export function ordersTopicsAround(chainId: number, cell: string): string[] {
  return topicCellsAround(cell).map((around) => ordersTopic(chainId, around));
}

/** Null for anything that `ordersTopic` would not have built. */
export function parseOrdersTopic(topic: string): OrdersTopic | null {
  const [, chainText = '', cell = ''] = PATTERN.exec(topic) ?? [];
  if (!isPlaceCell(cell) || topicCell(cell) !== cell) return null;
  const chainId = Number(chainText);
  return Number.isSafeInteger(chainId) ? { chainId, cell } : null;
}
