import { createCipheriv, createDecipheriv, randomBytes, scrypt as scryptCallback } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { decryptKeystoreJson, encryptKeystoreJson, Wallet } from 'ethers';
import { z } from 'zod';
import { EdgeError, hasCode } from '../market/errors.ts';
import { exportPeerKey, generatePeerKey, importPeerKey, type PeerKey, peerIdOf } from '../sdk/p2p/key.ts';

const scrypt = promisify(scryptCallback) as (
  password: string,
  salt: Uint8Array,
  length: number,
  options: { N: number; r: number; p: number; maxmem: number },
) => Promise<Buffer>;

/** The account's key in Ethereum's V3 format: other wallets can read it. */
const ACCOUNT_FILE = 'account.json';
/** The libp2p key, scrypt and AES-256-GCM under the same password. */
const PEER_FILE = 'peer.json';
const DEFAULT_SCRYPT_N = 131_072;
const SCRYPT_R = 8;

export interface Keys {
  wallet: Wallet;
  peerKey: PeerKey;
}

export interface KeystoreNames {
  address: string;
  peerId: string;
}

const hexSchema = z.string().regex(/^([0-9a-f]{2})+$/);
const peerFileSchema = z.strictObject({
  version: z.literal(1),
  peerId: z.string(),
  kdf: z.strictObject({ name: z.literal('scrypt'), n: z.int().max(2 ** 20), r: z.literal(SCRYPT_R), salt: hexSchema }),
  cipher: z.strictObject({ name: z.literal('aes-256-gcm'), iv: hexSchema, tag: hexSchema, text: hexSchema }),
});

/**
 * Makes new keys, encrypted under the password. Raising `scryptN` makes each guess of it dearer, and every start slower.
 * Throws `KEYSTORE_EXISTS`: keys that hold money are never overwritten.
 */
export async function createKeystore(init: {
  dir: string;
  password: string;
  scryptN?: number;
  /** An existing account key to import, 0x-hex; a new one otherwise. */
  privateKey?: string;
}): Promise<KeystoreNames> {
  const { dir, password, scryptN = DEFAULT_SCRYPT_N } = init;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const wallet = init.privateKey === undefined ? new Wallet(randomKey()) : new Wallet(init.privateKey);
  const peerKey = generatePeerKey();
  const { address, privateKey } = wallet;
  const account = await encryptKeystoreJson({ address, privateKey }, password, { scrypt: { N: scryptN } });
  await writeNew(join(dir, ACCOUNT_FILE), account);
  await writeNew(join(dir, PEER_FILE), await sealPeerKey(peerKey, password, scryptN));
  return { address, peerId: peerIdOf(peerKey) };
}

/** Throws `KEYSTORE_NOT_FOUND`, `KEYSTORE_PASSWORD_WRONG` or `KEYSTORE_CORRUPT`. */
export async function openKeystore(init: { dir: string; password: string }): Promise<Keys> {
  const account = await readKeyFile(init.dir, ACCOUNT_FILE);
  const peer = await readKeyFile(init.dir, PEER_FILE);
  // The cheap check first: both files are under the same password.
  const peerKey = await openPeerKey(peer, init.password);
  try {
    const { privateKey } = await decryptKeystoreJson(account, init.password);
    return { wallet: new Wallet(privateKey), peerKey };
  } catch (cause) {
    throw hasCode(cause, 'INVALID_ARGUMENT') ? wrongPassword(cause) : corrupt(ACCOUNT_FILE, cause);
  }
}

function randomKey(): string {
  return `0x${randomBytes(32).toString('hex')}`;
}

function scryptCost(n: number): { N: number; r: number; p: number; maxmem: number } {
  return { N: n, r: SCRYPT_R, p: 1, maxmem: 256 * n * SCRYPT_R };
}

async function sealPeerKey(key: PeerKey, password: string, n: number): Promise<string> {
  const salt = randomBytes(32);
  const iv = randomBytes(12);
  const peerId = peerIdOf(key);
  const cipher = createCipheriv('aes-256-gcm', await scrypt(password.normalize('NFKC'), salt, 32, scryptCost(n)), iv);
  cipher.setAAD(Buffer.from(peerId));
  const text = Buffer.concat([cipher.update(exportPeerKey(key), 'utf8'), cipher.final()]);
  return JSON.stringify({
    version: 1,
    peerId,
    kdf: { name: 'scrypt', n, r: SCRYPT_R, salt: salt.toString('hex') },
    cipher: {
      name: 'aes-256-gcm',
      iv: iv.toString('hex'),
      tag: cipher.getAuthTag().toString('hex'),
      text: text.toString('hex'),
    },
  });
}

async function openPeerKey(json: string, password: string): Promise<PeerKey> {
  const file = parsePeerFile(json);
  const salt = Buffer.from(file.kdf.salt, 'hex');
  const key = await scrypt(password.normalize('NFKC'), salt, 32, scryptCost(file.kdf.n));
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(file.cipher.iv, 'hex'));
  decipher.setAAD(Buffer.from(file.peerId));
  decipher.setAuthTag(Buffer.from(file.cipher.tag, 'hex'));
  try {
    const text = Buffer.concat([decipher.update(Buffer.from(file.cipher.text, 'hex')), decipher.final()]);
    return importPeerKey(text.toString('utf8'));
  } catch (cause) {
    throw wrongPassword(cause);
  }
}

function parsePeerFile(json: string): z.infer<typeof peerFileSchema> {
  try {
    return peerFileSchema.parse(JSON.parse(json));
  } catch (cause) {
    throw corrupt(PEER_FILE, cause);
  }
}

async function readKeyFile(dir: string, file: string): Promise<string> {
  try {
    return await readFile(join(dir, file), 'utf8');
  } catch (cause) {
    throw new EdgeError('KEYSTORE_NOT_FOUND', `there are no keys in ${dir}`, {
      context: { dir, file },
      remedy: 'create them with: eaas init',
      cause,
    });
  }
}

/** Written beside and moved, so that a crash leaves whole files only. */
async function writeNew(path: string, text: string): Promise<void> {
  const taken = await readFile(path).then(
    () => true,
    () => false,
  );
  if (taken) {
    throw new EdgeError('KEYSTORE_EXISTS', `${path} exists already`, {
      context: { path },
      remedy: 'use those keys, or name another data folder',
    });
  }
  await writeFile(`${path}.new`, `${text}\n`, { mode: 0o600, flush: true });
  await chmod(`${path}.new`, 0o600);
  await rename(`${path}.new`, path);
}

function wrongPassword(cause: unknown): EdgeError {
  return new EdgeError('KEYSTORE_PASSWORD_WRONG', 'the password does not open the keystore', {
    remedy: 'check the password (or the password file) of this node',
    cause,
  });
}

function corrupt(file: string, cause: unknown): EdgeError {
  return new EdgeError('KEYSTORE_CORRUPT', `the key file ${file} cannot be read`, {
    context: { file },
    remedy: 'restore it from your backup',
    cause,
  });
}
