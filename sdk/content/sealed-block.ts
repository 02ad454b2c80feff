import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { EdgeError } from '../../market/errors.ts';

/** Plaintext bytes of every block but the last. */
export const BLOCK_PLAIN_BYTES = 1024 * 1024;
export const KEY_BYTES = 32;
const VERSION = 1;
const BLOB_ID_BYTES = 32;
const COMMITMENT_BYTES = 16;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + BLOB_ID_BYTES + COMMITMENT_BYTES;
/** The largest encrypted block: header, one full block, GCM tag. */
export const BLOCK_SEALED_BYTES = HEADER_BYTES + BLOCK_PLAIN_BYTES + TAG_BYTES;

/** What encrypts the blocks of one blob under one agreement key. */
export interface BlobSecrets {
  /** Names the blob without telling its digest to those who have no key. */
  blobId: Buffer;
  cipherKey: Buffer;
  /** In every block: tells a wrong key from a damaged block, and binds the block to one key. */
  commitment: Buffer;
}

export interface Place {
  index: number;
  last: boolean;
}

/** How many blocks a blob of `sizeBytes` has; an empty blob has one, empty. */
export function blockCount(sizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / BLOCK_PLAIN_BYTES));
}

function expand(key: Uint8Array, info: string | Uint8Array, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', key, new Uint8Array(0), info, bytes));
}

/** Throws `KEY_INVALID` unless the key has 32 bytes. */
export function requireKey(key: Uint8Array): void {
  if (key.byteLength === KEY_BYTES) return;
  throw new EdgeError('KEY_INVALID', `a content key has ${KEY_BYTES} bytes`, { context: { bytes: key.byteLength } });
}

/**
 * The blob's id: a keyed hash of its plaintext sha256. Equal plaintext under one key gives equal blocks, so a repeated
 * put is harmless; outsiders cannot compare it with the digest of a public image.
 */
export function blobIdOf(key: Uint8Array, plainDigest: Uint8Array): Buffer {
  return createHmac('sha256', expand(key, 'eaas/blob-id/1', 32))
    .update(plainDigest)
    .digest();
}

/** Different plaintext has a different digest, so a different cipher key: a counter is a safe nonce under it. */
export function blobSecrets(key: Uint8Array, blobId: Uint8Array): BlobSecrets {
  const secret = expand(key, Buffer.concat([Buffer.from('eaas/blob/1'), blobId]), KEY_BYTES + COMMITMENT_BYTES);
  return {
    blobId: Buffer.from(blobId),
    cipherKey: secret.subarray(0, KEY_BYTES),
    commitment: secret.subarray(KEY_BYTES),
  };
}

function nonceOf(index: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(index, 8);
  return nonce;
}

/** Binds a block to its blob, its place and the blob's length: blocks cannot be swapped, dropped or appended. */
function associatedData(header: Uint8Array, place: Place): Buffer {
  const tail = Buffer.alloc(5);
  tail.writeUInt32BE(place.index, 0);
  tail.writeUInt8(place.last ? 1 : 0, 4);
  return Buffer.concat([header, tail]);
}

/** Encrypts one block: `version ‖ blob id ‖ commitment ‖ AES-256-GCM ciphertext ‖ tag`. */
export function sealBlock(secrets: BlobSecrets, place: Place, plain: Uint8Array): Buffer {
  const header = Buffer.concat([Buffer.of(VERSION), secrets.blobId, secrets.commitment]);
  const cipher = createCipheriv('aes-256-gcm', secrets.cipherKey, nonceOf(place.index));
  cipher.setAAD(associatedData(header, place));
  return Buffer.concat([header, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function corrupt(reason: string, place: Place, cause?: unknown): EdgeError {
  return new EdgeError('BLOCK_CORRUPT', `block ${place.index} ${reason}`, {
    context: { index: place.index },
    remedy: 'The sender must publish the file again.',
    cause,
  });
}

/** Throws `BLOCK_CORRUPT` when this cannot be a block of this format. */
export function blobIdIn(sealed: Uint8Array, place: Place): Buffer {
  const plainBytes = sealed.byteLength - HEADER_BYTES - TAG_BYTES;
  const fits = place.last ? plainBytes >= 0 && plainBytes <= BLOCK_PLAIN_BYTES : plainBytes === BLOCK_PLAIN_BYTES;
  if (!fits) throw corrupt(`has ${sealed.byteLength} bytes, which no block at its place has`, place);
  if (sealed[0] !== VERSION) throw corrupt(`has format ${sealed[0]}, known is ${VERSION}`, place);
  return Buffer.from(sealed.subarray(1, 1 + BLOB_ID_BYTES));
}

/** Decrypts one block. Throws `KEY_WRONG` or `BLOCK_CORRUPT`; nothing unauthenticated is ever returned. */
export function openBlock(secrets: BlobSecrets, place: Place, sealed: Uint8Array): Buffer {
  if (!blobIdIn(sealed, place).equals(secrets.blobId)) throw corrupt('belongs to another file', place);
  const header = sealed.subarray(0, HEADER_BYTES);
  if (!timingSafeEqual(header.subarray(1 + BLOB_ID_BYTES), secrets.commitment)) {
    throw new EdgeError('KEY_WRONG', 'the blocks were encrypted with another key', {
      context: { index: place.index },
      remedy: 'Use the key of the agreement that these blocks belong to.',
    });
  }
  const decipher = createDecipheriv('aes-256-gcm', secrets.cipherKey, nonceOf(place.index));
  decipher.setAAD(associatedData(header, place));
  decipher.setAuthTag(sealed.subarray(sealed.byteLength - TAG_BYTES));
  const plain = decipher.update(sealed.subarray(HEADER_BYTES, sealed.byteLength - TAG_BYTES));
  try {
    return Buffer.concat([plain, decipher.final()]);
  } catch (cause) {
    throw corrupt('does not authenticate at its place', place, cause);
  }
}

/** Throws `BLOCK_CORRUPT` when the decrypted whole is not what was published. */
export function requireWhole(key: Uint8Array, secrets: BlobSecrets, plainDigest: Uint8Array): void {
  if (blobIdOf(key, plainDigest).equals(secrets.blobId)) return;
  throw new EdgeError('BLOCK_CORRUPT', 'the decrypted file is not the one that was published', {
    remedy: 'The sender must publish the file again.',
  });
}
