import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { readLayout } from '../../../node/oci/layout.ts';
import { deviceImage, parseLdd } from '../../../scripts/image/device-image.ts';

describe('parseLdd', () => {
  for (const [title, output, expected] of [
    [
      'x64',
      '\tlinux-vdso.so.1 (0x00007ffd)\n\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n',
      ['/lib/x86_64-linux-gnu/libm.so.6', '/lib64/ld-linux-x86-64.so.2'],
    ],
    [
      'arm64',
      '\tlinux-vdso.so.1 (0x0000ffff)\n\tlibc.so.6 => /lib/aarch64-linux-gnu/libc.so.6 (0x0000ffff)\n\t/lib/ld-linux-aarch64.so.1 (0x0000ffff)\n',
      ['/lib/aarch64-linux-gnu/libc.so.6', '/lib/ld-linux-aarch64.so.1'],
    ],
    ['a library twice', '\ta => /lib/a (0x1)\n\tb => /lib/a (0x2)\n', ['/lib/a']],
    ['a static program', '\tnot a dynamic executable\n', []],
  ] as const) {
    it(`reads the libraries of ${title}`, () => {
      expect(parseLdd(output)).to.deep.equal(expected);
    });
  }
});

describe('deviceImage', function () {
  this.timeout(30_000);
  let folder: string;
  let program: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'eaas-image-'));
    // Stands in for Node: as linked as Node is, and a thousandth of its size.
    program = (await promisify(execFile)('sh', ['-c', 'command -v env'])).stdout.trim();
  });

  after(() => rm(folder, { recursive: true, force: true }));

  const make = async (code: string, name = 'service.ts') => {
    const servicePath = join(folder, name);
    await writeFile(servicePath, code);
    return deviceImage({ servicePath, cacheDir: join(folder, 'images'), nodePath: program });
  };

  it('bundles the service on top of the program and its libraries', async () => {
    const image = await make(
      "import { join } from 'node:path';\nconst path: string = join('a', 'b');\nconsole.log(path);\n",
    );
    const layout = await readLayout(image.layoutDir);
    expect(layout.manifestDigest).to.equal(image.digest);
    expect(layout.config.config?.Entrypoint).to.deep.equal(['/bin/node', '/app/service.mjs']);
    expect(layout.layers).to.have.lengthOf(2);
    expect(layout.layers[1]?.storedBytes).to.be.lessThan(2000);
  });

  it('is assembled once for the same inputs, and anew for others', async () => {
    const first = await make('console.log(1);\n');
    const again = await make('console.log(1);\n');
    expect(again).to.deep.equal({ ...first, reused: true });
    const other = await make('console.log(2);\n');
    expect(other.reused).to.equal(false);
    expect(other.digest).to.not.equal(first.digest);
    const base = async (dir: string) => (await readLayout(dir)).layers[0]?.digest;
    expect(await base(other.layoutDir), 'the base layer is shared').to.equal(await base(first.layoutDir));
  });

  it('assembles again what was left unfinished', async () => {
    const first = await make('console.log(3);\n');
    await rm(`${first.layoutDir}.json`);
    const again = await make('console.log(3);\n');
    expect(again).to.deep.equal({ ...first, reused: false });
    expect((await readdir(join(folder, 'images'))).filter((name) => /\.[A-Za-z0-9]{6}$/.test(name))).to.deep.equal([]);
  });

  it('takes a service that is bundled already as it is', async () => {
    const image = await make('console.log(4)', 'service.mjs');
    expect((await readLayout(image.layoutDir)).layers).to.have.lengthOf(2);
  });
});
