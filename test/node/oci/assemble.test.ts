import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { extract } from 'tar-stream';
import { assembleImage, type ImageFile } from '../../../node/oci/assemble.ts';
import { dockerArchive } from '../../../node/oci/docker-archive.ts';
import { readLayout } from '../../../node/oci/layout.ts';
import { unpackLayers } from '../../../node/oci/unpack.ts';
import { refusalOf, sha256, temporaryFolder } from './handmade.ts';

describe('assembleImage', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;

  beforeEach(async () => {
    folder = await temporaryFolder();
    await writeFile(join(folder.path, 'program'), 'program', { mode: 0o700 });
  });

  afterEach(() => folder.remove());

  const files = (): ImageFile[] => [
    { path: '/bin/program', source: join(folder.path, 'program'), mode: 0o755 },
    { path: '/etc/name', content: 'ünïcode' },
    { path: `/${'deep/'.repeat(40)}file`, content: 'deep' },
    { path: '/app/main.mjs', content: new Uint8Array([1, 2, 3]), layer: 1 },
  ];

  const assemble = (name: string, change: Partial<Parameters<typeof assembleImage>[0]> = {}) =>
    assembleImage({
      files: files(),
      entrypoint: ['/bin/program', 'x'],
      env: { A: '1' },
      workingDir: '/app',
      outDir: join(folder.path, name),
      ...change,
    });

  for (const compression of ['none', 'gzip', 'zstd'] as const) {
    it(`writes a layout that verifies and unpacks (${compression})`, async () => {
      const image = await assemble('image', { compression });
      const layout = await readLayout(image.layoutDir);
      expect(layout.manifestDigest).to.equal(image.digest);
      expect(layout.config.config).to.deep.equal({
        Entrypoint: ['/bin/program', 'x'],
        Env: ['A=1'],
        WorkingDir: '/app',
      });
      expect(layout.layers).to.have.lengthOf(2);
      const root = join(folder.path, 'root');
      await mkdir(root);
      await unpackLayers(layout, root);
      expect(await readFile(join(root, 'bin/program'), 'utf8')).to.equal('program');
      expect((await stat(join(root, 'bin/program'))).mode & 0o777).to.equal(0o755);
      expect(await readFile(join(root, 'etc/name'), 'utf8')).to.equal('ünïcode');
      expect(await readFile(join(root, 'deep/'.repeat(40), 'file'), 'utf8')).to.equal('deep');
      expect([...(await readFile(join(root, 'app/main.mjs')))]).to.deep.equal([1, 2, 3]);
    });
  }

  it('gives the same digest for the same files, whatever their order, times and place', async () => {
    const first = await assemble('one');
    await utimes(join(folder.path, 'program'), 1, 1);
    const second = await assemble('two', { files: files().reverse() });
    expect(second.digest).to.equal(first.digest);
    expect(second.bytes).to.equal(first.bytes);
  });

  it('gives another digest for one changed byte, and leaves the other layer as it was', async () => {
    const digests = async (layoutDir: string) => (await readLayout(layoutDir)).layers.map((layer) => layer.digest);
    const [base, top] = await digests((await assemble('one')).layoutDir);
    const changed = files().map((file) => (file.layer === 1 ? { ...file, content: 'changed' } : file));
    const [sameBase, otherTop] = await digests((await assemble('two', { files: changed })).layoutDir);
    expect(sameBase).to.equal(base);
    expect(otherTop).to.not.equal(top);
  });

  it('replaces an older layout and leaves no other folder', async () => {
    await assemble('image');
    const { digest, layoutDir } = await assemble('image', { entrypoint: ['/bin/other'] });
    expect((await readLayout(layoutDir)).manifestDigest).to.equal(digest);
    expect((await readdir(folder.path)).sort()).to.deep.equal(['image', 'program']);
  });

  it('leaves nothing behind when a source is missing', async () => {
    const gone = [{ path: '/x', source: join(folder.path, 'gone') }];
    expect((await refusalOf(assemble('image', { files: gone }))).code).to.equal('ENOENT');
    expect(await readdir(folder.path)).to.deep.equal(['program']);
  });
});

describe('dockerArchive', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;

  before(async () => {
    folder = await temporaryFolder();
  });

  after(() => folder.remove());

  for (const compression of ['none', 'gzip', 'zstd'] as const) {
    it(`holds config, layers that engines read, and the tag (${compression})`, async () => {
      const layers = ['base', 'top'].map((content, layer) => ({ path: '/f', content, layer }));
      const outDir = join(folder.path, compression);
      await assembleImage({ files: layers, entrypoint: ['/f'], outDir, compression });
      const layout = await readLayout(outDir);
      const found = new Map<string, string>();
      const tar = extract();
      dockerArchive(layout, 'eaas.local/image:tag').pipe(tar as unknown as NodeJS.WritableStream);
      for await (const entry of tar)
        found.set(entry.header.name, await text(entry as unknown as AsyncIterable<Buffer>));
      const [manifest] = JSON.parse(found.get('manifest.json') ?? '[]');
      expect(manifest.RepoTags).to.deep.equal(['eaas.local/image:tag']);
      expect(sha256(found.get(manifest.Config) ?? ''), 'the engine names it by its config').to.equal(
        layout.configDigest,
      );
      expect(manifest.Layers).to.have.lengthOf(2);
      if (compression === 'gzip') return;
      const diffIds = manifest.Layers.map((name: string) => sha256(found.get(name) ?? ''));
      expect(diffIds).to.deep.equal(layout.layers.map((layer) => layer.diffId));
    });
  }
});
