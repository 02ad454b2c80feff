import { hash } from 'node:crypto';
import { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import { EdgeError } from '../../market/errors.ts';

/** Multicodec `raw` and multihash `sha2-256` (multiformats table). */
const RAW = 0x55;
const SHA2_256 = 0x12;

/** CIDv1, raw, sha2-256. */
export function cidOf(block: Uint8Array): CID {
  return CID.createV1(RAW, createDigest(SHA2_256, hash('sha256', block, 'buffer')));
}

/** Throws `CID_INVALID` for anything but the canonical text of a CIDv1, raw, sha2-256. */
export function parseCid(text: string): CID {
  let cid: CID | null = null;
  try {
    cid = CID.parse(text);
  } catch {
    cid = null;
  }
  const known = cid !== null && cid.version === 1 && cid.code === RAW && cid.multihash.code === SHA2_256;
  if (cid === null || !known || cid.multihash.size !== 32 || cid.toString() !== text) {
    throw new EdgeError('CID_INVALID', 'not a CIDv1 of a raw sha2-256 block', { context: { cid: text.slice(0, 100) } });
  }
  return cid;
}

/** True when these bytes are what the CID names. */
export function matches(cid: CID, block: Uint8Array): boolean {
  return hash('sha256', block, 'buffer').equals(cid.multihash.digest);
}
