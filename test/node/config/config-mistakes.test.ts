import { expect } from 'chai';
import { EdgeError } from '../../../market/errors.ts';
import { errorLines } from '../../../node/cli/print.ts';
import { formatProblem, type Problem } from '../../../node/config/problems.ts';
import type { ConfigInput } from '../../../node/config.ts';
import { BASE, ESCROW, read } from './samples.ts';

function catchOf(run: () => unknown): EdgeError {
  try {
    run();
  } catch (error) {
    if (error instanceof EdgeError) return error;
    throw error;
  }
  return expect.fail('the configuration was accepted');
}

/** Each problem as its location and text, and its remedy. */
function problemsOf(run: () => unknown): { text: string; remedy: string }[] {
  const error = catchOf(run);
  expect(error.code).to.equal('CONFIG_INVALID');
  const problems = error.context.problems as Problem[];
  return problems.map((problem) => ({ text: formatProblem(problem), remedy: problem.remedy }));
}

describe('configuration, mistakes', () => {
  const rows: [title: string, text: string, problem: string, remedy: string][] = [
    ['a mistyped key', `${BASE}runtme: docker\n`, 'eaas.yaml:10:1 runtme: unknown key', 'did you mean "runtime"?'],
    [
      'a mistyped key of a section',
      BASE.replace('rpcUrl', 'rpcurl'),
      'eaas.yaml:3:3 chain.rpcurl: unknown key',
      'did you mean "rpcUrl"?',
    ],
    [
      'a mistyped key of the offer policy',
      `${BASE}offer:\n  prices:\n    coresPerHour: "1"\n`,
      'eaas.yaml:12:5 offer.prices.coresPerHour: unknown key',
      'did you mean "corePerHour"?',
    ],
    [
      'a key nobody knows',
      `${BASE}api:\n  bananas: 1\n`,
      'eaas.yaml:11:3 api.bananas: unknown key',
      'known here: port',
    ],
    ['a missing key', BASE.replace('name: bridge\n', ''), 'name: is missing', 'add it to the file or set EAAS_NAME'],
    [
      'a missing key of a section',
      BASE.replace(/ {2}token.*\n/, ''),
      'eaas.yaml:2:1 chain.token: is missing',
      'EAAS_CHAIN_TOKEN',
    ],
    ['a missing section', BASE.replace(/chain:[\s\S]*(?=place)/, ''), 'chain: is missing', 'add it to the file'],
    ['an edge without a place', BASE.replace(/place:[\s\S]*/, ''), 'place: is missing: an edge', 'add it to the file'],
    ['a cloud without its section', `${BASE}role: cloud\n`, 'cloud: is missing: the role', 'add it to the file'],
    [
      'half a place',
      BASE.replace(/ {2}lng.*\n/, ''),
      'eaas.yaml:7:1 place: give either lat and lng, or cell',
      'correct',
    ],
    ['a place off the earth', BASE.replace('38.32', '98.32'), 'eaas.yaml:8:3 place.lat: too big', 'correct the value'],
    ['a cell that is none', BASE.replace(/lat[\s\S]*/, 'cell: 87a8a0\n'), 'place.cell: is no H3 cell', 'correct'],
    [
      'an address without quotes',
      BASE.replace(`"${ESCROW}"`, ESCROW),
      'eaas.yaml:5:3 chain.escrow: invalid input: expected string',
      'put the value in quotes',
    ],
    ['a short address', BASE.replace(ESCROW, '0x1234'), 'eaas.yaml:5:3 chain.escrow: is no address', 'correct'],
    ['a chain by another protocol', BASE.replace('http:', 'ftp:'), 'chain.rpcUrl: must be an http:// or', 'correct'],
    [
      'a mistyped choice',
      `${BASE}runtime: dcoker\n`,
      'eaas.yaml:10:1 runtime: invalid option',
      'did you mean "docker"?',
    ],
    [
      'a choice nobody knows',
      `${BASE}runtime: lxc\n`,
      'runtime: invalid option',
      'use one of auto, docker, namespaces',
    ],
    ['a port out of range', `${BASE}api:\n  port: 70000\n`, 'eaas.yaml:11:3 api.port: too big', 'correct'],
    ['a hurried heartbeat', `${BASE}heartbeatIntervalMs: 10\n`, 'heartbeatIntervalMs: too small', 'correct'],
    ['a name with spaces', BASE.replace('bridge', 'my bridge'), 'eaas.yaml:1:1 name: must be 1 to 32', 'correct'],
    [
      'a listen address that is a URL',
      `${BASE}p2p:\n  listen:\n    - /ip4/0.0.0.0/tcp/1\n    - http://x\n`,
      'eaas.yaml:13:7 p2p.listen.1: is no multiaddr',
      'correct',
    ],
    [
      'a bootstrap address without a peer id',
      `${BASE}p2p:\n  bootstrap: ["/ip4/1.2.3.4/tcp/1"]\n`,
      'p2p.bootstrap.0: must end in /p2p/',
      'correct',
    ],
    ['a price that is no number', `${BASE}insure:\n  maxActivePerHour: cheap\n`, '"cheap" is no amount', 'correct'],
    [
      'a cost that is no power of two',
      `${BASE}keystore:\n  scryptN: 1500\n`,
      'keystore.scryptN: must be a power',
      'corr',
    ],
    [
      'a gateway that is none',
      `${BASE}south:\n  allowedGateways: [zz]\n`,
      'allowedGateways.0: is no gateway EUI',
      'corr',
    ],
    ['broken YAML', 'name: [bridge\n', 'eaas.yaml:2:1', 'correct the YAML syntax'],
    ['a key twice', `${BASE}name: again\n`, 'eaas.yaml:10:1 Map keys must be unique', 'correct the YAML syntax'],
    ['a list', '- a\n- b\n', 'eaas.yaml:1:1 is not a list of keys and values', 'write one "key: value" per line'],
    ['a file that is too large', `#${'x'.repeat(300_000)}`, 'larger than 262144 bytes', 'eaas init'],
  ];
  for (const [title, text, problem, remedy] of rows) {
    it(`points at ${title}`, () => {
      const problems = problemsOf(() => read(text));
      expect(problems).to.have.length(1);
      expect(problems[0]?.text).to.contain(problem);
      expect(problems[0]?.remedy).to.contain(remedy);
    });
  }

  const overrides: [title: string, change: Partial<ConfigInput>, problem: string, remedy: string][] = [
    ['a bad variable', { env: { EAAS_API_PORT: 'x' } }, 'EAAS_API_PORT api.port: invalid input', 'correct'],
    ['a mistyped variable', { env: { EAAS_API_PROT: '1' } }, 'EAAS_API_PROT unknown variable', 'EAAS_API_PORT?'],
    ['a bad flag', { flags: { 'log.level': 'loud' } }, '--log.level log.level: invalid option', 'use one of silent'],
    ['a mistyped flag', { flags: { 'api.prot': '1' } }, '--api.prot api.prot: unknown key', '"api.port"?'],
    [
      'an item of a list in a variable',
      { env: { EAAS_P2P_LISTEN: '/ip4/1.2.3.4/tcp/1,x' } },
      'EAAS_P2P_LISTEN p2p.listen.1: is no multiaddr',
      'correct',
    ],
  ];
  for (const [title, change, problem, remedy] of overrides) {
    it(`points at ${title}`, () => {
      const problems = problemsOf(() => read(BASE, change));
      expect(problems).to.have.length(1);
      expect(problems[0]?.text).to.contain(problem);
      expect(problems[0]?.remedy).to.contain(remedy);
    });
  }

  it('names all problems at once', () => {
    const text = `${BASE.replace('31337', '0')}runtme: docker\n`;
    const error = catchOf(() => read(text));
    expect(errorLines(error, false)).to.deep.equal([
      'error: the configuration has 2 problems (CONFIG_INVALID)',
      '  eaas.yaml:10:1 runtme: unknown key; did you mean "runtime"?',
      '  eaas.yaml:4:3 chain.chainId: too small: expected number to be >=1 (given: "0"); correct the value, or leave the key out to take the default if it has one',
      'remedy: correct each of them; `eaas init` writes a file that is right',
    ]);
  });
});
