import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect } from 'chai';
import { systemClock } from '../../../node/clock.ts';
import { findEngine, socketCandidates } from '../../../node/runtime/docker-socket.ts';
import { selectRuntime } from '../../../node/runtime/select.ts';
import { failure } from './compliance.ts';
import { temporaryFolder } from './test-image.ts';

const noEngine = { DOCKER_HOST: 'unix:///nowhere/docker.sock' };

describe('selectRuntime', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;

  before(async () => {
    folder = await temporaryFolder();
  });

  after(() => folder.remove());

  const init = () => ({ clock: systemClock(), dataDir: folder.path, environment: noEngine });

  it('says why the chosen runtime cannot be used', async () => {
    const error = await failure(selectRuntime('docker', init()));
    expect(error.code).to.equal('RUNTIME_UNAVAILABLE');
    expect(error.message).to.contain('/nowhere/docker.sock: not there');
  });

  it('takes no process runtime unless it is allowed', async () => {
    const error = await failure(selectRuntime('process', init()));
    expect(error.code).to.equal('RUNTIME_UNAVAILABLE');
    expect(error.message).to.contain('isolates nothing');
  });

  it('takes the process runtime where it is allowed, with its warning', async () => {
    const { runtime, refused } = await selectRuntime('process', { ...init(), allowProcess: true });
    expect(runtime.name).to.equal('process');
    expect(runtime.warnings.join()).to.contain('NOT ISOLATED');
    expect(refused).to.deep.equal([]);
  });

  it('goes on to the next runtime and keeps the reason', async () => {
    const { runtime, refused } = await selectRuntime('auto', { ...init(), allowProcess: true });
    expect(runtime.name).to.not.equal('docker');
    expect(refused[0]?.name).to.equal('docker');
    expect(refused[0]?.reason).to.contain('no engine answers');
  });
});

describe('socketCandidates', () => {
  for (const [title, environment, expected] of [
    ['DOCKER_HOST alone', { DOCKER_HOST: 'unix:///a/b.sock', XDG_RUNTIME_DIR: '/run/user/1' }, ['/a/b.sock']],
    ['nothing for an engine elsewhere', { DOCKER_HOST: 'tcp://10.0.0.1:2375' }, []],
    [
      'the user’s Podman before the machine’s',
      { XDG_RUNTIME_DIR: '/run/user/1' },
      ['/var/run/docker.sock', '/run/user/1/podman/podman.sock', '/run/podman/podman.sock', '/run/balena-engine.sock'],
    ],
  ] as const) {
    it(`names ${title}`, () => {
      expect(socketCandidates(environment)).to.deep.equal(expected);
    });
  }
});

describe('findEngine', () => {
  it('says what each socket answered', async () => {
    const folder = await temporaryFolder();
    const file = join(folder.path, 'file.sock');
    await writeFile(file, 'not a socket');
    const notSocket = await findEngine({ DOCKER_HOST: `unix://${file}` });
    expect(notSocket).to.deep.equal({ socketPath: null, reasons: [`${file}: ECONNREFUSED`] });
    const server = createServer((_request, response) => response.writeHead(500).end());
    const broken = join(folder.path, 'broken.sock');
    await new Promise<void>((resolve) => server.listen(broken, resolve));
    const search = await findEngine({ DOCKER_HOST: `unix://${broken}` });
    expect(search).to.deep.equal({ socketPath: null, reasons: [`${broken}: answered 500`] });
    server.close();
    await folder.remove();
  });
});
