import { expect } from 'chai';
import { didYouMean, editDistance } from '../../../node/config/did-you-mean.ts';

describe('didYouMean', () => {
  const known = ['rpcUrl', 'chainId', 'escrow', 'token', 'port'];
  const rows: [string, string | null][] = [
    ['rpcurl', 'rpcUrl'],
    ['chain_id', 'chainId'],
    ['ecsrow', 'escrow'],
    ['tokens', 'token'],
    ['prot', 'port'],
    ['bananas', null],
    ['x', null],
  ];
  for (const [word, meant] of rows) {
    it(`takes ${word} for ${meant ?? 'nothing known'}`, () => expect(didYouMean(word, known)).to.equal(meant));
  }

  it('counts a swap of neighbours once', () => {
    expect(editDistance('prot', 'port')).to.equal(1);
    expect(editDistance('kitten', 'sitting')).to.equal(3);
    expect(editDistance('', 'abc')).to.equal(3);
  });
});
