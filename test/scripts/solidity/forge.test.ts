import { expect } from 'chai';
import { type ForgeReport, readReport } from '../../../scripts/solidity/forge.ts';

const test = { status: 'Success', reason: null, counterexample: null, duration: '1s 2ms', decoded_logs: [] };
const campaign = (calls: number, rarest: number): ForgeReport => ({
  suite: {
    test_results: {
      invariant: {
        ...test,
        kind: { Invariant: { runs: 1, calls, metrics: { often: { calls: calls - rarest }, rare: { calls: rarest } } } },
      },
    },
  },
});
const fuzz = (runs: number, status = 'Success'): ForgeReport => ({
  suite: { test_results: { testFuzz_a: { ...test, status, kind: { Fuzz: { runs } } } } },
});

describe('readReport', () => {
  for (const [name, report, isDeep, passed, failed] of [
    ['a campaign of a million calls', campaign(1_000_000, 20_000), true, 1, 0],
    ['one call too few', campaign(999_999, 20_000), true, 1, 1],
    ['few calls where few are wanted', campaign(100, 2), false, 1, 0],
    ['a move with less than 2 %', campaign(1_000_000, 19_999), true, 1, 1],
    ['few inputs where few are wanted', fuzz(10), false, 1, 0],
    ['too few inputs, and no campaign', fuzz(99_999), true, 1, 2],
    ['a failed test, and so none that passed', fuzz(10, 'Failure'), false, 0, 2],
    ['nothing', {}, false, 0, 1],
  ] as const) {
    it(`counts ${passed} passed and ${failed} failed for ${name}`, () => {
      const counts = readReport(report, isDeep);
      expect({ passed: counts.passed, failed: counts.failed }).to.deep.equal({ passed, failed });
    });
  }
});
