import { generateKeyPair, generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { expect } from 'chai';
import {
  exportPeerKey,
  generatePeerKey,
  importPeerKey,
  peerIdOf,
  peerKeyFromSeed,
  signWithPeerKey,
  verifyPeerSignature,
} from '../../../sdk/p2p/key.ts';

const bytes = Buffer.from('a heartbeat');

describe('peer key', () => {
  it('follows from its seed, as libp2p derives it', async () => {
    const seed = new Uint8Array(32).fill(7);
    const theirs = await generateKeyPairFromSeed('Ed25519', seed);
    expect(peerKeyFromSeed(seed).equals(theirs)).to.equal(true);
    expect(peerIdOf(peerKeyFromSeed(seed))).to.equal(peerIdFromPrivateKey(theirs).toString());
  });

  it('refuses seeds of another length', () => {
    expect(() => peerKeyFromSeed(new Uint8Array(31)))
      .to.throw()
      .with.property('code', 'PEER_KEY_INVALID');
  });

  it('survives export and import', () => {
    const key = generatePeerKey();
    const copy = importPeerKey(exportPeerKey(key));
    expect(copy.equals(key)).to.equal(true);
    expect(verifyPeerSignature(peerIdOf(key), bytes, signWithPeerKey(copy, bytes))).to.equal(true);
  });

  it('refuses text that is no exported Ed25519 key, without repeating it', async () => {
    const other = await generateKeyPair('secp256k1');
    for (const text of ['', 'zz', '00'.repeat(40), exportPeerKey(other as never)]) {
      expect(() => importPeerKey(text))
        .to.throw()
        .with.property('code', 'PEER_KEY_INVALID');
    }
  });

  it('makes signatures that libp2p verifies, and verifies those of libp2p', async () => {
    const key = generatePeerKey();
    const hex = signWithPeerKey(key, bytes);
    expect(hex).to.match(/^0x[0-9a-f]{128}$/);
    expect(await key.publicKey.verify(bytes, Buffer.from(hex.slice(2), 'hex'))).to.equal(true);
    const theirs = `0x${Buffer.from(await key.sign(bytes)).toString('hex')}`;
    expect(verifyPeerSignature(peerIdOf(key), bytes, theirs)).to.equal(true);
  });

  const key = generatePeerKey();
  const signature = signWithPeerKey(key, bytes);
  const flipped = `0x${signature.slice(2, 4) === '00' ? '01' : '00'}${signature.slice(4)}`;
  const refused: [string, string, Uint8Array, string][] = [
    ['of another peer', peerIdOf(generatePeerKey()), bytes, signature],
    ['of other bytes', peerIdOf(key), Buffer.from('another'), signature],
    ['with a flipped byte', peerIdOf(key), bytes, flipped],
    ['without 0x', peerIdOf(key), bytes, signature.slice(2)],
    ['that is too short', peerIdOf(key), bytes, signature.slice(0, -2)],
    ['that is empty', peerIdOf(key), bytes, '0x'],
    ['of a peer id that is none', 'nobody', bytes, signature],
    ['of an RSA peer id', 'QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN', bytes, signature],
  ];
  for (const [title, peerId, message, hex] of refused) {
    it(`refuses a signature ${title}`, () => {
      expect(verifyPeerSignature(peerId, message, hex)).to.equal(false);
    });
  }
});
