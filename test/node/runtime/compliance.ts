import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Runtime } from '../../../node/ports.ts';
import { LABEL, nodeCommand, type RealSubject, receive, type Subject, sendCode } from './subject.ts';
import { temporaryFolder, tinyImage } from './test-image.ts';

/** Resolves to the code of the error that the promise must reject with, and the error. */
export async function failure(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await promise;
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('it did not fail');
}

/** What every runtime owes, also the fake one: names, labels, statuses, images, and doing things twice. */
export function itKeepsContainers(subject: () => Subject<Runtime>): void {
  describe('images', () => {
    it('passes its own check', async () => {
      await subject().runtime.check();
    });

    it('takes an image in twice and names it by its manifest', async () => {
      const { runtime, layoutDir, digest } = subject();
      expect(await runtime.importImage(layoutDir)).to.deep.equal({ digest });
      expect(await runtime.hasImage(digest)).to.equal(true);
      expect(await runtime.hasImage(`sha256:${'0'.repeat(64)}`)).to.equal(false);
    });

    it('refuses an image with one flipped byte and keeps nothing of it', async () => {
      const folder = await temporaryFolder();
      const { digest, layoutDir } = await tinyImage(join(folder.path, 'image'), `flipped ${folder.path}`);
      await flipLargestBlob(layoutDir);
      const { runtime } = subject();
      expect((await failure(runtime.importImage(layoutDir))).code).to.equal('IMAGE_INVALID');
      expect(await runtime.hasImage(digest)).to.equal(false);
      await folder.remove();
    });

    it('removes an image once no container uses it', async () => {
      const folder = await temporaryFolder();
      const { digest, layoutDir } = await tinyImage(join(folder.path, 'image'), `removed ${folder.path}`);
      const { runtime, spec } = subject();
      await runtime.importImage(layoutDir);
      const id = await runtime.create(spec({ imageDigest: digest }));
      await runtime.removeImage(digest);
      expect(await runtime.hasImage(digest), 'while used').to.equal(true);
      await runtime.remove(id);
      await runtime.removeImage(digest);
      await runtime.removeImage(digest);
      expect(await runtime.hasImage(digest), 'when free').to.equal(false);
      await folder.remove();
    });
  });

  describe('containers', () => {
    it('creates once per name without starting', async () => {
      const { runtime, spec } = subject();
      const wanted = spec({ labels: { 'eaas.agreement': '0x01', 'eaas.epoch': '2' } });
      const id = await runtime.create(wanted);
      expect(await runtime.create(wanted)).to.equal(id);
      const [found, ...others] = await runtime.list('eaas.agreement', '0x01');
      expect(others).to.deep.equal([]);
      expect(found).to.deep.equal({ id, name: wanted.name, labels: wanted.labels, status: 'created', exitCode: null });
      await runtime.remove(id);
    });

    it('gives calls at the same time the same container', async () => {
      const { runtime, spec } = subject();
      const wanted = spec();
      const ids = await Promise.all([1, 2, 3].map(() => runtime.create(wanted)));
      expect(new Set(ids).size).to.equal(1);
      await runtime.remove(ids[0] ?? '');
    });

    it('starts, starts again without harm, stops, stops again, and starts anew', async () => {
      const { runtime, spec } = subject();
      const wanted = spec();
      const id = await runtime.create(wanted);
      const now = async () => (await runtime.list(LABEL)).find(({ name }) => name === wanted.name);
      await Promise.all([runtime.start(id), runtime.start(id)]);
      await runtime.start(id);
      expect(await now()).to.include({ status: 'running', exitCode: null });
      await runtime.stop(id, 0);
      await runtime.stop(id, 0);
      expect(await now()).to.include({ status: 'exited', exitCode: 137 });
      await runtime.start(id);
      expect(await now()).to.include({ status: 'running', exitCode: null });
      await runtime.remove(id);
      await runtime.remove(id);
      expect(await now()).to.equal(undefined);
    });

    it('lists by label and by its value', async () => {
      const { runtime, spec } = subject();
      const one = await runtime.create(spec({ labels: { 'eaas.kind': 'one' } }));
      const two = await runtime.create(spec({ labels: { 'eaas.kind': 'two' } }));
      const ids = async (value?: string) => (await runtime.list('eaas.kind', value)).map(({ id }) => id).sort();
      expect(await ids()).to.deep.equal([one, two].sort());
      expect(await ids('two')).to.deep.equal([two]);
      expect(await ids('three')).to.deep.equal([]);
      expect(await runtime.list('constructor')).to.deep.equal([]);
      await Promise.all([one, two].map((id) => runtime.remove(id)));
    });

    it('samples a running container and finds a stopped one idle', async () => {
      const { runtime, spec } = subject();
      const id = await runtime.create(spec());
      await runtime.start(id);
      expect((await runtime.sample(id)).memoryBytes).to.be.greaterThan(1024 * 1024);
      await runtime.stop(id, 0);
      expect(await runtime.sample(id)).to.deep.equal({ cpuMillis: 0, memoryBytes: 0 });
      await runtime.remove(id);
    });
  });

  describe('refusals', () => {
    it('says when the image or the container is not there', async () => {
      const { runtime, spec } = subject();
      const unknown = spec({ imageDigest: `sha256:${'0'.repeat(64)}` });
      expect((await failure(runtime.create(unknown))).code).to.equal('IMAGE_MISSING');
      expect((await failure(runtime.start('eaas-test-none'))).code).to.equal('CONTAINER_MISSING');
      expect((await failure(runtime.sample('eaas-test-none'))).code).to.equal('CONTAINER_MISSING');
      await runtime.stop('eaas-test-none', 0);
      await runtime.remove('eaas-test-none');
    });

    for (const [title, change] of [
      ['a name that climbs', { name: '../other' }],
      ['a name with blanks', { name: 'a b' }],
      ['an image by tag', { imageDigest: 'busybox:latest' }],
      ['a relative sockets folder', { socketsDir: 'sockets' }],
      ['a sockets folder with mount options', { socketsDir: '/tmp:/host' }],
      ['a variable with an equals sign', { environment: { 'A=B': 'c' } }],
      ['no limit on processes', { pids: 0 }],
      ['no limit on memory', { memoryBytes: Number.POSITIVE_INFINITY }],
    ] as const) {
      it(`refuses ${title}`, async () => {
        const { runtime, spec } = subject();
        expect((await failure(runtime.create(spec(change)))).code).to.equal('CONTAINER_SPEC_INVALID');
      });
    }
  });
}

/** What a runtime owes that runs programs. */
export function itRunsPrograms(subject: () => RealSubject): void {
  it('lets a program reach the sockets of its folder and nothing else of the spec be lost', async () => {
    const { runtime, spec, socketsDir } = subject();
    const value = '({ A: process.env.A, argv: process.argv.slice(1) })';
    const command = [...nodeCommand(sendCode('south.sock', value)), 'one two', '$HOME'];
    const id = await runtime.create(spec({ command, environment: { A: 'a b"c\'d\\ ü$(id)' } }));
    const sent = await receive(socketsDir, 'south.sock', () => runtime.start(id));
    expect(JSON.parse(sent)).to.deep.equal({ A: 'a b"c\'d\\ ü$(id)', argv: ['one two', '$HOME'] });
    await runtime.remove(id);
  });

  it('says what a container printed that ends at once', async () => {
    const { runtime, spec } = subject();
    const command = nodeCommand("console.log('first line'); console.error('second line'); process.exit(3)");
    const id = await runtime.create(spec({ command }));
    const error = await failure(runtime.start(id));
    expect(error.code).to.equal('CONTAINER_START_FAILED');
    expect(error.message).to.contain('code 3').and.to.contain('first line').and.to.contain('second line');
    expect((await runtime.list(LABEL)).find((info) => info.id === id)).to.include({ status: 'exited', exitCode: 3 });
    await runtime.remove(id);
  });

  it('says so when the program is not in the image', async () => {
    const { runtime, spec } = subject();
    const id = await runtime.create(spec({ command: ['/bin/missing'] }));
    expect((await failure(runtime.start(id))).code).to.equal('CONTAINER_START_FAILED');
    await runtime.remove(id);
  });

  it('asks before it kills, and kills who does not listen', async () => {
    const { runtime, spec, socketsDir } = subject();
    for (const [handler, exitCode] of [
      ['process.exit(7)', 7],
      ['undefined', 137],
    ] as const) {
      const command = nodeCommand(`process.on('SIGTERM', () => ${handler}); ${sendCode('south.sock', '1')}`);
      const id = await runtime.create(spec({ command }));
      await receive(socketsDir, 'south.sock', () => runtime.start(id));
      await runtime.stop(id, 1000);
      expect(
        (await runtime.list(LABEL)).find((info) => info.id === id),
        handler,
      ).to.include({ exitCode });
      await runtime.remove(id);
    }
  });

  it('finds a running container again after a restart of the node', async () => {
    const { runtime, spec, reopen } = subject();
    const wanted = spec();
    const id = await runtime.create(wanted);
    await runtime.start(id);
    const pids = await runtime.pids(id);
    const later = reopen();
    expect(await later.create(wanted)).to.equal(id);
    await later.start(id);
    expect(await later.pids(id), 'the same process').to.deep.equal(pids);
    await later.remove(id);
    expect(await runtime.list(LABEL, wanted.labels[LABEL])).to.deep.equal([]);
  });

  it('notices a container that is killed from outside', async () => {
    const { runtime, spec } = subject();
    const id = await runtime.create(spec());
    await runtime.start(id);
    const [pid = 0] = await runtime.pids(id);
    process.kill(pid, 'SIGKILL');
    await runtime.stop(id, 0);
    expect((await runtime.list(LABEL)).find((info) => info.id === id)).to.include({ status: 'exited', exitCode: 137 });
    expect(await runtime.pids(id)).to.deep.equal([]);
    await runtime.remove(id);
  });

  it('keeps the end of a long log only', async () => {
    const { runtime, spec, socketsDir } = subject();
    const print = "for (let i = 0; i < 60000; i += 1) console.log(String(i).padEnd(99, '.'));";
    const written = "new Promise((resolve) => process.stdout.write('', () => resolve(1)))";
    const command = nodeCommand(`${print} ${sendCode('south.sock', written)}`);
    const id = await runtime.create(spec({ command }));
    await receive(socketsDir, 'south.sock', () => runtime.start(id));
    await runtime.stop(id, 0);
    const log = await runtime.logs(id);
    expect(log).to.match(/^59999\.+$/m);
    expect(log.length).to.be.lessThan(2.1 * 1024 * 1024);
    await runtime.remove(id);
  });
}

async function flipLargestBlob(layoutDir: string): Promise<void> {
  const blobs = join(layoutDir, 'blobs', 'sha256');
  const sized = await Promise.all(
    (await readdir(blobs)).map(async (name) => ({ name, size: (await stat(join(blobs, name))).size })),
  );
  const largest = sized.sort((a, b) => b.size - a.size)[0];
  if (!largest) throw new Error(`no blob in ${blobs}`);
  const file = await open(join(blobs, largest.name), 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, largest.size - 1);
  byte[0] = (byte[0] ?? 0) ^ 1;
  await file.write(byte, 0, 1, largest.size - 1);
  await file.close();
}
