import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { cidOf, matches, parseCid } from '../../../sdk/content/cid.ts';
import {
  BLOCK_PLAIN_BYTES,
  BLOCK_SEALED_BYTES,
  blobIdOf,
  blobSecrets,
  blockCount,
  openBlock,
  requireKey,
  requireWhole,
  sealBlock,
} from '../../../sdk/content/sealed-block.ts';

const KEY = Buffer.alloc(32, 1);
const OTHER_KEY = Buffer.alloc(32, 2);

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function secretsOf(text: string, key = KEY) {
  return blobSecrets(key, blobIdOf(key, digest(text)));
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
}

describe('sealed block', () => {
  const place = { index: 0, last: true };
  const plain = Buffer.from('seventeen readings');
  const sealed = sealBlock(secretsOf('a'), place, plain);

  it('gives back the plaintext', () => {
    expect(openBlock(secretsOf('a'), place, sealed).equals(plain)).to.equal(true);
  });

  it('is the same bytes for the same plaintext, key and place', () => {
    expect(sealBlock(secretsOf('a'), place, plain).equals(sealed)).to.equal(true);
  });

  it('shares neither ciphertext nor cipher key with another file of the same agreement', () => {
    expect(secretsOf('b').cipherKey.equals(secretsOf('a').cipherKey)).to.equal(false);
    expect(sealBlock(secretsOf('b'), place, plain).subarray(49).equals(sealed.subarray(49))).to.equal(false);
  });

  it('tells nothing of the plaintext digest, which names public images', () => {
    expect(sealed.includes(digest('a'))).to.equal(false);
  });

  const full = sealBlock(secretsOf('a'), { index: 0, last: false }, Buffer.alloc(BLOCK_PLAIN_BYTES));
  const refusals: [name: string, action: () => unknown, code: string][] = [
    ['another key', () => openBlock(blobSecrets(OTHER_KEY, sealed.subarray(1, 33)), place, sealed), 'KEY_WRONG'],
    ['another file', () => openBlock(secretsOf('b'), place, sealed), 'BLOCK_CORRUPT'],
    ['another index', () => openBlock(secretsOf('a'), { index: 1, last: true }, sealed), 'BLOCK_CORRUPT'],
    ['a full block moved', () => openBlock(secretsOf('a'), { index: 1, last: false }, full), 'BLOCK_CORRUPT'],
    ['a cut-off tail', () => openBlock(secretsOf('a'), { index: 0, last: true }, full), 'BLOCK_CORRUPT'],
    ['an appended tail', () => openBlock(secretsOf('a'), { index: 0, last: false }, sealed), 'BLOCK_CORRUPT'],
    ['no bytes', () => openBlock(secretsOf('a'), place, new Uint8Array()), 'BLOCK_CORRUPT'],
    [
      'too many bytes',
      () => openBlock(secretsOf('a'), place, Buffer.alloc(BLOCK_SEALED_BYTES + 1, 1)),
      'BLOCK_CORRUPT',
    ],
    [
      'another format',
      () => openBlock(secretsOf('a'), place, Buffer.concat([Buffer.of(2), sealed.subarray(1)])),
      'BLOCK_CORRUPT',
    ],
    ['another whole', () => requireWhole(KEY, secretsOf('a'), digest('b')), 'BLOCK_CORRUPT'],
    ['a short key', () => requireKey(Buffer.alloc(31)), 'KEY_INVALID'],
  ];
  for (const [name, action, code] of refusals) {
    it(`refuses ${name} with ${code}`, () => {
      expect(codeOf(action)).to.equal(code);
    });
  }

  it('accepts the right whole', () => {
    expect(() => requireWhole(KEY, secretsOf('a'), digest('a'))).not.to.throw();
  });

  it('never opens after any single bit flipped', () => {
    fc.assert(
      fc.property(fc.nat({ max: sealed.byteLength * 8 - 1 }), (bit) => {
        const flipped = Buffer.from(sealed);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(codeOf(() => openBlock(secretsOf('a'), place, flipped))).to.be.oneOf(['BLOCK_CORRUPT', 'KEY_WRONG']);
      }),
      { numRuns: 300 },
    );
  });

  const counts: [sizeBytes: number, blocks: number][] = [
    [0, 1],
    [1, 1],
    [BLOCK_PLAIN_BYTES, 1],
    [BLOCK_PLAIN_BYTES + 1, 2],
    [3 * BLOCK_PLAIN_BYTES, 3],
  ];
  for (const [sizeBytes, blocks] of counts) {
    it(`splits ${sizeBytes} bytes into ${blocks}`, () => {
      expect(blockCount(sizeBytes)).to.equal(blocks);
    });
  }
});

describe('content id', () => {
  const block = randomBytes(100);

  it('names its block and no other', () => {
    const cid = parseCid(cidOf(block).toString());
    expect(matches(cid, block)).to.equal(true);
    expect(matches(cid, Buffer.concat([block, block]))).to.equal(false);
  });

  const foreign: [name: string, text: string][] = [
    ['nothing', ''],
    ['no CID', 'not a cid'],
    ['version 0', 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG'],
    ['another codec', 'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi'],
    ['another spelling', cidOf(block).toString().toUpperCase()],
  ];
  for (const [name, text] of foreign) {
    it(`refuses ${name}`, () => {
      expect(codeOf(() => parseCid(text))).to.equal('CID_INVALID');
    });
  }
});
