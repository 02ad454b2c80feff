import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { z } from 'zod';
import { keystoreCorrupt, passwordWrong } from './errors.ts';

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));
const MAX_SCRYPT_N = 2 ** 20;

/** Shaped like an Ethereum V3 keystore, for a secret that is not an account; AES-GCM instead of CTR with a MAC. */
const sealedSchema = z.strictObject({
  version: z.literal(1),
  /** What the secret is of, in the clear; authenticated, so that files cannot be exchanged. */
  subject: z.string().max(256),
  crypto: z.strictObject({
    cipher: z.literal('aes-256-gcm'),
    iv: hex(12),
    tag: hex(16),
    ciphertext: z.string().regex(/^([0-9a-f]{2}){1,4096}$/),
    kdf: z.literal('scrypt'),
    kdfparams: z.strictObject({ n: z.int().min(2).max(MAX_SCRYPT_N), r: z.literal(8), p: z.literal(1), salt: hex(32) }),
  }),
});

/** Encrypts `secret` under the password; the result is JSON. */
export async function seal(subject: string, secret: string, password: string, n: number): Promise<string> {
  const [iv, salt] = [randomBytes(12), randomBytes(32)];
  const cipher = createCipheriv('aes-256-gcm', await deriveKey(password, salt, n), iv).setAAD(Buffer.from(subject));
  const ciphertext = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
  const sealed: z.infer<typeof sealedSchema> = {
    version: 1,
    subject,
    crypto: {
      cipher: 'aes-256-gcm',
      iv: iv.toString('hex'),
      tag: cipher.getAuthTag().toString('hex'),
      ciphertext: ciphertext.toString('hex'),
      kdf: 'scrypt',
      kdfparams: { n, r: 8, p: 1, salt: salt.toString('hex') },
    },
  };
  return JSON.stringify(sealed);
}

/** Throws `KEYSTORE_PASSWORD_WRONG` (or changed bytes: they look the same) and `KEYSTORE_CORRUPT`. */
export async function unseal(file: string, text: string, password: string): Promise<string> {
  const { subject, crypto } = parse(file, text);
  const key = await deriveKey(password, Buffer.from(crypto.kdfparams.salt, 'hex'), crypto.kdfparams.n);
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(crypto.iv, 'hex'), { authTagLength: 16 });
  decipher.setAAD(Buffer.from(subject)).setAuthTag(Buffer.from(crypto.tag, 'hex'));
  const start = decipher.update(crypto.ciphertext, 'hex', 'utf8');
  try {
    return start + decipher.final('utf8');
  } catch {
    throw passwordWrong(file);
  }
}

function parse(file: string, text: string): z.infer<typeof sealedSchema> {
  try {
    return sealedSchema.parse(JSON.parse(text));
  } catch {
    throw keystoreCorrupt(file, 'it is not a key file of this program');
  }
}

function deriveKey(password: string, salt: Uint8Array, n: number): Promise<Buffer> {
  const options = { N: n, r: 8, p: 1, maxmem: 256 * n * 8 };
  return new Promise((resolve, reject) => {
    // The normal form that V3 keystores use: the same password typed on another keyboard gives the same bytes.
    scrypt(password.normalize('NFKC'), salt, 32, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
