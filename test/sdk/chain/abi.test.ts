import { expect } from 'chai';
import { type Fragment, Interface } from 'ethers';
import { ESCROW_ABI, TOKEN_ABI } from '../../../sdk/chain/abi.ts';
import { knownErrors } from '../../../sdk/revert.ts';
import { artifact } from '../../fixtures/escrow.ts';

/** Part of the contract that this program leaves to others: batches are for relayers, the rest for arbitrators. */
const NOT_USED = ['openMany', 'settleMany', 'rule', 'ruleAgreement', 'eip712Domain', 'EIP712DomainChanged'];
/** Thrown in the constructor only. */
const CONSTRUCTOR_ERRORS = ['StringTooLong', 'InvalidShortString'];

function spelled(contract: Interface, leftOut: string[] = []): string[] {
  return contract.fragments
    .filter(({ type }) => type !== 'constructor')
    .filter((fragment) => !leftOut.includes((fragment as Fragment & { name: string }).name))
    .map((fragment) => `${fragment.type} ${fragment.format('sighash')} ${indexedParts(fragment)}`.trim())
    .sort();
}

/** Which arguments are topics is not part of an event's signature, and a log decodes wrongly without it. */
function indexedParts({ type, inputs }: Fragment): string {
  return type === 'event' ? inputs.map(({ indexed }) => (indexed ? 'i' : '-')).join('') : '';
}

describe('ABI', () => {
  it('has every function, event and error of the compiled escrow', async () => {
    const { abi } = await artifact('AgreementEscrow.sol', 'AgreementEscrow');
    const compiled = spelled(new Interface(abi), [...NOT_USED, ...CONSTRUCTOR_ERRORS]);
    expect(spelled(ESCROW_ABI)).to.deep.equal(compiled);
  });

  it('names the arguments and results as the contract does', async () => {
    const compiled = new Interface((await artifact('AgreementEscrow.sol', 'AgreementEscrow')).abi);
    const names = (fragment: Fragment | null) => fragment?.inputs.map(({ name }) => name);
    for (const fragment of ESCROW_ABI.fragments) {
      const signature = fragment.format('sighash');
      const other = compiled.fragments.find((found) => found.type !== 'constructor' && found.format() === signature);
      expect(names(fragment), signature).to.deep.equal(names(other ?? null));
    }
  });

  it('fits the token of local chains', async () => {
    const compiled = spelled(new Interface((await artifact('local/TestToken.sol', 'TestToken')).abi));
    for (const used of spelled(TOKEN_ABI)) expect(compiled).to.include(used);
  });

  it('has a message and a remedy for every error', () => {
    const errors = [ESCROW_ABI, TOKEN_ABI].flatMap(({ fragments }) => fragments.filter(({ type }) => type === 'error'));
    const names = errors.map((fragment) => (fragment as Fragment & { name: string }).name);
    expect(knownErrors().sort()).to.deep.equal([...new Set([...names, 'Error', 'Panic'])].sort());
  });
});
