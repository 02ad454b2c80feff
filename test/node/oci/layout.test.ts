import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { DEFAULT_CAPS } from '../../../node/oci/caps.ts';
import { blobPath, readLayout } from '../../../node/oci/layout.ts';
import {
  type HandmadeInit,
  type Manifest,
  refusalOf,
  sha256,
  tarOf,
  temporaryFolder,
  writeLayout,
} from './handmade.ts';

describe('readLayout', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let dir: string;

  beforeEach(async () => {
    folder = await temporaryFolder();
    dir = join(folder.path, 'layout');
  });

  afterEach(() => folder.remove());

  const write = async (init: HandmadeInit = {}, contents = ['x']) =>
    writeLayout(dir, await Promise.all(contents.map((content) => tarOf([{ name: 'f', content }]))), init);

  it('names the image by its manifest and lists its layers, base first', async () => {
    const digest = await write({ compression: 'gzip' }, ['base', 'top']);
    const layout = await readLayout(dir);
    expect(layout.manifestDigest).to.equal(digest);
    expect(layout.layers.map((layer) => layer.compression)).to.deep.equal(['gzip', 'gzip']);
    expect(layout.layers[0]?.diffId).to.equal(sha256(await tarOf([{ name: 'f', content: 'base' }])));
    expect(layout.config.config?.Entrypoint).to.deep.equal(['/bin/node']);
  });

  it('picks the image for this machine where the index has several', async () => {
    const digest = await write({
      changeIndex: (index) => ({
        ...index,
        manifests: ['arm64', 'amd64'].flatMap((architecture) =>
          index.manifests.map((entry) => ({
            ...entry,
            ...(architecture === 'arm64' && { digest: sha256('other') }),
            platform: { os: 'linux', architecture },
          })),
        ),
      }),
    });
    expect((await readLayout(dir, { arch: 'x64' })).manifestDigest).to.equal(digest);
    expect((await refusalOf(readLayout(dir, { arch: 's390x' }))).message).to.contain('no image for this machine');
  });

  it('refuses any blob with one flipped bit, one byte more, one less, or none', async () => {
    await write({}, ['base', 'top']);
    const blobs = join(dir, 'blobs', 'sha256');
    for (const name of await readdir(blobs)) {
      const file = join(blobs, name);
      const right = await readFile(file);
      const flipped = Buffer.from(right);
      flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] ?? 0) ^ 4;
      for (const wrong of [flipped, Buffer.concat([right, Buffer.alloc(1)]), right.subarray(0, -1), Buffer.alloc(0)]) {
        await writeFile(file, wrong);
        expect((await refusalOf(readLayout(dir))).code, `${name} ${wrong.length}`).to.equal('IMAGE_INVALID');
      }
      await rm(file);
      expect((await refusalOf(readLayout(dir))).message, name).to.contain('missing');
      await writeFile(file, right);
    }
    await readLayout(dir);
  });

  it('refuses a blob that is a link or a folder', async () => {
    await write();
    const { layers } = await readLayout(dir);
    const file = layers[0]?.file ?? '';
    const right = await readFile(file);
    await rm(file);
    await writeFile(join(folder.path, 'elsewhere'), right);
    await symlink(join(folder.path, 'elsewhere'), file);
    expect((await refusalOf(readLayout(dir))).message).to.contain('not a plain file');
    await rm(file);
    await mkdir(file);
    expect((await refusalOf(readLayout(dir))).message).to.contain('not a plain file');
  });

  const changes: [title: string, change: HandmadeInit, part: string][] = [
    ['a digest that is a path', { changeManifest: withLayer({ digest: 'sha256:../../../etc/passwd' }) }, 'JSON'],
    ['another kind of digest', { changeManifest: withLayer({ digest: `sha512:${'0'.repeat(128)}` }) }, 'JSON'],
    ['a layer type that is not read', { changeManifest: withLayer({ mediaType: 'application/x' }) }, 'not read'],
    ['an encrypted layer', { changeManifest: withLayer({ mediaType: `${tarType()}+encrypted` }) }, 'not read'],
    ['a negative size', { changeManifest: withLayer({ size: -1 }) }, 'JSON'],
    ['a layer of terabytes', { changeManifest: withLayer({ size: 2 ** 42 }) }, 'too large'],
    ['no layers', { changeManifest: (manifest) => ({ ...manifest, layers: [] }) }, 'JSON'],
    [
      'fewer diff ids than layers',
      { changeConfig: (c) => ({ ...c, rootfs: { type: 'layers', diff_ids: [] } }) },
      'number',
    ],
    ['an index without images', { changeIndex: (index) => ({ ...index, manifests: [] }) }, 'JSON'],
    [
      'an index of two images alike',
      { changeIndex: (index) => ({ ...index, manifests: [...index.manifests, ...index.manifests] }) },
      'several images',
    ],
  ];

  for (const [title, change, part] of changes) {
    it(`refuses ${title}`, async () => {
      await write(change);
      const error = await refusalOf(readLayout(dir));
      expect(error.code).to.equal('IMAGE_INVALID');
      expect(error.message).to.contain(part);
    });
  }

  it('refuses more layers than are allowed', async () => {
    await write({}, ['1', '2', '3']);
    const refused = refusalOf(readLayout(dir, { caps: { ...DEFAULT_CAPS, maxLayers: 2 } }));
    expect((await refused).message).to.contain('too many layers');
  });

  for (const [title, file, content] of [
    ['is no JSON', 'index.json', '{'],
    ['is larger than allowed', 'index.json', ' '.repeat(DEFAULT_CAPS.maxJsonBytes + 1)],
    ['is of another layout', 'oci-layout', '{"imageLayoutVersion":"2.0.0"}'],
  ] as const) {
    it(`refuses a ${file} that ${title}`, async () => {
      await write();
      await writeFile(join(dir, file), content);
      expect((await refusalOf(readLayout(dir))).code).to.equal('IMAGE_INVALID');
    });
  }

  it('refuses a folder that is no layout', async () => {
    expect((await refusalOf(readLayout(folder.path))).code).to.equal('IMAGE_INVALID');
  });

  it('finds blobs by digest', () => {
    expect(blobPath('/l', `sha256:${'a'.repeat(64)}`)).to.equal(`/l/blobs/sha256/${'a'.repeat(64)}`);
  });
});

function tarType(): string {
  return 'application/vnd.oci.image.layer.v1.tar';
}

function withLayer(change: Partial<Manifest['layers'][number]>) {
  return (manifest: Manifest) => ({ ...manifest, layers: manifest.layers.map((layer) => ({ ...layer, ...change })) });
}
