import { expect } from 'chai';
import { isCounted, markBranches } from '../../../scripts/solidity/branches.ts';

describe('markBranches', () => {
  const source = `pragma solidity 0.8.37;
contract A {
    function f(bool a, bool b) external pure returns (uint256) {
        if (a && !b) return 1; // Länge
        return b ? 2 : 3;
    }
}
`;

  it('finds both sides of if, of ?: and of each operand', () => {
    const { branches } = markBranches('contracts/A.sol', source);
    const found = branches.map(({ line, condition, side }) => `${line} ${condition} ${side}`).sort();
    expect(found).to.deep.equal(
      ['4 !b', '4 a', '4 a && !b', '5 b'].flatMap((condition) => [`${condition} false`, `${condition} true`]).sort(),
    );
    expect(new Set(branches.map(({ tag }) => tag)).size).to.equal(branches.length);
  });

  it('keeps every line where it is, and gives code that can be parsed', () => {
    const { text } = markBranches('contracts/A.sol', source);
    const shape = (code: string) => code.replaceAll(/__branchSeen\(|, \d{20,}\)/g, '');
    expect(shape(text).startsWith(source)).to.equal(true);
    expect(() => markBranches('contracts/A.sol', text)).not.to.throw();
  });

  it('leaves out mocks and what is for local chains', () => {
    const files = ['contracts/A.sol', 'contracts/libraries/A.sol', 'contracts/mocks/A.sol', 'contracts/local/A.sol'];
    expect(files.filter(isCounted)).to.deep.equal(files.slice(0, 2));
  });
});
