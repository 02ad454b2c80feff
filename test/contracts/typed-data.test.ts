import { expect } from 'chai';
import { TypedDataEncoder } from 'ethers';
import { agreementIdOf, typesOf } from '../../market/eip712.ts';
import { bothSign, loadFixture, marketFixture, OUTCOME, openAgreement, termsOf } from './support/market.ts';

describe('typed data', () => {
  it('gives the same agreement id in TypeScript and in the contract', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await termsOf(market);
    expect(await market.escrow.idOf(terms)).to.equal(agreementIdOf(market.domain, terms));
  });

  it('settles and prints gas', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await openAgreement(market);
    const sigs = await bothSign(market, 'Settlement', {
      agreementId: agreementIdOf(market.domain, terms),
      toProvider: 25_000_000n,
      outcome: 1n,
    });
    const tx = await market.escrow.connect(market.stranger).settle(terms, 25_000_000n, OUTCOME.honoured, ...sigs);
    console.log((await tx.wait())?.gasUsed);
    expect(TypedDataEncoder.from(typesOf('Terms')).primaryType).to.equal('Terms');
  });
});
