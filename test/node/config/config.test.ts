import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { EdgeError } from '../../../market/errors.ts';
import { cellAt } from '../../../market/place.ts';
import { configTemplate, type InitAnswers } from '../../../node/config/template.ts';
import { configFileOf, loadConfig, type NodeConfig, parseConfig } from '../../../node/config.ts';
import { BASE, ESCROW, input, read, TOKEN } from './samples.ts';

describe('configuration', () => {
  it('fills in defaults', () => {
    const config = read(BASE);
    expect(config).to.deep.include({
      role: 'edge',
      name: 'bridge',
      dataDir: '/home/owner/.eaas',
      runtime: 'auto',
      heartbeatIntervalMs: 1_000,
      api: { port: 9477 },
      log: { level: 'info' },
      place: { cell: cellAt(38.32, 21.77) },
      keystore: { passwordFile: null, scryptN: 131_072 },
    });
    expect(config.offer).to.equal(undefined);
    expect(config.insure.maxActivePerHour).to.equal(10n ** 17n);
  });

  it('takes a cell for a place', () => {
    const cell = cellAt(38.32, 21.77);
    const text = BASE.replace(/place:[\s\S]*/, `place: { cell: ${cell} }\n`);
    expect(read(text).place).to.deep.equal({ cell });
  });

  it('lets a cloud be nowhere', () => {
    const text = BASE.replace(/place:[\s\S]*/, `role: cloud\ncloud:\n  customers: ["${ESCROW}"]\n`);
    expect(read(text)).to.include({ role: 'cloud' });
    expect(read(text).place).to.equal(undefined);
    expect(read(text).cloud).to.deep.equal({ port: 9490, host: '127.0.0.1', customers: [ESCROW] });
  });

  it('reads an empty offer as an offer with the default policy', () => {
    expect(read(`${BASE}offer: {}\n`).offer?.tiers).to.deep.equal(['cold', 'warm', 'hot']);
  });

  describe('order of sources', () => {
    const text = `${BASE}api:\n  port: 1\nlog:\n  level: warn\n`;
    const env = { EAAS_API_PORT: '2', EAAS_LOG_LEVEL: 'error', EAAS_CHAIN_RPC_URL: 'https://rpc.example' };
    it('puts the environment over the file and flags over both', () => {
      const config = read(text, { env, flags: { 'api.port': '3', 'log.level': undefined } });
      expect(config.api.port).to.equal(3);
      expect(config.log.level).to.equal('error');
      expect(config.chain.rpcUrl).to.equal('https://rpc.example');
      expect(read(text).api.port).to.equal(1);
    });

    const values: [variable: string, text: string, pick: (config: NodeConfig) => unknown, value: unknown][] = [
      ['EAAS_P2P_MDNS', 'false', (config) => config.p2p.mdns, false],
      ['EAAS_P2P_LISTEN', '/ip4/127.0.0.1/tcp/1, /ip4/127.0.0.1/tcp/2', (config) => config.p2p.listen.length, 2],
      ['EAAS_P2P_BOOTSTRAP', '', (config) => config.p2p.bootstrap, []],
      ['EAAS_SOUTH_UDP_PORT', '1700', (config) => config.south.udpPort, 1_700],
      ['EAAS_SOUTH_UDP_PORT', 'null', (config) => config.south.udpPort, null],
      ['EAAS_NAME', '007', (config) => config.name, '007'],
      ['EAAS_HEARTBEAT_INTERVAL_MS', '200', (config) => config.heartbeatIntervalMs, 200],
      ['EAAS_INSURE_MAX_ACTIVE_PER_HOUR', '0.5', (config) => config.insure.maxActivePerHour, 5n * 10n ** 17n],
      ['EAAS_OFFER_MAX_STAKE', '2', (config) => config.offer?.maxStake, 2n * 10n ** 18n],
    ];
    for (const [variable, value, pick, result] of values) {
      it(`reads ${variable}=${value}`, () => {
        expect(pick(read(BASE, { env: { [variable]: value } }))).to.deep.equal(result);
      });
    }

    it('leaves variables of other programs alone', () => {
      expect(read(BASE, { env: { EAAS_CONFIG: 'x', EAAS_DEVICE_KEYS: '{}', PATH: '/bin' } }).name).to.equal('bridge');
    });

    it('works without a file', () => {
      const flags = { name: 'bare', chain: { rpcUrl: 'http://x', chainId: 1, escrow: ESCROW, token: TOKEN } };
      const config = parseConfig({ ...input, file: null, flags: { ...flags, place: { lat: 1, lng: 2 } } }, null);
      expect(config.name).to.equal('bare');
    });

    it('finds the file by flag, then variable, then in the working folder', () => {
      expect(configFileOf('a.yaml', { EAAS_CONFIG: 'b.yaml' })).to.equal('a.yaml');
      expect(configFileOf(undefined, { EAAS_CONFIG: 'b.yaml' })).to.equal('b.yaml');
      expect(configFileOf(undefined, {})).to.equal('eaas.yaml');
    });
  });

  it('makes paths absolute: from the file, the home folder, or the working folder for flags', () => {
    const config = read(`${BASE}dataDir: data\nkeystore:\n  passwordFile: ~/secret\n`);
    expect(config.dataDir).to.equal('/etc/eaas/data');
    expect(config.keystore.passwordFile).to.equal('/home/owner/secret');
    expect(read(BASE, { flags: { dataDir: 'data' } }).dataDir).to.equal('/work/data');
  });
});

describe('loadConfig', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'eaas-config-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('reads a file from disk', async () => {
    await writeFile(join(folder, 'eaas.yaml'), `${BASE}dataDir: state\n`);
    const config = await loadConfig({ ...input, file: 'eaas.yaml', cwd: folder });
    expect(config.dataDir).to.equal(join(folder, 'state'));
  });

  it('says which file is not there and how to get one', async () => {
    const error = await loadConfig({ ...input, file: join(folder, 'none.yaml') }).catch((caught: unknown) => caught);
    expect(error).to.include({ code: 'CONFIG_NOT_FOUND' });
    expect((error as EdgeError).remedy).to.contain('eaas init');
  });

  it('says that a folder is no file', async () => {
    const error = await loadConfig({ ...input, file: folder }).catch((caught: unknown) => caught);
    expect(error).to.include({ code: 'CONFIG_UNREADABLE' });
  });
});

describe('configTemplate', () => {
  const answers: InitAnswers = {
    role: 'edge',
    name: 'bridge',
    dataDir: 'data: "odd" #name',
    chain: { rpcUrl: 'http://127.0.0.1:8545', chainId: 31337, escrow: ESCROW, token: TOKEN },
    place: { lat: 38.32, lng: 21.77 },
    passwordFile: 'password',
    offer: true,
    udpPort: 1_700,
    interfaces: ['lorawan-eu868'],
  };
  const rows: [string, Partial<InitAnswers>][] = [
    ['an edge that rents out', {}],
    ['an edge that does not', { offer: false, udpPort: null, interfaces: [], passwordFile: null }],
    ['an edge in a cell', { place: { cell: cellAt(38.32, 21.77) } }],
    ['a cloud', { role: 'cloud', place: null, offer: false, udpPort: null, interfaces: [] }],
  ];
  for (const [title, change] of rows) {
    it(`writes a file that reads back: ${title}`, () => {
      const given = { ...answers, ...change };
      const config = read(configTemplate(given), { file: '/etc/eaas/eaas.yaml' });
      expect(config).to.deep.include({ role: given.role, name: given.name, interfaces: given.interfaces });
      expect(config.dataDir).to.equal('/etc/eaas/data: "odd" #name');
      expect(config.chain).to.deep.equal(given.chain);
      expect(config.offer !== undefined).to.equal(given.offer);
      expect(config.south.udpPort).to.equal(given.udpPort);
      expect(config.keystore.passwordFile).to.equal(given.passwordFile && '/etc/eaas/password');
      expect(config.place).to.deep.equal((given.place && { cell: cellAt(38.32, 21.77) }) || undefined);
    });
  }

  it('lets an edge without a place be written, and says what is missing when it is read', () => {
    const text = configTemplate({ ...answers, place: null });
    expect(text).to.contain('# place:');
    expect(() => read(text)).to.throw('place: is missing');
  });

  it('names the customers of a cloud', () => {
    const text = configTemplate({ ...answers, role: 'cloud', place: null, customers: [ESCROW] });
    expect(read(text).cloud?.customers).to.deep.equal([ESCROW]);
  });

  it('shows values that are the defaults', () => {
    const written = read(configTemplate(answers));
    const bare = read(`${BASE}offer: {}\n`);
    expect(written.offer).to.deep.equal(bare.offer);
    expect(written.insure).to.deep.equal(bare.insure);
    expect(written.p2p).to.deep.equal(bare.p2p);
  });
});
