import { StandardMerkleTree } from '@openzeppelin/merkle-tree';
import { expect } from 'chai';
import { AbiCoder, id as keccakOf, ZeroHash } from 'ethers';
import { ethers, loadFixture, time } from './support/market.ts';

const SUBJECT = keccakOf('an agreement');
const CID = '0x015512209f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
const LEAVES = Array.from({ length: 7 }, (_, index) => [`mote-${index}`, 1_700_000_000 + index, 215 + index]);
const LEAF_TYPES = ['string', 'uint64', 'int64'];

async function anchorFixture() {
  const [publisher, other] = await ethers.getSigners();
  return { anchor: await ethers.deployContract('DataAnchor'), publisher: publisher?.address ?? '', other };
}

describe('DataAnchor', () => {
  const tree = StandardMerkleTree.of(LEAVES, LEAF_TYPES);
  const batch = { root: tree.root, cid: CID };

  it('reverts for an empty root', async () => {
    const { anchor } = await loadFixture(anchorFixture);
    await expect(anchor.anchor(SUBJECT, [{ root: ZeroHash, cid: CID }])).to.be.revertedWithCustomError(
      anchor,
      'DataAnchorEmptyRoot',
    );
  });

  it('reverts for a root that was anchored before: the first time stands', async () => {
    const { anchor, publisher, other } = await loadFixture(anchorFixture);
    await anchor.anchor(SUBJECT, [batch]);
    const at = await time.latest();
    await expect(anchor.anchor(SUBJECT, [batch]))
      .to.be.revertedWithCustomError(anchor, 'DataAnchorAnchoredBefore')
      .withArgs(batch.root, at);
    await anchor.connect(other).anchor(SUBJECT, [batch]);
    expect(await anchor.anchoredAt(publisher, SUBJECT, batch.root)).to.equal(at);
  });

  it('anchors several batches at once, each with the CID of its leaves', async () => {
    const { anchor, publisher } = await loadFixture(anchorFixture);
    const second = { root: keccakOf('second'), cid: '0x00' };
    const tx = anchor.anchor(SUBJECT, [batch, second]);
    for (const { root, cid } of [batch, second]) {
      await expect(tx).to.emit(anchor, 'BatchAnchored').withArgs(publisher, SUBJECT, root, cid);
    }
  });

  it('verifies every leaf of the tree and no other', async () => {
    const { anchor, publisher } = await loadFixture(anchorFixture);
    await anchor.anchor(SUBJECT, [batch]);
    const encode = (leaf: unknown[]) => AbiCoder.defaultAbiCoder().encode(LEAF_TYPES, leaf);
    const verify = (leaf: unknown[], proof: string[], subject = SUBJECT) =>
      anchor.verify(publisher, subject, tree.root, proof, encode(leaf));
    for (const [index, leaf] of tree.entries()) {
      expect(await verify(leaf, tree.getProof(index))).to.equal(true);
      expect(await verify([leaf[0], leaf[1], 0], tree.getProof(index))).to.equal(false);
    }
    const [first] = LEAVES;
    expect(await verify(first ?? [], tree.getProof(0), keccakOf('another'))).to.equal(false);
    expect(await verify(first ?? [], [])).to.equal(false);
  });

  it('does not take an inner node for a leaf', async () => {
    const { anchor, publisher } = await loadFixture(anchorFixture);
    await anchor.anchor(SUBJECT, [batch]);
    const inner = tree.dump().tree.slice(1, 3).join('').replaceAll('0x', '');
    expect(await anchor.verify(publisher, SUBJECT, tree.root, [], `0x${inner}`)).to.equal(false);
  });
});
