import { expect } from 'chai';
import { explained } from '../../../scripts/deploy/network.ts';
import { parametersOf } from '../../../scripts/deploy/parameters.ts';

const ALICE = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const BOB = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';

describe('parameters of a deployment', () => {
  it('takes a network and a panel, and asks all of it to rule unless told otherwise', () => {
    expect(parametersOf(['--network', 'my-chain', '--members', `${ALICE}, ${BOB.toLowerCase()}`])).to.deep.equal({
      network: 'my-chain',
      members: [ALICE, BOB],
      threshold: 2,
      feeGwei: 1_000_000,
      verify: [],
      json: false,
    });
  });

  it('makes the deployer the panel when nobody is named', () => {
    expect(parametersOf(['--network', 'here'])).to.deep.include({ members: null, threshold: 1 });
  });

  const wrong: Record<string, string[]> = {
    'no network': ['--members', ALICE],
    'a threshold for a panel of one': ['--network', 'here', '--threshold', '2'],
    'a threshold above the members': ['--network', 'here', '--members', ALICE, '--threshold', '2'],
    'a threshold of none': ['--network', 'here', '--members', ALICE, '--threshold', '0'],
  };
  for (const [what, args] of Object.entries(wrong)) {
    it(`refuses ${what}`, () => {
      expect(() => parametersOf(args))
        .to.throw()
        .with.property('code', 'USAGE');
    });
  }
});

describe('errors of a deployment', () => {
  it('names the variable that is missing, and how to set it', () => {
    const error = new Error('HHE7: Configuration Variable "BASE_RPC_URL" not found.');
    expect(explained(error, 'base')).to.include({ code: 'CONFIG_VARIABLE_MISSING' }).and.have.property('remedy');
  });

  it('tells a chain that is not there from a bug', () => {
    expect(explained(new Error('fetch failed'), 'localhost')).to.have.property('code', 'CHAIN_UNREACHABLE');
    const bug = new TypeError('undefined is not a function');
    expect(explained(bug, 'base')).to.equal(bug);
  });
});
