/** Bundles the program into dist/: it starts faster and needs less memory than the sources with their dependencies. */
import { chmod, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const out = join(root, 'dist');
/** Built beside dist/ and moved there whole: a failed build leaves the old one. */
const next = join(root, 'dist.next');

/** CommonJS packages inside an ES module bundle still look for these. */
const banner = [
  `import { createRequire as eaasCreateRequire } from 'node:module';`,
  `const require = eaasCreateRequire(import.meta.url);`,
  `const __filename = import.meta.filename;`,
  `const __dirname = import.meta.dirname;`,
].join('\n');

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: true,
  sourcesContent: false,
  legalComments: 'none',
  logLevel: 'warning',
  banner: { js: banner },
  // Native parts: the first is needed and stays in node_modules, the others are optional accelerators.
  external: ['classic-level', 'cpu-features', '*.node'],
} satisfies BuildOptions;

/** The program in chunks, so that a command loads what it needs; nodes of local networks differ in a few parts. */
const programs = {
  eaas: 'scripts/eaas.ts',
  'local-node': 'scripts/devnet/local-node.ts',
  'breaching-provider': 'scripts/demo/breaching-provider.ts',
};
/** One file each: the first goes into an image, where nothing else is. */
const singles = { 'device-service': 'scripts/demo/device-service.ts', motes: 'scripts/demo/motes.ts' };

await rm(next, { recursive: true, force: true });
await build({ ...common, entryPoints: programs, outdir: next, splitting: true });
await build({ ...common, entryPoints: singles, outdir: next, sourcemap: false });
for (const name of Object.keys({ ...programs, ...singles })) await chmod(join(next, `${name}.js`), 0o755);
await rm(out, { recursive: true, force: true });
await rename(next, out);
