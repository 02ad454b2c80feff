import { createPrivateKey, createPublicKey, randomBytes, sign, verify } from 'node:crypto';
import { privateKeyFromProtobuf, privateKeyFromRaw, privateKeyToProtobuf } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id';
import { EdgeError } from '../../market/errors.ts';

/** The key that proves who a node is on the network; it signs heartbeats and readings. */
export type PeerKey = Ed25519PrivateKey;

const SEED_BYTES = 32;
/** DER headers of an Ed25519 private key (RFC 8410, PKCS #8) and public key (SubjectPublicKeyInfo). */
const PKCS8_HEADER = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_HEADER = Buffer.from('302a300506032b6570032100', 'hex');
const SIGNATURE = /^0x[0-9a-f]{128}$/i;

export function generatePeerKey(): PeerKey {
  return peerKeyFromSeed(randomBytes(SEED_BYTES));
}

/** The same 32 bytes give the same key. Throws `PEER_KEY_INVALID` for another length. */
export function peerKeyFromSeed(seed: Uint8Array): PeerKey {
  if (seed.length !== SEED_BYTES) {
    throw new EdgeError('PEER_KEY_INVALID', `a peer key's seed has ${SEED_BYTES} bytes`, {
      context: { bytes: seed.length },
    });
  }
  const spki = createPublicKey(nativePrivateKey(seed)).export({ format: 'der', type: 'spki' });
  const key = privateKeyFromRaw(Buffer.concat([seed, spki.subarray(SPKI_HEADER.length)]));
  return requireEd25519(key);
}

/** Hex of libp2p's protobuf form, as other libp2p tools read it. Warning: this is the secret, encrypt it on disk. */
export function exportPeerKey(key: PeerKey): string {
  return Buffer.from(privateKeyToProtobuf(key)).toString('hex');
}

/** Reads what `exportPeerKey` wrote. Throws `PEER_KEY_INVALID`, which never carries the text. */
export function importPeerKey(text: string): PeerKey {
  try {
    return requireEd25519(privateKeyFromProtobuf(Buffer.from(text, 'hex')));
  } catch (cause) {
    throw new EdgeError('PEER_KEY_INVALID', 'the text is not an exported Ed25519 peer key', {
      context: { length: text.length },
      remedy: 'Restore the key from its backup, or create a new one with `eaas init`.',
      cause,
    });
  }
}

/** The public name of a key: `12D3KooW…`. */
export function peerIdOf(key: PeerKey): string {
  return peerIdFromPrivateKey(key).toString();
}

/** 0x-hex Ed25519 signature of the bytes. */
export function signWithPeerKey(key: PeerKey, bytes: Uint8Array): string {
  return `0x${sign(null, bytes, nativePrivateKey(key.raw.subarray(0, SEED_BYTES))).toString('hex')}`;
}

/** False for anything that is not this peer's signature of these bytes: also for peers without an Ed25519 key. */
export function verifyPeerSignature(peerId: string, bytes: Uint8Array, signatureHex: string): boolean {
  if (!SIGNATURE.test(signatureHex)) return false;
  const publicKey = publicKeyOf(peerId);
  if (publicKey === null) return false;
  const key = createPublicKey({ key: Buffer.concat([SPKI_HEADER, publicKey]), format: 'der', type: 'spki' });
  return verify(null, bytes, key, Buffer.from(signatureHex.slice(2), 'hex'));
}

function publicKeyOf(peerId: string): Uint8Array | null {
  try {
    const parsed = peerIdFromString(peerId);
    return parsed.type === 'Ed25519' ? parsed.publicKey.raw : null;
  } catch {
    // Remote text that is not a peer id has no key, which is all the caller asks.
    return null;
  }
}

function nativePrivateKey(seed: Uint8Array): ReturnType<typeof createPrivateKey> {
  return createPrivateKey({ key: Buffer.concat([PKCS8_HEADER, seed]), format: 'der', type: 'pkcs8' });
}

function requireEd25519(key: { type: string }): PeerKey {
  if (key.type !== 'Ed25519') {
    throw new EdgeError('PEER_KEY_INVALID', 'a peer key must be an Ed25519 key', { context: { type: key.type } });
  }
  return key as PeerKey;
}
