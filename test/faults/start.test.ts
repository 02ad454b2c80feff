import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { stringify } from 'yaml';
import { createKeystore } from '../../node/keystore.ts';
import { follow } from '../../scripts/devnet/follow.ts';
import { type Program, startProgram } from '../../scripts/devnet/processes.ts';
import { projectRoot } from '../../scripts/root.ts';

const ENTRY = join(projectRoot(), 'scripts', 'eaas.ts');
/** Nothing listens there. */
const NO_CHAIN = 'http://127.0.0.1:9';

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command to its end, at most 20 s. */
function run(args: string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [ENTRY, ...args], { timeout: 20_000, killSignal: 'SIGKILL' });
    const ended: Ended = { code: null, stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => {
      ended.stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      ended.stderr += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ ...ended, code }));
  });
}

describe('eaas up', function () {
  this.timeout(60_000);
  let folder: string;
  let configFile: string;
  let running: Program | null = null;

  const configure = async (changes: object = {}): Promise<void> => {
    const config = {
      role: 'edge',
      name: 'edge',
      dataDir: join(folder, 'data'),
      chain: { rpcUrl: NO_CHAIN, chainId: 31337, escrow: `0x${'e5'.repeat(20)}`, token: `0x${'70'.repeat(20)}` },
      place: { lat: -22.87, lng: -43.14 },
      p2p: { listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: [], mdns: false },
      south: { udpPort: null },
      api: { port: 0 },
      runtime: 'process',
      keystore: { passwordFile: join(folder, 'password') },
      ...changes,
    };
    await writeFile(configFile, stringify(config));
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'eaas-start-'));
    configFile = join(folder, 'eaas.yaml');
    await createKeystore({ dir: join(folder, 'data'), password: 'right', scryptN: 1024 });
    await writeFile(join(folder, 'password'), 'right\n');
    await configure();
  });
  afterEach(async () => {
    await running?.kill();
    running = null;
    await rm(folder, { recursive: true, force: true });
  });

  const mistakes: [name: string, pattern: RegExp, prepare: () => Promise<void>][] = [
    ['a wrong password', /KEYSTORE_PASSWORD_WRONG/, () => writeFile(join(folder, 'password'), 'wrong\n')],
    ['a password file that is not there', /PASSWORD_FILE_UNREADABLE/, () => rm(join(folder, 'password'))],
    ['an unknown key', /placee[\s\S]*did you mean.*place/i, () => configure({ placee: { lat: 1, lng: 1 } })],
    ['a missing section', /place/, () => configure({ place: undefined })],
    ['a value that is none', /chainId/, () => configure({ chain: { rpcUrl: NO_CHAIN, chainId: 'one' } })],
    ['no configuration', /CONFIG_NOT_FOUND[\s\S]*eaas init/, () => rm(configFile)],
    ['no keys', /KEYSTORE_MISSING[\s\S]*eaas init/, () => rm(join(folder, 'data'), { recursive: true })],
  ];
  for (const [name, pattern, prepare] of mistakes) {
    it(`says what is wrong and what to do about ${name}, in lines, with exit code 3`, async () => {
      await prepare();
      const { code, stderr, stdout } = await run(['up', '--config', configFile]);
      expect(stderr).to.match(pattern);
      expect(stderr).not.to.match(/\n\s+at /);
      expect(stdout).to.equal('');
      expect(code).to.equal(3);
    });
  }

  it('waits for a chain that is down, says so, and refuses a second node on its data folder', async () => {
    const logFile = join(folder, 'node.log');
    const args = [join(projectRoot(), 'scripts', 'devnet', 'local-node.ts'), 'up', '--config', configFile];
    running = startProgram({ name: 'edge', command: process.execPath, args, logFile });
    const { api, stop } = await follow(join(folder, 'data'), running);
    expect(await api.get('/v1/status')).to.deep.include({ chain: 'unreachable', vault: null, agreements: 0 });
    expect(await api.get('/health')).to.deep.include({ ok: true, chain: 'waiting' });
    expect(await readFile(logFile, 'utf8')).to.match(/the chain does not answer/);

    const second = await run(['up', '--config', configFile, '--runtime', 'auto']);
    expect(second.stderr).to.match(/STORE_LOCKED[\s\S]*stop the other node/i);
    expect(second.code).to.equal(8);

    stop();
    running.child.kill('SIGTERM');
    expect(await running.exited).to.equal(0);
  });
});
