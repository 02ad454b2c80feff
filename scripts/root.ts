import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EdgeError } from '../market/errors.ts';

/** The project's folder, found from this file: it runs from scripts/ and, bundled, from dist/. */
export function projectRoot(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'hardhat.config.ts'))) return folder;
    if (folder === dirname(folder)) {
      throw new EdgeError('PROJECT_NOT_FOUND', 'this command works in a checkout of the project only', {
        context: { from: import.meta.dirname },
        remedy: 'clone the repository and run it there',
      });
    }
  }
}

/** A program that `npm run build` left in dist/. */
export function builtProgram(name: 'eaas' | 'local-node' | 'motes' | 'device-service' | 'breaching-provider'): string {
  const file = join(projectRoot(), 'dist', `${name}.js`);
  if (existsSync(file)) return file;
  throw new EdgeError('NOT_BUILT', `${file} is not there`, { context: { file }, remedy: 'build it: npm run build' });
}
