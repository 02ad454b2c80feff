import { scrypt as nativeScrypt } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { decryptKeystoreJson, encryptKeystoreJson, scrypt, Wallet } from 'ethers';
import { EdgeError, hasCode } from '../market/errors.ts';
import { exportPeerKey, generatePeerKey, importPeerKey, type PeerKey, peerIdOf } from '../sdk/p2p/key.ts';
import { keystoreCorrupt, passwordWrong } from './keystore/errors.ts';
import { seal, unseal } from './keystore/sealed-secret.ts';
import { writeFileAtomically } from './keystore/write-file.ts';

/** What a node signs with: its account (money, evidence) and its peer key (network identity, heartbeats). */
export interface Keys {
  wallet: Wallet;
  peerKey: PeerKey;
}

export interface KeystoreInit {
  /** The node's data folder; the keys go into `keystore` below it. */
  dir: string;
  password: string;
}

const DEFAULT_SCRYPT_N = 131_072;

function filesOf(dir: string): { folder: string; account: string; peer: string } {
  const folder = join(dir, 'keystore');
  return { folder, account: join(folder, 'account.json'), peer: join(folder, 'peer.json') };
}

/** True when there is an account; a peer key alone is what a crash during `createKeystore` leaves. */
export async function hasKeystore(dir: string): Promise<boolean> {
  return (await readIfThere(filesOf(dir).account)) !== null;
}

/**
 * Makes new keys, encrypted under the password. Raising `scryptN` makes each guess of the password dearer, and every
 * start slower. Throws `KEYSTORE_EXISTS` (an account is never replaced) or `KEYSTORE_PASSWORD_EMPTY`.
 */
export async function createKeystore(
  init: KeystoreInit & {
    scryptN?: number;
    /** 0x-hex; a new account when left out. */
    accountKey?: string;
  },
): Promise<Keys> {
  const { dir, password, scryptN = DEFAULT_SCRYPT_N } = init;
  const files = filesOf(dir);
  if (password === '') {
    throw new EdgeError('KEYSTORE_PASSWORD_EMPTY', 'The password is empty.', { remedy: 'Choose a password.' });
  }
  if (await hasKeystore(dir)) {
    throw new EdgeError('KEYSTORE_EXISTS', `There is an account in ${files.folder} already.`, {
      context: { folder: files.folder },
      remedy: 'Use it, or name another data folder.',
    });
  }
  useNativeScrypt();
  await mkdir(files.folder, { recursive: true, mode: 0o700 });
  const wallet = init.accountKey === undefined ? plainWallet(Wallet.createRandom()) : new Wallet(init.accountKey);
  const peerKey = generatePeerKey();
  const { address, privateKey } = wallet;
  // The account last: it decides whether there is a keystore.
  await writeFileAtomically(files.peer, await seal(peerIdOf(peerKey), exportPeerKey(peerKey), password, scryptN));
  const account = await encryptKeystoreJson({ address, privateKey }, password, { scrypt: { N: scryptN } });
  await writeFileAtomically(files.account, account);
  return { wallet, peerKey };
}

/** Throws `KEYSTORE_MISSING`, `KEYSTORE_PASSWORD_WRONG` or `KEYSTORE_CORRUPT`. */
export async function openKeystore({ dir, password }: KeystoreInit): Promise<Keys> {
  const files = filesOf(dir);
  const account = await readIfThere(files.account);
  const peer = await readIfThere(files.peer);
  if (account === null || peer === null) {
    throw new EdgeError('KEYSTORE_MISSING', `There are no keys in ${files.folder}.`, {
      context: { folder: files.folder },
      remedy: 'Create them with: eaas init',
    });
  }
  useNativeScrypt();
  const peerKey = importPeerKey(await unseal(files.peer, peer, password));
  return { wallet: await openAccount(files.account, account, password), peerKey };
}

async function openAccount(file: string, text: string, password: string): Promise<Wallet> {
  try {
    return new Wallet((await decryptKeystoreJson(text, password)).privateKey);
  } catch (error) {
    const isPassword = hasCode(error, 'INVALID_ARGUMENT') && /incorrect password/.test(String(error));
    throw isPassword ? passwordWrong(file) : keystoreCorrupt(file, 'it is not an Ethereum V3 keystore');
  }
}

/** Without the mnemonic: the V3 file holds the key alone. */
function plainWallet({ privateKey }: { privateKey: string }): Wallet {
  return new Wallet(privateKey);
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}

/** The scrypt that ethers comes with is JavaScript: slower, and with 128 MiB more memory that the process keeps. */
function useNativeScrypt(): void {
  const derive = promisify(nativeScrypt as NativeScrypt);
  scrypt.register((password, salt, N, r, p, length) =>
    derive(password, salt, length, { N, r, p, maxmem: 256 * N * r }),
  );
}

/** The overload with options, which `promisify` does not find by itself. */
type NativeScrypt = (
  password: Uint8Array,
  salt: Uint8Array,
  length: number,
  options: { N: number; r: number; p: number; maxmem: number },
  callback: (error: Error | null, key: Buffer) => void,
) => void;
