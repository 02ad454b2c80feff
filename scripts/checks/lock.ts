import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Problem } from './source-rules.ts';

interface LockedPackage {
  version?: string;
  optionalDependencies?: Record<string, string>;
}

const FILE = 'package-lock.json';

/**
 * Packages for other platforms that the lock file forgets. `npm install` leaves out those that the registry at hand does
 * not have, and `npm ci` then refuses the lock file everywhere.
 */
export function lockProblems(root: string): Problem[] {
  if (!existsSync(join(root, FILE))) return [];
  const { packages } = JSON.parse(readFileSync(join(root, FILE), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !foldersAbove(path).some((folder) => `${folder}node_modules/${name}` in packages))
      .map((name) => ({ file: FILE, line: 1, rule: 'lock', message: `${name} (of ${path}) is missing` })),
  );
}

/** Where Node looks for what a package needs: inside it, then beside it, up to the top. */
function foldersAbove(path: string): string[] {
  const folders = [''];
  const parts = path === '' ? [] : path.split('node_modules/').slice(1);
  for (const part of parts) folders.unshift(`${folders[0]}node_modules/${part.replace(/\/?$/, '/')}`);
  return folders;
}
