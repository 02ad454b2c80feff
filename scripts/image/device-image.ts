import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type AssembledImage, assembleImage, type ImageFile } from '../../node/oci/assemble.ts';
import { sha256File } from '../../node/oci/layout.ts';

/** Raised when this file builds another image from the same inputs. */
const RECIPE = 1;

export interface DeviceImageInit {
  /** The service to run: a bundled `.mjs`/`.js`, or a `.ts` that is bundled here. */
  servicePath: string;
  /** Images are kept here and found again by a hash of their inputs. */
  cacheDir: string;
  /** The Node binary to put in; the running one by default. */
  nodePath?: string;
}

export interface DeviceImage extends AssembledImage {
  /** True when an earlier run had assembled it. */
  reused: boolean;
}

/**
 * The demo's image: Node, the libraries it is linked with, and the device service. Assembled from this machine's files,
 * so it needs no registry. Node and its libraries are the base layer; the service is a layer of a few kilobytes.
 */
export async function deviceImage(init: DeviceImageInit): Promise<DeviceImage> {
  const nodePath = await realpath(init.nodePath ?? process.execPath);
  const service = await serviceCode(init.servicePath);
  const base = await baseFiles(nodePath);
  const key = await inputsHash(base, service);
  const layoutDir = join(init.cacheDir, `device-${key}`);
  const known = await readFile(`${layoutDir}.json`, 'utf8').then(JSON.parse, () => null);
  if (known !== null) return { ...known, layoutDir, reused: true };
  const image = await assembleImage({
    files: [...base, ...accountFiles(), { path: '/app/service.mjs', content: service, layer: 1 }],
    entrypoint: ['/bin/node', '/app/service.mjs'],
    env: { PATH: '/bin', NODE_ENV: 'production' },
    workingDir: '/app',
    outDir: layoutDir,
  });
  // Written last: a run that is killed leaves no image that looks complete.
  await writeFile(`${layoutDir}.json`, JSON.stringify({ digest: image.digest, bytes: image.bytes }));
  return { ...image, reused: false };
}

async function serviceCode(servicePath: string): Promise<Uint8Array> {
  if (!servicePath.endsWith('.ts')) return readFile(servicePath);
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [servicePath],
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    write: false,
    logLevel: 'silent',
    // CommonJS packages inside the bundle ask for Node's own modules with `require`.
    banner: { js: "import{createRequire as __require}from'node:module';const require=__require(import.meta.url);" },
  });
  const [bundle] = outputFiles;
  if (!bundle) throw new Error(`esbuild made nothing of ${servicePath}`);
  return bundle.contents;
}

async function baseFiles(nodePath: string): Promise<ImageFile[]> {
  const libraries = process.platform === 'linux' ? await linkedLibraries(nodePath) : [];
  return [
    { path: '/bin/node', source: nodePath, mode: 0o755 },
    ...libraries.map((path) => ({ path, source: path, mode: 0o755 })),
  ];
}

/** Paths of the shared libraries and the loader, as the program looks for them. */
async function linkedLibraries(program: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ldd', [program]).catch((error) => {
    if (/not a dynamic executable|statically linked/.test(`${error.stdout}${error.stderr}`)) return { stdout: '' };
    throw error;
  });
  return parseLdd(stdout);
}

/** Reads `name => /path (0x…)` and `/path (0x…)`; the kernel's own vdso has no path. */
export function parseLdd(output: string): string[] {
  const paths = output.split('\n').map((line) => /(?:^|=>)\s*(\/\S+) \(0x[0-9a-f]+\)\s*$/.exec(line)?.[1]);
  return [...new Set(paths.filter((path) => path !== undefined))].sort();
}

function accountFiles(): ImageFile[] {
  return [
    { path: '/etc/passwd', content: 'nobody:x:65534:65534:nobody:/:/bin/false\n' },
    { path: '/etc/group', content: 'nogroup:x:65534:\n' },
  ];
}

async function inputsHash(base: ImageFile[], service: Uint8Array): Promise<string> {
  const hash = createHash('sha256').update(`${RECIPE} ${process.arch} ${process.version}\n`);
  for (const file of base) hash.update(`${file.path} ${file.source ? await sha256File(file.source) : ''}\n`);
  return hash.update(service).digest('hex').slice(0, 24);
}
