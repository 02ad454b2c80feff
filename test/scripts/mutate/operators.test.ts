import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { compileTarget } from '../../../scripts/mutate/compiler.ts';
import { applyMutant, type Mutant, mutantsOf } from '../../../scripts/mutate/operators.ts';
import { sample } from '../../../scripts/mutate/sample.ts';

const PATH = 'contracts/Sample.sol';
/** The comment has characters of several bytes: the compiler counts bytes. */
const SOURCE = `// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;
// “żółw”
contract Sample {
    error Refused();
    event Done(uint256 a, uint256 b);
    uint256 public total;
    modifier checked() { _; }
    function add(uint256 a, uint256 b, bool force) external checked returns (bool) {
        if (a < b) revert Refused();
        if (!force && a == 7) { total += a; } else { total = a - b; }
        emit Done(a, b);
        return force;
    }
}
`;

describe('mutants', () => {
  let root: string;
  let mutants: Mutant[];
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'eaas-operators-'));
    mkdirSync(join(root, 'contracts'));
    writeFileSync(join(root, PATH), SOURCE);
    const ast = compileTarget(root, 'Sample').asts.get(PATH);
    if (!ast) throw new Error('no syntax tree');
    mutants = mutantsOf(PATH, SOURCE, ast);
  });
  after(() => rmSync(root, { recursive: true }));

  for (const [operator, expected] of [
    ['comparison', ['a <= b', 'a >= b', 'a != 7']],
    ['arithmetic', ['a + b']],
    ['boolean', ['!force || a == 7', '(force && a']],
    ['assignment', ['total -= a', 'total = a; }']],
    ['constant', ['a == 8', 'a == 0']],
    ['check-removal', ['assert(true);\n        if (!force']],
    ['condition', ['if (true) {', 'if (false) {']],
    ['branch-swap', ['if (!force && a == 7) { total = a - b; } else { total += a; }']],
    ['statement-deletion', ['{ assert(true); } else', 'else { assert(true); }', 'assert(true);\n        return']],
    ['argument-swap', ['Done(b, a)']],
    ['modifier-removal', ['external  returns']],
    ['return', ['return !(force)']],
  ] as const) {
    it(`of ${operator}`, () => {
      const sources = mutants.filter((mutant) => mutant.operator === operator).map((one) => applyMutant(SOURCE, one));
      expect(sources).to.have.length(expected.length);
      for (const text of expected) expect(sources.some((source) => source.includes(text))).to.equal(true, text);
    });
  }

  it('compile, and to other code', () => {
    const original = compileTarget(root, 'Sample').bytecode;
    for (const mutant of mutants) {
      const { bytecode } = compileTarget(root, 'Sample', new Map([[PATH, applyMutant(SOURCE, mutant)]]));
      expect(bytecode, mutant.id).to.be.a('string').and.not.equal(original);
    }
  }).timeout(30_000);

  it('have ids of their own', () => {
    expect(new Set(mutants.map(({ id }) => id)).size).to.equal(mutants.length);
  });

  it('are sampled the same way for the same seed, in their order', () => {
    const items = Array.from({ length: 100 }, (_, index) => index);
    const drawn = sample(items, 10, 1);
    expect(drawn).to.have.length(10);
    expect(drawn)
      .to.deep.equal(sample(items, 10, 1))
      .and.not.to.deep.equal(sample(items, 10, 2));
    expect([...drawn].sort((a, b) => a - b)).to.deep.equal(drawn);
  });
});
