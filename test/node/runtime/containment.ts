import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { expect } from 'chai';
import { LABEL, MIB, nodeCommand, type RealSubject, receive, sendCode } from './subject.ts';

/** Runs `value` in a container and resolves to what it is. */
async function inside<T>({ runtime, spec, socketsDir }: RealSubject, value: string, pids = 64): Promise<T> {
  const id = await runtime.create(spec({ command: nodeCommand(sendCode('probe.sock', value)), pids }));
  try {
    return JSON.parse(await receive(socketsDir, 'probe.sock', () => runtime.start(id)));
  } finally {
    await runtime.remove(id);
  }
}

/** Code of the error that the attempt ends with, or `done`. */
const attempt = (code: string) => `(() => { try { ${code}; return 'done'; } catch (error) { return error.code; } })()`;

/** Ways to change something outside, or to see it; all must fail from inside. */
export function itContainsStrangers(subject: () => RealSubject): void {
  it('runs as nobody, without a capability and without a way to get one', async () => {
    const status = await inside<string>(subject(), "require('fs').readFileSync('/proc/self/status', 'utf8')");
    const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1]?.trim();
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) expect(field(set), set).to.equal('0000000000000000');
    expect(field('NoNewPrivs')).to.equal('1');
    const ids = ['Uid', 'Gid', 'Groups'].flatMap((name) => field(name)?.split(/\s+/).filter(Boolean) ?? []);
    expect(
      ids.filter((id) => Number(id) < 1000),
      'ids that the machine may know',
    ).to.deep.equal([]);
  });

  for (const path of ['/x', '/bin/node', '/bin/x', '/app/x', '/etc/passwd', '/dev/x', '/run/x', '/run/eaas/x']) {
    it(`cannot write ${path}`, async () => {
      const code = await inside<string>(subject(), attempt(`require('fs').writeFileSync('${path}', '')`));
      expect(code).to.be.oneOf(['EROFS', 'EACCES']);
    });
  }

  it('cannot change the kernel through /proc', async () => {
    const paths = ['/proc/sys/kernel/hostname', '/proc/sysrq-trigger', '/proc/self/oom_score_adj'];
    for (const path of paths) {
      const code = `require('fs').writeFileSync('${path}', path === '/proc/self/oom_score_adj' ? '-1000' : 'b')`;
      const result = await inside<string>(subject(), attempt(`const path = '${path}'; ${code}`));
      expect(result, path).to.be.oneOf(['EROFS', 'EACCES', 'EPERM', 'ENOENT']);
    }
  });

  it('cannot become somebody else', async () => {
    const attempts = ['process.setuid(0)', 'process.setgid(0)', 'process.setgroups([0])', 'process.kill(-1, 0)'];
    for (const code of attempts.slice(0, 3)) {
      expect(await inside<string>(subject(), attempt(code)), code).to.be.oneOf(['EPERM', 'EINVAL']);
    }
  });

  it('has a small /tmp where nothing runs', async () => {
    const result = await inside<{ ran: string; filled: string }>(
      subject(),
      `({
        ran: ${attempt("const fs = require('fs'); fs.writeFileSync('/tmp/x', '#!/bin/node\\n', { mode: 0o755 }); require('child_process').execFileSync('/tmp/x')")},
        filled: ${attempt("require('fs').writeFileSync('/tmp/y', Buffer.alloc(17 * 1024 * 1024))")},
      })`,
    );
    expect(result).to.deep.equal({ ran: 'EACCES', filled: 'ENOSPC' });
  });

  it('has no network: loopback at most, and not the machine’s', async () => {
    const server = createServer((connection) => connection.end());
    await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const value = `new Promise((resolve) => {
      const interfaces = require('fs').readFileSync('/proc/net/dev', 'utf8').match(/^ *\\w+(?=:)/gm).map((name) => name.trim());
      require('net').connect(${port}, '127.0.0.1').on('connect', () => resolve({ interfaces, reached: 'yes' }))
        .on('error', (error) => resolve({ interfaces, reached: error.code }));
    })`;
    const result = await inside<{ interfaces: string[]; reached: string }>(subject(), value);
    server.close();
    expect(result.interfaces).to.deep.equal(['lo']);
    expect(result.reached).to.be.oneOf(['ECONNREFUSED', 'ENETUNREACH', 'EADDRNOTAVAIL']);
  });

  it('sees no process, no secret and no file of the machine', async () => {
    process.env.EAAS_TEST_SECRET = 'not for strangers';
    const value = `({
      processes: require('fs').readdirSync('/proc').filter((name) => /^\\d+$/.test(name)),
      environment: Object.keys(process.env),
      root: require('fs').readdirSync('/'),
      hostname: require('os').hostname(),
      open: require('fs').readdirSync('/proc/self/fd').flatMap((fd) => {
        try { return require('fs').readlinkSync('/proc/self/fd/' + fd); } catch { return []; }
      }).filter((target) => target.startsWith('/') && !target.startsWith('/dev/') && !target.startsWith('/proc/')),
    })`;
    const seen = await inside<Record<'processes' | 'environment' | 'root' | 'open', string[]> & { hostname: string }>(
      subject(),
      value,
    );
    expect(seen.processes).to.deep.equal(['1']);
    expect(seen.environment).to.not.include('EAAS_TEST_SECRET');
    expect(seen.environment).to.have.lengthOf.lessThan(8);
    for (const name of ['home', 'root', 'usr', 'old', 'work']) {
      expect(seen.root).to.not.include(name);
    }
    expect(seen.hostname).to.equal('eaas');
    expect(seen.open, 'open files of the machine').to.deep.equal([]);
  });

  it('cannot climb out through links or /proc', async () => {
    const value = `['/../../../../etc/shadow', '/proc/1/root/etc/shadow', '/proc/1/cwd/../../../etc/shadow', '/run/eaas/../../../etc/shadow']
      .map((path) => { try { require('fs').readFileSync(path); return 'read ' + path; } catch (error) { return error.code; } })`;
    expect(await inside<string[]>(subject(), value)).to.deep.equal(['ENOENT', 'ENOENT', 'ENOENT', 'ENOENT']);
  });
}

/** Limits that hold where the machine can enforce them. */
export function itLimitsStrangers(subject: () => RealSubject): void {
  it('bounds a fork bomb', async () => {
    const pids = 40;
    const value = `(async () => {
      const { spawn } = require('child_process');
      for (let i = 0; i < 20; i += 1) {
        spawn('/bin/node', ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' }).on('error', () => {});
      }
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const fs = require('fs');
      const tasks = fs.readdirSync('/proc').filter((name) => /^\\d+$/.test(name))
        .flatMap((pid) => { try { return fs.readdirSync('/proc/' + pid + '/task'); } catch { return []; } });
      return tasks.length;
    })()`;
    const tasks = await inside<number>(subject(), value, pids);
    expect(tasks).to.be.at.most(pids).and.at.least(5);
  });

  it('ends a container that takes more memory than it was given', async () => {
    const { runtime, spec } = subject();
    const code = 'const held = []; setInterval(() => held.push(Buffer.alloc(16 * 1024 * 1024, 1)), 10)';
    const id = await runtime.create(spec({ command: nodeCommand(code), memoryBytes: 96 * MIB }));
    const started = await runtime.start(id).then(
      () => true,
      () => false,
    );
    for (let turn = 0; started && turn < 100 && (await runtime.pids(id)).length > 0; turn += 1)
      await runtime.sample(id);
    const info = (await runtime.list(LABEL)).find((found) => found.id === id);
    expect(info).to.include({ status: 'exited', exitCode: 137 });
    await runtime.remove(id);
  });

  it('slows down a container that takes more processor time than it was given', async () => {
    const { runtime, spec } = subject();
    const id = await runtime.create(spec({ command: nodeCommand('for (;;);'), cpuMillis: 200 }));
    await runtime.start(id);
    const { cpuMillis } = await runtime.sample(id);
    await runtime.remove(id);
    // One period of 100 ms more or less fits into a sample of 200 ms; without a limit it would be 1000.
    expect(cpuMillis).to.be.within(20, Math.min(450, availableParallelism() * 1000));
  });
}
