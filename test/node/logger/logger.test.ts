import { expect } from 'chai';
import { EdgeError } from '../../../market/errors.ts';
import { createLogger, type LogLevel } from '../../../node/logger.ts';

function capture(level: LogLevel) {
  const lines: string[] = [];
  const logger = createLogger({ level, name: 'bridge', destination: { write: (line) => void lines.push(line) } });
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? '{}') };
}

describe('createLogger', () => {
  it('writes one JSON line with level, name, fields and message', () => {
    const { logger, last } = capture('info');
    logger.child({ part: 'chain' }).info({ amount: 10n ** 30n, bytes: new Uint8Array(3) }, 'deposit sent');
    expect(last()).to.include({ level: 'info', name: 'bridge', part: 'chain', msg: 'deposit sent' });
    expect(last()).to.include({ amount: '1000000000000000000000000000000', bytes: '[3 bytes]' });
  });

  it('leaves out what is below its level', () => {
    const { logger, lines } = capture('warn');
    logger.info({}, 'no');
    logger.debug({}, 'no');
    logger.error({}, 'yes');
    expect(lines).to.have.length(1);
  });

  const secrets = [
    'password',
    'keystorePassword',
    'privateKey',
    'peerKey',
    'nwkSKey',
    'key',
    'mnemonic',
    'clientSecret',
  ];
  for (const name of secrets) {
    it(`hides ${name} at any depth, in fields and in children`, () => {
      const { logger, lines, last } = capture('debug');
      logger.child({ [name]: 'hunter2' }).debug({ a: [{ b: { [name]: 'hunter2' } }], [name]: 'hunter2' }, 'x');
      expect(lines.join('')).not.to.contain('hunter2');
      expect(last().a[0].b[name]).to.equal('[redacted]');
    });
  }

  it('shows public keys', () => {
    const { logger, last } = capture('info');
    logger.info({ publicKey: '0xab' }, 'x');
    expect(last().publicKey).to.equal('0xab');
  });

  it('shows an error with its code, context, remedy and cause, without secrets', () => {
    const { logger, lines, last } = capture('info');
    const cause = new Error('socket closed');
    const error = new EdgeError('CHAIN_UNREACHABLE', 'No answer.', {
      context: { url: 'http://a', password: 'hunter2' },
      remedy: 'Wait.',
      cause,
    });
    logger.error({ error }, 'failed');
    expect(last().error).to.include({ code: 'CHAIN_UNREACHABLE', message: 'No answer.', remedy: 'Wait.' });
    expect(last().error.cause.message).to.equal('socket closed');
    expect(lines.join('')).not.to.contain('hunter2');
  });
});
