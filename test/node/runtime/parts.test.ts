import { expect } from 'chai';
import { processOf } from '../../../node/runtime/container-spec.ts';
import { plainLog } from '../../../node/runtime/docker-client.ts';
import { createOptions } from '../../../node/runtime/docker-spec.ts';
import { mountLine } from '../../../node/runtime/namespace-stage.ts';
import { isAlive, parseIdentity, parseStat, processTree, psUsage, treeUsage } from '../../../node/runtime/proc.ts';

const spec = {
  name: 'n',
  imageDigest: `sha256:${'a'.repeat(64)}`,
  command: null,
  environment: { B: 'spec' },
  labels: { k: 'v' },
  cpuMillis: 500,
  memoryBytes: 64 * 1024 * 1024,
  pids: 32,
  socketsDir: '/data/s',
};

describe('processOf', () => {
  const image = (config: object) => ({
    architecture: 'amd64',
    os: 'linux',
    config,
    rootfs: { type: 'layers' as const, diff_ids: [] },
  });

  for (const [title, config, command, argv] of [
    ['entrypoint and command of the image', { Entrypoint: ['/e', 'x'], Cmd: ['c'] }, null, ['/e', 'x', 'c']],
    ['the command alone when there is no entrypoint', { Cmd: ['c', 'd'] }, null, ['c', 'd']],
    ['the command of the spec instead of both', { Entrypoint: ['/e'], Cmd: ['c'] }, ['/s'], ['/s']],
  ] as const) {
    it(`runs ${title}`, () => {
      const found = processOf({ ...spec, command: command && [...command] }, image(config));
      expect(found.argv).to.deep.equal(argv);
    });
  }

  it('refuses to run nothing', () => {
    expect(() => processOf(spec, image({}))).to.throw('what to run');
  });

  it('prefers the variables of the spec, and tells where the sockets are', () => {
    const config = {
      Cmd: ['c'],
      Env: ['A=1=2', 'B=image', 'EAAS_SOCKETS_DIR=/etc', 'bad-name=x', '=x'],
      WorkingDir: '/w',
    };
    const { environment, workingDir } = processOf(spec, image(config));
    expect(environment).to.include({ A: '1=2', B: 'spec', EAAS_SOCKETS_DIR: '/run/eaas' });
    expect(Object.keys(environment)).to.have.members(['PATH', 'A', 'B', 'EAAS_SOCKETS_DIR']);
    expect(workingDir).to.equal('/w');
  });
});

describe('createOptions of docker', () => {
  it('hardens every container', () => {
    const { HostConfig, User, NetworkDisabled, Labels, Entrypoint } = createOptions(spec, 'image:tag');
    expect(HostConfig).to.include({ NetworkMode: 'none', IpcMode: 'none', ReadonlyRootfs: true, PidsLimit: 32 });
    expect(HostConfig).to.deep.include({ CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges'] });
    expect(HostConfig?.Binds).to.deep.equal(['/data/s:/run/eaas:ro']);
    expect(HostConfig?.MemorySwap, 'no swap on top').to.equal(HostConfig?.Memory);
    expect(HostConfig?.NanoCpus).to.equal(500_000_000);
    expect(HostConfig).to.not.have.any.keys('Privileged', 'CapAdd', 'Devices', 'PidMode', 'UsernsMode', 'PortBindings');
    expect({ User, NetworkDisabled, Labels, Entrypoint }).to.deep.equal({
      User: '65534:65534',
      NetworkDisabled: true,
      Labels: { k: 'v' },
      Entrypoint: undefined,
    });
  });

  it('asks for no more processors than there are, and no less memory than an engine takes', () => {
    const { HostConfig } = createOptions({ ...spec, cpuMillis: 1_024_000, memoryBytes: 4096 }, 'image:tag');
    expect(HostConfig?.NanoCpus).to.be.lessThan(1_024_000_000_000);
    expect(HostConfig?.Memory).to.equal(6 * 1024 * 1024);
  });
});

describe('plainLog', () => {
  const frame = (stream: number, text: string) => {
    const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
    header.writeUInt32BE(Buffer.byteLength(text), 4);
    return Buffer.concat([header, Buffer.from(text)]);
  };

  it('joins both streams in order', () => {
    expect(plainLog(Buffer.concat([frame(1, 'out\n'), frame(2, 'err ü\n'), frame(1, 'out')]))).to.equal(
      'out\nerr ü\nout',
    );
  });

  it('takes what is there of a log that is cut off', () => {
    expect(plainLog(Buffer.concat([frame(1, 'a'), frame(1, 'bcd').subarray(0, 9)]))).to.equal('ab');
    expect(plainLog(Buffer.alloc(3))).to.equal('');
  });
});

describe('mountLine', () => {
  it('keeps a path with blanks one word', () => {
    expect(mountLine('/a b\\c', '/t\tu#', 'none', 'bind')).to.equal('/a\\040b\\134c /t\\011u\\043 none bind 0 0');
  });
});

describe('process identity', () => {
  const stat = '42 (a (b) c) S 1 42 42 0 -1 4194560 1 2 3 4 50 60 0 0 20 0 1 0 987654 1000 25 18446744073709551615';

  it('reads a stat line whatever the command is called', () => {
    expect(parseStat(stat)).to.deep.equal({ pid: 42, state: 'S', parent: 1, cpuTicks: 110, startTicks: '987654' });
    expect(parseStat('nonsense')).to.equal(null);
  });

  for (const [title, text, expected] of [
    ['a whole record', `${stat}\nboot\n`, { pid: 42, startTicks: '987654', bootId: 'boot' }],
    ['a bare number, from a system without /proc', '42\n-\n', { pid: 42, startTicks: null, bootId: '-' }],
    ['half a record as none', `${stat}\nbo`, null],
    ['an empty record as none', '', null],
  ] as const) {
    it(`reads ${title}`, () => {
      expect(parseIdentity(text)).to.deep.equal(expected);
    });
  }

  it('does not take a later process, or one of an earlier boot, for the one it knew', async () => {
    if (process.platform !== 'linux') return;
    const { readFile } = await import('node:fs/promises');
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    const self = parseIdentity(`${(await readFile('/proc/self/stat', 'utf8')).trim()}\n${boot}\n`);
    if (!self) throw new Error('no identity');
    expect(await isAlive(self)).to.equal(true);
    expect(await isAlive({ ...self, startTicks: '1' })).to.equal(false);
    expect(await isAlive({ ...self, bootId: 'another' })).to.equal(false);
    expect(await isAlive({ ...self, pid: 2 ** 22 + 1 })).to.equal(false);
  });

  it('sums up a process and its descendants', async () => {
    expect(await processTree(process.pid)).to.include(process.pid);
    const usage = await treeUsage(process.pid);
    expect(usage.cpuMs).to.be.greaterThan(0);
    expect(usage.memoryBytes).to.be.greaterThan(10 * 1024 * 1024);
  });

  it('reads the same from ps, where there is one', async () => {
    const usage = await psUsage(process.pid).catch((error) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (usage) expect(usage.memoryBytes).to.be.greaterThan(10 * 1024 * 1024);
  });
});
