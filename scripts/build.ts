/** Bundles the program into dist/: it starts faster and needs less memory than the sources with their dependencies. */
import { existsSync } from 'node:fs';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
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

/** The program in chunks (a command loads what it needs), and the demo's workload as one file that goes into an image. */
const bundles = [
  { name: 'eaas', entry: 'scripts/eaas.ts', options: { splitting: true } },
  { name: 'motes', entry: 'scripts/demo/motes.ts', options: { sourcemap: false } },
  { name: 'breaching-provider', entry: 'scripts/demo/breaching-provider.ts', options: { splitting: true } },
  { name: 'device-service', entry: 'scripts/demo/device-service.ts', options: { sourcemap: false } },
] as const;

await rm(next, { recursive: true, force: true });
await mkdir(next);
for (const { name, entry, options } of bundles) {
  if (!existsSync(join(root, entry))) {
    console.error(`build: ${entry} is not there, dist/${name}.js is left out`);
    continue;
  }
  await build({ ...common, entryPoints: { [name]: entry }, outdir: next, ...options });
  await chmod(join(next, `${name}.js`), 0o755);
}
await rm(out, { recursive: true, force: true });
await rename(next, out);
