import { createHash } from 'node:crypto';
import { EdgeError } from '../../market/errors.ts';
import type { Content } from '../../sdk/ports.ts';

/** Blocks asked for per challenge: who lost a tenth of the blocks passes with a chance of 0.9^32, one in 30. */
const SAMPLES = 32;

/**
 * Draws which blocks are asked for, from the nonce alone, without repetition: pure, so a dispute can replay it.
 *
 * @example
 * const { indexes } = challenge(randomBytes(32), cids);
 * const asked = indexes.map((index) => cids[index]);
 */
export function challenge(nonce: Uint8Array, cids: string[], samples = SAMPLES): { indexes: number[] } {
  const left = cids.map((_, index) => index);
  const indexes: number[] = [];
  while (left.length > 0 && indexes.length < samples) {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(indexes.length);
    // 48 bits modulo at most 2^20 blocks: the bias is below 2^-28.
    const draw = createHash('sha256').update(nonce).update(counter).digest().readUIntBE(0, 6);
    indexes.push(...left.splice(draw % left.length, 1));
  }
  return { indexes };
}

/** `sha256(nonce ‖ block)`, 0x-prefixed: cannot be computed from the CID, nor before the nonce is known. */
export function proofOf(nonce: Uint8Array, block: Uint8Array): string {
  return `0x${createHash('sha256').update(nonce).update(block).digest('hex')}`;
}

/** The proof of each block, in order. Throws `BLOCK_UNAVAILABLE` or `BLOCK_CORRUPT` when this node has not kept one. */
export async function prove(content: Pick<Content, 'block'>, nonce: Uint8Array, cids: string[]): Promise<string[]> {
  const proofs: string[] = [];
  for (const cid of cids) {
    const block = await content.block(cid);
    if (block === null) {
      throw new EdgeError('BLOCK_UNAVAILABLE', 'this node does not have a block that it is asked to prove', {
        context: { cid },
        remedy: 'Fetch the workload again.',
      });
    }
    proofs.push(proofOf(nonce, block));
  }
  return proofs;
}

/** True when the other side has these blocks. Throws as `prove` when this node has not kept them itself. */
export async function checkProof(
  content: Pick<Content, 'block'>,
  nonce: Uint8Array,
  cids: string[],
  proof: readonly unknown[],
): Promise<boolean> {
  const expected = await prove(content, nonce, cids);
  return proof.length === expected.length && expected.every((hash, index) => hash === proof[index]);
}
