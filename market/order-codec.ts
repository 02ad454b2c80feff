import { getAddress, Signature } from 'ethers';
import { canonicalJson } from './canonical.ts';
import { EdgeError } from './errors.ts';
import { type Demand, type Offer, type SignedOrder, signedOrderSchema } from './orders.ts';

/** An order on the wire is at most this long; typical ones are 0.8 to 1.2 KiB. */
export const MAX_ORDER_BYTES = 8192;

/** The account that an order speaks for. */
export function ownerOf(signed: SignedOrder): string {
  return signed.kind === 'offer' ? signed.order.provider : signed.order.customer;
}

/**
 * Bytes of an order for the wire: canonical JSON with checksummed addresses. Throws `ORDER_TOO_LARGE`, and
 * `ORDER_INVALID` for values the schema refuses.
 */
export function encodeOrder(signed: SignedOrder): Uint8Array {
  const parsed = signedOrderSchema.safeParse(signed);
  if (!parsed.success) {
    throw new EdgeError('ORDER_INVALID', `the order is malformed: ${parsed.error.issues[0]?.message}`, {
      context: { issues: parsed.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message })) },
      remedy: 'Build orders with buildOffer or buildDemand.',
    });
  }
  const bytes = Buffer.from(canonicalJson(withChecksums(parsed.data)), 'utf8');
  if (bytes.length <= MAX_ORDER_BYTES) return new Uint8Array(bytes);
  throw new EdgeError('ORDER_TOO_LARGE', `the order has ${bytes.length} bytes, ${MAX_ORDER_BYTES} are allowed`, {
    context: { bytes: bytes.length, maxBytes: MAX_ORDER_BYTES },
    remedy: 'List fewer addresses or interfaces.',
  });
}

/**
 * The order in these bytes, or null unless they are exactly what `encodeOrder` gives: one signed order has one byte
 * form, so that nobody can multiply an order by spelling it differently. Checks no signature.
 */
export function decodeOrder(bytes: Uint8Array): SignedOrder | null {
  if (bytes.length === 0 || bytes.length > MAX_ORDER_BYTES) return null;
  const parsed = signedOrderSchema.safeParse(parseJson(bytes));
  if (!parsed.success || !isCanonicalSignature(parsed.data.signature)) return null;
  const again = canonicalJson(withChecksums(parsed.data));
  return Buffer.from(again, 'utf8').equals(bytes) ? parsed.data : null;
}

/** EIP-712 does not see the letter case of an address, so bytes and memory hold the checksummed form only. */
export function checksummedOffer(offer: Offer): Offer {
  return { ...offer, provider: checksummed(offer.provider), token: checksummed(offer.token) };
}

export function checksummedDemand(demand: Demand): Demand {
  return { ...demand, customer: checksummed(demand.customer), token: checksummed(demand.token) };
}

function withChecksums(signed: SignedOrder): SignedOrder {
  return signed.kind === 'offer'
    ? { ...signed, order: checksummedOffer(signed.order) }
    : { ...signed, order: checksummedDemand(signed.order) };
}

function checksummed(address: string): string {
  return getAddress(address.toLowerCase());
}

/** Undefined for bytes that are no UTF-8 JSON: the schema refuses that. */
function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** 65 bytes, v 27 or 28, low s: ECDSA has other spellings of the same signature, which would be other bytes. */
function isCanonicalSignature(signature: string): boolean {
  try {
    return Signature.from(signature).serialized === signature;
  } catch {
    return false;
  }
}
