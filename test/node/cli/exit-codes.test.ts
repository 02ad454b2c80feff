import { expect } from 'chai';
import { EdgeError } from '../../../market/errors.ts';
import { EXIT_CODES, exitCodeOf } from '../../../node/cli/exit-codes.ts';

describe('exitCodeOf', () => {
  const codes: [string, keyof typeof EXIT_CODES][] = [
    ['CONFIG_INVALID', 'config'],
    ['CONFIG_NOT_FOUND', 'config'],
    ['POLICY_INVALID', 'config'],
    ['KEYSTORE_PASSWORD_WRONG', 'config'],
    ['USAGE_INVALID', 'usage'],
    ['AGREEMENT_UNKNOWN', 'notFound'],
    ['NO_OFFER_FITS', 'notFound'],
    ['CONTRACT_MISSING', 'notFound'],
    ['STAKE_NOT_FUNDED', 'denied'],
    ['TX_UNFUNDED', 'denied'],
    ['SETTLEMENT_DECLINED', 'denied'],
    ['PEER_UNREACHABLE', 'network'],
    ['CHAIN_UNREACHABLE', 'network'],
    ['CHAIN_WRONG_ID', 'network'],
    ['NODE_NOT_RUNNING', 'network'],
    ['CALL_TIMEOUT', 'timeout'],
    ['STORE_LOCKED', 'busy'],
    ['SOUTH_PORT_TAKEN', 'busy'],
    ['IMAGE_INVALID', 'failure'],
  ];
  for (const [code, name] of codes) {
    it(`is ${EXIT_CODES[name]} for ${code}`, () =>
      expect(exitCodeOf(new EdgeError(code, 'x'))).to.equal(EXIT_CODES[name]));
  }

  const system = (code: string) => Object.assign(new Error('x'), { code });
  const others: [string, unknown, keyof typeof EXIT_CODES][] = [
    ['a timeout signal', AbortSignal.timeout(0).reason ?? new DOMException('late', 'TimeoutError'), 'timeout'],
    ['a wrong command line', system('commander.unknownOption'), 'usage'],
    ['a refused connection', system('ECONNREFUSED'), 'network'],
    ['a missing permission', system('EACCES'), 'denied'],
    ['a bug', new TypeError('x is undefined'), 'failure'],
    ['a thrown string', 'oops', 'failure'],
  ];
  for (const [title, error, name] of others) {
    it(`is ${EXIT_CODES[name]} for ${title}`, () => expect(exitCodeOf(error)).to.equal(EXIT_CODES[name]));
  }

  it('gives every meaning its own number', () => {
    const numbers = Object.values(EXIT_CODES);
    expect(numbers).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });
});
