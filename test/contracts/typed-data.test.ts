import { expect } from 'chai';
import { AbiCoder, hexlify, keccak256, randomBytes, TypedDataEncoder, ZeroHash } from 'ethers';
import { agreementIdOf, arbitrationHash, digestOf, type SignedType, TYPES, typesOf } from '../../market/eip712.ts';
import { AGREEMENT_STATUSES } from '../../sdk/ports.ts';
import { arbitrationBy, ethers, loadFixture, marketFixture, STATUS, termsOf } from './support/market.ts';

/** The types that the contract knows, as `TermsLib` spells them. */
const ENCODED: Partial<Record<SignedType, string>> = {
  Terms:
    'Terms(address customer,address provider,address token,uint128 customerStake,uint128 providerStake,uint40 openBy,' +
    'uint40 endsAt,uint32 responseWindowSec,uint32 lane,bytes32 arbitrationHash,bytes32 dutiesHash)',
  Arbitration:
    'Arbitration(address arbitrator,uint128 maxFeeWei,uint32 rulingWindowSec,uint16 feeShareBps,bytes extraData)',
  Receipt: 'Receipt(bytes32 agreementId,uint128 earned)',
  Settlement: 'Settlement(bytes32 agreementId,uint128 toProvider,uint8 outcome)',
  Amendment: 'Amendment(bytes32 agreementId,uint128 customerStake,uint40 endsAt)',
};

async function libraryFixture() {
  return ethers.deployContract('TermsHarness');
}

describe('typed data', () => {
  it('has one id for terms in TypeScript and in the contract', async () => {
    const market = await loadFixture(marketFixture);
    for (let i = 0; i < 20; i += 1) {
      const terms = await termsOf(market, { customerStake: BigInt(hexlify(randomBytes(12))), lane: i * 100_000 });
      expect(await market.escrow.idOf(terms)).to.equal(agreementIdOf(market.domain, terms));
    }
  });

  for (const [name, encoded] of Object.entries(ENCODED)) {
    it(`has one type hash for ${name}`, async () => {
      const type = name as SignedType;
      expect(TypedDataEncoder.from(typesOf(type)).encodeType(type)).to.equal(encoded);
      const harness = await loadFixture(libraryFixture);
      expect(await harness.typehashOf(name)).to.equal(ethers.id(encoded ?? ''));
      expect(TYPES[type].length).to.be.greaterThan(0);
    });
  }

  it('has one struct hash for everything that is signed', async () => {
    const harness = await loadFixture(libraryFixture);
    const agreementId = hexlify(randomBytes(32));
    const hashStruct = (type: SignedType, value: object) =>
      TypedDataEncoder.hashStruct(type, typesOf(type), value as Record<string, unknown>);
    const arbitration = arbitrationBy(hexlify(randomBytes(20)), { extraData: '0x0102030405' });
    expect(await harness.hashArbitration(arbitration)).to.equal(arbitrationHash(arbitration));
    expect(await harness.hashReceipt(agreementId, 7)).to.equal(hashStruct('Receipt', { agreementId, earned: 7n }));
    const settlement = { agreementId, toProvider: 9n, outcome: 2 };
    expect(await harness.hashSettlement(agreementId, 9, 2)).to.equal(hashStruct('Settlement', settlement));
    const amendment = { agreementId, customerStake: 9n, endsAt: 77 };
    expect(await harness.hashAmendment(agreementId, 9, 77)).to.equal(hashStruct('Amendment', amendment));
  });

  it('has the domain that wallets show', async () => {
    const market = await loadFixture(marketFixture);
    const domain = await market.escrow.eip712Domain();
    expect(Array.from(domain).slice(1, 5)).to.deep.equal([
      market.domain.name,
      market.domain.version,
      BigInt(market.domain.chainId),
      market.domain.verifyingContract,
    ]);
    const terms = await termsOf(market, { arbitrationHash: ZeroHash });
    const separator = TypedDataEncoder.hashDomain({ ...market.domain });
    const struct = TypedDataEncoder.hashStruct('Terms', typesOf('Terms'), terms);
    expect(keccak256(`0x1901${separator.slice(2)}${struct.slice(2)}`)).to.equal(
      digestOf(market.domain, 'Terms', terms),
    );
  });

  it('has the statuses of the contract in their order', () => {
    expect(Object.keys(STATUS)).to.deep.equal([...AGREEMENT_STATUSES]);
  });

  it('refuses terms whose words have dirty high bits', async () => {
    const market = await loadFixture(marketFixture);
    const terms = await termsOf(market);
    const clean = market.escrow.interface.encodeFunctionData('statusOf', [terms]);
    const types = ['uint8', 'uint256', 'uint256'];
    const result = await ethers.provider.call({ to: market.escrowAddress, data: clean });
    expect(AbiCoder.defaultAbiCoder().decode(types, result)[0]).to.equal(STATUS.none);
    const opens = market.escrow.interface.encodeFunctionData('open', [terms, '0x', '0x']);
    const call = { to: market.escrowAddress, data: `${opens.slice(0, 10)}01${opens.slice(12)}` };
    await expect(ethers.provider.call(call)).to.revert(ethers);
  });
});
