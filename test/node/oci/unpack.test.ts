import { lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { DEFAULT_CAPS, type ImageCaps } from '../../../node/oci/caps.ts';
import { readLayout } from '../../../node/oci/layout.ts';
import { unpackLayers } from '../../../node/oci/unpack.ts';
import { type Entry, type HandmadeInit, refusalOf, tarOf, temporaryFolder, writeLayout } from './handmade.ts';

const MIB = 1024 * 1024;

describe('unpackLayers', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let root: string;
  /** Beside the root: nothing may touch it. */
  let outside: string;

  beforeEach(async () => {
    folder = await temporaryFolder();
    root = join(folder.path, 'root');
    outside = join(folder.path, 'outside');
    await mkdir(root);
    await mkdir(outside);
    await writeFile(join(outside, 'file'), 'untouched');
  });

  afterEach(() => folder.remove());

  async function unpackTars(tars: Buffer[], init: HandmadeInit = {}, caps: Partial<ImageCaps> = {}) {
    const layoutDir = join(folder.path, 'layout');
    await writeLayout(layoutDir, tars, init);
    return unpackLayers(await readLayout(layoutDir), root, { caps: { ...DEFAULT_CAPS, ...caps } });
  }

  const unpack = async (...layers: Entry[][]) => unpackTars(await Promise.all(layers.map(tarOf)));

  const contentOf = (path: string) => readFile(join(root, path), 'utf8');

  for (const compression of ['none', 'gzip', 'zstd'] as const) {
    it(`unpacks ${compression} layers: files, folders, links`, async () => {
      const entries: Entry[] = [
        { name: './', type: 'directory' },
        { name: 'bin/', type: 'directory', mode: 0o700 },
        { name: 'bin/tool', content: 'tool', mode: 0o4711 },
        { name: '/etc/deep/er/conf', content: 'conf', mode: 0o600 },
        { name: 'bin/again', type: 'link', linkname: 'bin/tool' },
        { name: 'sbin', type: 'symlink', linkname: '/bin' },
        { name: `${'long/'.repeat(30)}name`, content: 'long' },
      ];
      const unpacked = await unpackTars([await tarOf(entries)], { compression });
      expect(unpacked.entries).to.equal(7);
      expect(await contentOf('bin/again')).to.equal('tool');
      expect(await contentOf('etc/deep/er/conf')).to.equal('conf');
      expect(await contentOf(`${'long/'.repeat(30)}name`)).to.equal('long');
      expect(await readlink(join(root, 'sbin'))).to.equal('/bin');
      const mode = async (path: string) => (await lstat(join(root, path))).mode & 0o7777;
      expect(await mode('bin/tool'), 'set-id bit dropped').to.equal(0o755);
      expect(await mode('etc/deep/er/conf'), 'readable by the container').to.equal(0o644);
      expect(await mode('bin')).to.equal(0o755);
    });
  }

  it('lets later layers replace, hide and empty what earlier ones had', async () => {
    await unpack(
      [
        { name: 'a/kept', content: '1' },
        { name: 'a/hidden', content: '1' },
        { name: 'b/c/old', content: '1' },
        { name: 'b/old', content: '1' },
        { name: 'link', type: 'symlink', linkname: 'a' },
        { name: 'tree/x', content: '1' },
      ],
      [
        { name: 'a/.wh.hidden', content: '' },
        { name: 'a/.wh.never-there', content: '' },
        { name: 'b/c/new', content: '2' },
        { name: 'b/.wh..wh..opq', content: '' },
        { name: 'link/', type: 'directory' },
        { name: 'link/inside', content: '2' },
        { name: 'tree', content: 'now a file' },
      ],
    );
    expect((await readdir(root)).sort()).to.deep.equal(['a', 'b', 'link', 'tree']);
    expect(await readdir(join(root, 'a'))).to.deep.equal(['kept']);
    expect(await readdir(join(root, 'b'))).to.deep.equal(['c']);
    expect(await readdir(join(root, 'b/c'))).to.deep.equal(['new']);
    expect(await contentOf('link/inside')).to.equal('2');
    expect(await contentOf('tree')).to.equal('now a file');
  });

  it('does not write into a file that has a second name', async () => {
    await unpack(
      [
        { name: 'one', content: 'first' },
        { name: 'two', type: 'link', linkname: 'one' },
      ],
      [{ name: 'two', content: 'second' }],
    );
    expect(await contentOf('one')).to.equal('first');
  });

  it('wants an empty folder', async () => {
    await writeFile(join(root, 'something'), '');
    expect((await refusalOf(unpack([]))).message).to.contain('not empty');
  });

  describe('hostile archives', () => {
    const up = '../outside';
    const hostile: [title: string, layers: Entry[][]][] = [
      ['a file above the root', [[{ name: `${up}/file`, content: 'x' }]]],
      ['a file above the root by a detour', [[{ name: `a/b/../../${up}/file`, content: 'x' }]]],
      ['an absolute path that climbs', [[{ name: `/../${up}/file`, content: 'x' }]]],
      ['a folder above the root', [[{ name: `${up}/new/`, type: 'directory' }]]],
      ['a link above the root', [[{ name: `${up}/link`, type: 'symlink', linkname: '/' }]]],
      [
        'a file through a link to an absolute path',
        [
          [
            { name: 'l', type: 'symlink', linkname: 'OUTSIDE' },
            { name: 'l/file', content: 'x' },
          ],
        ],
      ],
      [
        'a file through a relative link',
        [
          [
            { name: 'l', type: 'symlink', linkname: up },
            { name: 'l/file', content: 'x' },
          ],
        ],
      ],
      [
        'a file through a link of an earlier layer',
        [[{ name: 'l', type: 'symlink', linkname: up }], [{ name: 'l/file', content: 'x' }]],
      ],
      [
        'a file through two links',
        [
          [
            { name: 'a', type: 'symlink', linkname: '..' },
            { name: 'b', type: 'symlink', linkname: 'a/outside' },
            { name: 'b/file', content: 'x' },
          ],
        ],
      ],
      [
        'a folder through a link',
        [
          [
            { name: 'l', type: 'symlink', linkname: up },
            { name: 'l/new/', type: 'directory' },
          ],
        ],
      ],
      ['a hard link to a file above the root', [[{ name: 'h', type: 'link', linkname: `${up}/file` }]]],
      ['a hard link to a file of the machine', [[{ name: 'h', type: 'link', linkname: '/etc/passwd' }]]],
      [
        'a hard link through a link',
        [
          [
            { name: 'l', type: 'symlink', linkname: up },
            { name: 'h', type: 'link', linkname: 'l/file' },
          ],
        ],
      ],
      [
        'a hard link to a link',
        [
          [
            { name: 'l', type: 'symlink', linkname: `${up}/file` },
            { name: 'h', type: 'link', linkname: 'l' },
          ],
        ],
      ],
      ['a hard link to a folder', [[{ name: 'd/x', content: '' }], [{ name: 'h', type: 'link', linkname: 'd' }]]],
      ['a block device', [[{ name: 'sda', type: 'block-device' }]]],
      ['a character device', [[{ name: 'mem', type: 'character-device' }]]],
      ['a fifo', [[{ name: 'pipe', type: 'fifo' }]]],
      ['a whiteout of the folder above', [[{ name: '.wh...', content: '' }]]],
      ['a whiteout of the folder itself', [[{ name: 'a/.wh..', content: '' }]]],
      ['a whiteout of nothing', [[{ name: '.wh.', content: '' }]]],
      [
        'a whiteout through a link',
        [[{ name: 'l', type: 'symlink', linkname: up }], [{ name: 'l/.wh.file', content: '' }]],
      ],
      [
        'an emptied folder through a link',
        [[{ name: 'd/l', type: 'symlink', linkname: `../${up}` }], [{ name: 'd/l/x/.wh..wh..opq', content: '' }]],
      ],
      ['a path through a file', [[{ name: 'f', content: '' }], [{ name: 'f/x', content: '' }]]],
      ['a file in the place of the root', [[{ name: './', content: 'x' }]]],
      ['a name of 300 bytes', [[{ name: 'n'.repeat(300), content: '' }]]],
      ['a path of 5000 bytes', [[{ name: 'n/'.repeat(2500), content: '' }]]],
      ['65 folders in each other', [[{ name: 'n/'.repeat(65), type: 'directory' }]]],
      ['a link without a target', [[{ name: 'l', type: 'symlink', linkname: '' }]]],
    ];

    for (const [title, layers] of hostile) {
      it(`refuses ${title}`, async () => {
        const tars = await Promise.all(
          layers.map((entries) =>
            tarOf(entries.map((entry) => (entry.linkname === 'OUTSIDE' ? { ...entry, linkname: outside } : entry))),
          ),
        );
        const error = await refusalOf(unpackTars(tars));
        expect(error.code, error.message).to.equal('IMAGE_INVALID');
        expect(await readdir(outside)).to.deep.equal(['file']);
        expect(await readFile(join(outside, 'file'), 'utf8')).to.equal('untouched');
        expect((await readdir(folder.path)).sort()).to.deep.equal(['layout', 'outside', 'root']);
      });
    }

    it('empties a folder without following the links in it', async () => {
      await unpack(
        [{ name: 'd/l', type: 'symlink', linkname: '../../outside' }],
        [{ name: 'd/.wh..wh..opq', content: '' }],
      );
      expect(await readdir(join(root, 'd'))).to.deep.equal([]);
      expect(await readdir(outside)).to.deep.equal(['file']);
    });

    it('replaces a link by a file without following it', async () => {
      await unpack([{ name: 'l', type: 'symlink', linkname: '../outside/file' }], [{ name: 'l', content: 'mine' }]);
      expect(await contentOf('l')).to.equal('mine');
      expect(await readFile(join(outside, 'file'), 'utf8')).to.equal('untouched');
    });

    it('refuses a tar that stops in the middle of a file', async () => {
      const tar = await tarOf([{ name: 'f', content: 'x'.repeat(2000) }]);
      expect((await refusalOf(unpackTars([tar.subarray(0, 1024)]))).code).to.equal('IMAGE_INVALID');
    });

    it('refuses a tar of noise', async () => {
      expect((await refusalOf(unpackTars([Buffer.alloc(4096, 0x5a)]))).code).to.equal('IMAGE_INVALID');
    });

    it('refuses a header that announces gigabytes of name', async () => {
      const tar = await tarOf([{ name: 'a'.repeat(200), content: 'x' }]);
      // The extended header comes first; its size field lies at 124. The checksum must follow.
      tar.write('77777777777 ', 124);
      tar.write('        ', 148);
      const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
      tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
      expect((await refusalOf(unpackTars([tar]))).code).to.equal('IMAGE_INVALID');
    });

    for (const compression of ['gzip', 'zstd'] as const) {
      it(`refuses a ${compression} bomb long before it is unpacked`, async () => {
        const tar = await tarOf([{ name: 'zeros', content: Buffer.alloc(64 * MIB) }]);
        const error = await refusalOf(unpackTars([tar], { compression }, { ratioFreeBytes: 4 * MIB }));
        expect(error.message).to.contain('expands too much');
        expect((await lstat(join(root, 'zeros'))).size).to.be.lessThan(8 * MIB);
      });
    }

    it('refuses more entries than are allowed', async () => {
      const tar = await tarOf(Array.from({ length: 11 }, (_, i) => ({ name: `f${i}`, content: '' })));
      expect((await refusalOf(unpackTars([tar], {}, { maxEntries: 10 }))).message).to.contain('too many entries');
    });

    it('counts the bytes of all layers together', async () => {
      const tars = await Promise.all(['a', 'b'].map((name) => tarOf([{ name, content: Buffer.alloc(MIB, name) }])));
      const error = await refusalOf(unpackTars(tars, {}, { maxUnpackedBytes: 1.5 * MIB }));
      expect(error.message).to.contain('too many bytes');
    });

    it('refuses a layer that is not the one of the config', async () => {
      const tar = await tarOf([{ name: 'f', content: 'x' }]);
      const changeConfig = (config: object) => ({
        ...config,
        rootfs: { type: 'layers', diff_ids: [`sha256:${'0'.repeat(64)}`] },
      });
      expect((await refusalOf(unpackTars([tar], { changeConfig }))).message).to.contain('diff id');
    });
  });

  it('stops when it is told to', async () => {
    const layoutDir = join(folder.path, 'layout');
    await writeLayout(layoutDir, [await tarOf([{ name: 'f', content: Buffer.alloc(8 * MIB) }])]);
    const reason = new Error('shutting down');
    const unpacking = unpackLayers(await readLayout(layoutDir), root, { signal: AbortSignal.abort(reason) });
    expect(await refusalOf(unpacking)).to.equal(reason);
  });

  it('does not trust a folder that a link stands for', async () => {
    await symlink(outside, join(root, 'planted'));
    expect((await refusalOf(unpack([{ name: 'planted/x', content: '' }]))).message).to.contain('not empty');
  });
});
