import { lstat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ContainerSpec } from '../ports.ts';
import type { StoredContainer } from './container-folder.ts';
import { processOf } from './container-spec.ts';
import type { StoredImage } from './image-store.ts';
import { SOCKETS_VARIABLE } from './local-runtime.ts';
import { type TreeUsage, treeUsage } from './proc.ts';
import { type Launcher, type SupervisedInit, SupervisedRuntime } from './supervised.ts';
import { WRITE_PID } from './supervisor-script.ts';

const PROCESS_SCRIPT = `
set -eu
dir=$1
shift
${WRITE_PID}
exec "$@"
`;

/** To be printed wherever this runtime is used. */
export const NOT_ISOLATED =
  'NOT ISOLATED: the workload is an ordinary process of this user, with its files, its network and no limits. Demo only.';

/**
 * For the demo on machines that can do nothing better: the image's program as a plain process, on the machine's own C
 * library. Never for a stranger's workload.
 */
export function processRuntime(init: SupervisedInit): SupervisedRuntime {
  return new SupervisedRuntime(new ProcessLauncher(), init);
}

class ProcessLauncher implements Launcher {
  readonly name = 'process';
  readonly warnings = [NOT_ISOLATED];

  async check(): Promise<void> {
    // A shell and a folder are all it needs, and whatever has Node has those.
  }

  accept(spec: ContainerSpec, image: StoredImage): void {
    processOf(spec, image.config);
  }

  async prepare({ dir, spec }: StoredContainer, { rootfs, config }: StoredImage): Promise<string[]> {
    const { argv, environment } = processOf(spec, config);
    const [program = '', ...args] = await Promise.all(argv.map((word) => inRootfs(word, rootfs)));
    const variables = {
      ...environment,
      PATH: process.env.PATH ?? '/usr/bin:/bin',
      [SOCKETS_VARIABLE]: spec.socketsDir,
    };
    const assignments = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    const command = ['env', '-i', ...assignments, runnable(program), ...args];
    return ['/bin/sh', '-c', PROCESS_SCRIPT, 'eaas-process', dir, ...command];
  }

  usage(_container: StoredContainer, pid: number): Promise<TreeUsage> {
    return treeUsage(pid);
  }

  async cleanUp(): Promise<void> {
    // Nothing is made outside the container's folder.
  }
}

/** An absolute path means the image's file, where the image has one. */
async function inRootfs(word: string, rootfs: string): Promise<string> {
  if (!word.startsWith('/')) return word;
  const path = join(rootfs, word);
  return (await lstat(path).catch(() => null)) ? path : word;
}

/** An image holds Linux programs; elsewhere the Node that runs us stands in for the image's. */
function runnable(program: string): string {
  return process.platform !== 'linux' && basename(program) === 'node' ? process.execPath : program;
}
