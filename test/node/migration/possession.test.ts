import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { challenge, checkProof, proofOf, prove } from '../../../node/migration/possession.ts';
import { fakeContentNetwork } from '../../fakes/content.ts';
import { codeOf } from '../../sdk/content/compliance.ts';

describe('possession challenge', () => {
  const names = (count: number) => Array.from({ length: count }, (_, index) => `cid-${index}`);

  it('draws distinct blocks, all of them when there are few, and the same again from the same nonce', () => {
    const inputs = fc.tuple(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat({ max: 500 }));
    const property = fc.property(inputs, ([nonce, count]) => {
      const { indexes } = challenge(nonce, names(count));
      expect(indexes).to.have.length(Math.min(count, 32));
      expect(new Set(indexes).size).to.equal(indexes.length);
      expect(indexes.every((index) => index >= 0 && index < count)).to.equal(true);
      expect(challenge(nonce, names(count)).indexes).to.deep.equal(indexes);
    });
    fc.assert(property, { numRuns: 50 });
  });

  it('draws other blocks from another nonce', () => {
    const draw = (fill: number) => challenge(Buffer.alloc(32, fill), names(400)).indexes;
    expect(draw(1)).not.to.deep.equal(draw(2));
  });

  it('binds a proof to nonce and bytes', () => {
    const proof = proofOf(Buffer.from([1]), Buffer.from([2]));
    expect(proof).to.match(/^0x[0-9a-f]{64}$/);
    expect(proofOf(Buffer.from([3]), Buffer.from([2]))).not.to.equal(proof);
    expect(proofOf(Buffer.from([1]), Buffer.from([4]))).not.to.equal(proof);
  });

  it('accepts the proof of who has the blocks, and no other', async () => {
    const network = fakeContentNetwork();
    const [customer, provider] = [network.node(), network.node()];
    const key = randomBytes(32);
    const cids = await customer.putBytes(randomBytes(100), key);
    customer.allow(new Set([provider.peerId]));
    await provider.getBytes(cids, key, { from: customer.peerId });
    const nonce = randomBytes(32);
    const proof = await prove(provider, nonce, cids);
    expect(await checkProof(customer, nonce, cids, proof)).to.equal(true);
    expect(await checkProof(customer, randomBytes(32), cids, proof)).to.equal(false);
    for (const bad of [[], [...proof, ...proof], ['0x00'], [null]]) {
      expect(await checkProof(customer, nonce, cids, bad), JSON.stringify(bad)).to.equal(false);
    }
    await provider.drop(cids);
    expect(await codeOf(prove(provider, nonce, cids))).to.equal('BLOCK_UNAVAILABLE');
  });
});
