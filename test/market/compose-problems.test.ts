import { expect } from 'chai';
import fc from 'fast-check';
import { parseCompose } from '../../market/compose.ts';
import { REFUSED_SERVICE_KEYS, REFUSED_TOP_KEYS } from '../../market/compose-refusals.ts';
import type { ComposeProblemCode } from '../../market/compose-tree.ts';
import {
  CLOUD,
  FULL,
  MARKET,
  MINIMAL,
  problemsOf,
  read,
  SERVICE,
  withMarket,
  withServiceLine,
} from './compose-samples.ts';

describe('compose refusals', () => {
  for (const [key, remedy] of REFUSED_SERVICE_KEYS) {
    it(`refuses ${key} of a service by name and place`, () => {
      const [problem, ...more] = problemsOf(withServiceLine(`${key}: true`));
      const path = `services.app.${key}`;
      expect(problem).to.deep.equal({
        code: 'KEY_REFUSED',
        path,
        line: 6,
        column: 5,
        message: `${key} is refused`,
        remedy,
      });
      expect(more).to.deep.equal([]);
    });
  }

  for (const key of REFUSED_TOP_KEYS.keys()) {
    it(`refuses ${key} of the file`, () => {
      const codes = problemsOf(`${key}: x\n${MINIMAL}`).map(({ code, path, line }) => [code, path, line]);
      expect(codes).to.deep.equal([['KEY_REFUSED', key, 1]]);
    });
  }

  const dangers = [
    'privileged',
    'network_mode',
    'volumes',
    'devices',
    'cap_add',
    'extends',
    'build',
    'ports',
    'pid',
    'ipc',
    'security_opt',
    'userns_mode',
    'cgroup_parent',
    'env_file',
    'secrets',
    'entrypoint',
    'user',
    'runtime',
    'gpus',
  ];
  it('knows the dangerous keys', () => {
    expect([...REFUSED_SERVICE_KEYS.keys()]).to.include.members(dangers);
    expect([...REFUSED_TOP_KEYS.keys()]).to.include.members(['include', 'volumes', 'networks', 'secrets', 'configs']);
  });

  it('refuses what it has never heard of', () => {
    const [problem] = problemsOf(withServiceLine('turbo: true'));
    expect(problem).to.include({ code: 'KEY_UNKNOWN', path: 'services.app.turbo', line: 6, column: 5 });
    expect(problem?.remedy).to.include('mem_limit');
  });

  const nested: [line: string, path: string][] = [
    ['deploy: { replicas: 2 }', 'services.app.deploy.replicas'],
    ['deploy: { placement: {} }', 'services.app.deploy.placement'],
    ['deploy: { resources: { reservations: {} } }', 'services.app.deploy.resources.reservations'],
    ['deploy: { resources: { limits: { devices: [] } } }', 'services.app.deploy.resources.limits.devices'],
  ];
  for (const [line, path] of nested) {
    it(`refuses ${path}`, () => {
      expect(problemsOf(withServiceLine(line)).map(({ code, path: at }) => [code, at])).to.deep.equal([
        ['KEY_REFUSED', path],
      ]);
    });
  }
});

const WRONG: [name: string, text: string, code: ComposeProblemCode, path: string][] = [
  ['an image with capitals', MINIMAL.replace('device-service:1', 'Device:1'), 'VALUE_INVALID', 'services.app.image'],
  [
    'an image that starts an option',
    MINIMAL.replace('device-service:1', '"--help"'),
    'VALUE_INVALID',
    'services.app.image',
  ],
  ['no image', MINIMAL.replace('    image: device-service:1\n', ''), 'KEY_MISSING', 'services.app'],
  ['no limit of memory', MINIMAL.replace('    mem_limit: 64m\n', ''), 'KEY_MISSING', 'services.app'],
  ['too little memory', MINIMAL.replace('64m', '3m'), 'VALUE_INVALID', 'services.app.mem_limit'],
  ['no cores', MINIMAL.replace('0.25', '0'), 'VALUE_INVALID', 'services.app.cpus'],
  ['a negative number of cores', MINIMAL.replace('0.25', '-1'), 'VALUE_INVALID', 'services.app.cpus'],
  ['a command for a shell', withServiceLine('command: rm -rf /'), 'VALUE_INVALID', 'services.app.command'],
  ['a root that can be written', withServiceLine('read_only: false'), 'VALUE_INVALID', 'services.app.read_only'],
  ['an unknown restart', withServiceLine('restart: sometimes'), 'VALUE_INVALID', 'services.app.restart'],
  ['a fork bomb', withServiceLine('pids_limit: -1'), 'VALUE_INVALID', 'services.app.pids_limit'],
  ['a variable from the host', withServiceLine('environment: { A: }'), 'VALUE_INVALID', 'services.app.environment.A'],
  ['a variable without a value', withServiceLine('environment: [A]'), 'VALUE_INVALID', 'services.app.environment[0]'],
  [
    'a bad name of a variable',
    withServiceLine('environment: { a-b: 1 }'),
    'VALUE_INVALID',
    'services.app.environment.a-b',
  ],
  [
    'two limits that differ',
    withServiceLine('deploy: { resources: { limits: { memory: 65m } } }'),
    'VALUE_CONFLICT',
    'services.app.deploy.resources.limits.memory',
  ],
  ['no services', `services: {}\n${MARKET}`, 'VALUE_INVALID', 'services'],
  ['a bad name of a service', MINIMAL.replace('  app:', '  App:'), 'VALUE_INVALID', 'services.App'],
  ['a service that is a list', `services:\n  app: []\n${MARKET}`, 'VALUE_INVALID', 'services.app'],
  ['no market section', SERVICE, 'KEY_MISSING', ''],
  ['no services key', MARKET, 'KEY_MISSING', ''],
  ['an unknown market key', withMarket('none', 'speed: fast'), 'KEY_UNKNOWN', 'x-eaas.speed'],
  ['no place', withMarket('place', 'heartbeat: 1s'), 'KEY_MISSING', 'x-eaas'],
  ['a place off the globe', withMarket('place', 'place: { lat: 91, lng: 0 }'), 'VALUE_INVALID', 'x-eaas.place.lat'],
  ['half a place', withMarket('place', 'place: { lat: 1 }'), 'KEY_MISSING', 'x-eaas.place'],
  ['a cell that is none', withMarket('place', 'place: 87a8a06a3fffff'), 'VALUE_INVALID', 'x-eaas.place'],
  ['a distance without a unit', withMarket('none', 'maxDistance: 5'), 'VALUE_INVALID', 'x-eaas.maxDistance'],
  ['a tier nobody knows', withMarket('tier', 'tier: boiling'), 'VALUE_INVALID', 'x-eaas.tier'],
  ['an activation nobody knows', withMarket('activation', 'activation: maybe'), 'VALUE_INVALID', 'x-eaas.activation'],
  ['a term without a unit', withMarket('term', 'term: 24'), 'VALUE_INVALID', 'x-eaas.term'],
  ['a heartbeat too quick', withMarket('none', 'heartbeat: 10ms'), 'VALUE_INVALID', 'x-eaas.heartbeat'],
  ['half a price', withMarket('price', 'price: { activePerHourMax: 1 }'), 'KEY_MISSING', 'x-eaas.price'],
  ['a stake in words', withMarket('stake', 'stake: lots'), 'VALUE_INVALID', 'x-eaas.stake'],
  ['a stake beyond the contract', withMarket('stake', 'stake: 999999999999999'), 'VALUE_INVALID', 'x-eaas.stake'],
  ['a device of ten digits', withMarket('none', 'devices: [0011223344]'), 'VALUE_INVALID', 'x-eaas.devices[0]'],
  ['an interface in capitals', withMarket('none', 'interfaces: [LoRa]'), 'VALUE_INVALID', 'x-eaas.interfaces[0]'],
  [
    'a quorum without witnesses',
    withMarket('none', 'witnesses: { count: 1, quorum: 2 }'),
    'VALUE_INVALID',
    'x-eaas.witnesses',
  ],
  [
    'witnesses that never decide',
    withMarket('none', 'witnesses: { count: 1, quorum: 0 }'),
    'VALUE_INVALID',
    'x-eaas.witnesses',
  ],
  ['a cloud without an account', withMarket('none', 'cloud: { url: "http://a" }'), 'KEY_MISSING', 'x-eaas.cloud'],
  [
    'a cloud that is a file',
    withMarket('none', `cloud: { url: "file:///etc/passwd", address: "${CLOUD}" }`),
    'VALUE_INVALID',
    'x-eaas.cloud.url',
  ],
  ['a variable that is not set', MINIMAL.replace('0.25', '$CORES'), 'VARIABLE_MISSING', 'services.app.cpus'],
  ['a key twice', `${MINIMAL}name: a\nname: b\n`, 'SYNTAX', ''],
  ['a tag of its own', withServiceLine('restart: !custom no'), 'SYNTAX', ''],
  ['broken YAML', '{', 'SYNTAX', ''],
  ['two documents', `${MINIMAL}---\n${MINIMAL}`, 'SYNTAX', ''],
  ['nothing', '', 'VALUE_INVALID', ''],
  ['a text', 'hello', 'VALUE_INVALID', ''],
  ['too much', `# ${'x'.repeat(70_000)}\n${MINIMAL}`, 'TOO_LARGE', ''],
];

describe('compose problems', () => {
  for (const [name, text, code, path] of WRONG) {
    it(`names ${name}`, () => {
      const problems = problemsOf(text);
      const found = problems.find((problem) => problem.code === code && problem.path === path);
      expect(found, JSON.stringify(problems)).to.have.property('remedy').with.length.above(8);
      expect(found?.line).to.be.within(1, text.split('\n').length);
    });
  }

  it('reports all at once, in the order of the file', () => {
    const text = MINIMAL.replace('0.25', 'many').replace('warm', 'boiling').replace('device-service:1', 'A');
    expect(problemsOf(text).map(({ path, line, column }) => [path, line, column])).to.deep.equal([
      ['services.app.image', 3, 12],
      ['services.app.cpus', 4, 11],
      ['x-eaas.tier', 8, 9],
    ]);
  });

  it('refuses aliases, so that small files stay small', () => {
    const bomb = `a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n`;
    expect(problemsOf(bomb).map(({ message }) => message)).to.include('a YAML alias');
  });

  it('refuses endless nesting', () => {
    const deep = `services: ${'{a: '.repeat(40)}1${'}'.repeat(40)}\n`;
    expect(problemsOf(deep).map(({ message }) => message)).to.include('nested too deeply');
  });

  it('keeps the names of variables from reaching the prototype', () => {
    const { services } = read(withServiceLine('environment: { __proto__: x, constructor: y }'));
    expect(Object.entries(services[0]?.environment ?? {})).to.deep.equal([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });

  it('never throws, whatever the file says', () => {
    const lines = FULL.split('\n');
    const damage = fc.record({ line: fc.nat(lines.length - 1), text: fc.string({ maxLength: 20 }) });
    fc.assert(
      fc.property(damage, fc.string({ maxLength: 100 }), ({ line, text }, noise) => {
        expect(parseCompose(noise).ok).to.equal(false);
        const damaged = lines.with(line, text).join('\n');
        const result = parseCompose(damaged);
        if (!result.ok) expect(result.problems).to.have.length.above(0);
      }),
    );
  });
});
