/**
 * What a provider costs its device: memory of an idle node, time to start, size of what is installed.
 *
 *   node scripts/bench/footprint.ts [--idle 30s] [--json]
 *
 * Progress goes to standard error, the report to standard output. Fails when a goal is missed.
 */
import { execFile } from 'node:child_process';
import { cp, glob, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { EdgeError } from '../../market/errors.ts';
import { formatBytes, parseDurationMs } from '../../market/units.ts';
import { systemClock } from '../../node/clock.ts';
import { planOf } from '../devnet/devnet.ts';
import { startNetwork } from '../devnet/network.ts';
import { projectRoot } from '../root.ts';

const MB = 1_000_000;
const GOALS = { idleRssBytes: 150 * MB, dependenciesBytes: 200 * MB };
const NPM_TIMEOUT_MS = 180_000;
const PROVIDER = 'node-2';

export interface Footprint {
  /** Resident memory of a provider that hears the market and has no agreement. */
  idleRssBytes: number;
  /** From the start of the process until its API answers. */
  startMs: number;
  /** Installed production dependencies, without the Node binary. */
  dependenciesBytes: number;
  /** Everything in dist/ that is not a source map. */
  bundleBytes: number;
}

/** Resident memory as Linux tells it; elsewhere the node's own word. */
async function residentBytes(pid: number | undefined, ownWord: () => Promise<number>): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
  return kib === undefined ? ownWord() : Number(kib) * 1024;
}

async function measureNode(idleMs: number, say: (text: string) => void) {
  const folder = await mkdtemp(join(tmpdir(), 'eaas-footprint-'));
  const network = await startNetwork({
    folder,
    resumable: false,
    runtime: 'auto',
    heartbeatIntervalMs: 1_000,
    edges: [planOf(0, 2), planOf(1, 2)],
    say,
  });
  try {
    for (const { api } of network.followed.values())
      await api.post('/v1/deposit', { amountWei: '1000000000000000000' });
    network.followed.get(PROVIDER)?.stop();
    await network.programs.get(PROVIDER)?.stop();
    const startedAt = performance.now();
    const provider = await network.startEdge(PROVIDER);
    const startMs = Math.round(performance.now() - startedAt);
    say(`started in ${startMs} ms; idle for ${idleMs / 1000} s`);
    await systemClock().sleep(idleMs);
    const ownWord = async () => ((await provider.api.get('/v1/status')) as { memoryBytes: number }).memoryBytes;
    return { startMs, idleRssBytes: await residentBytes(network.programs.get(PROVIDER)?.child.pid, ownWord) };
  } finally {
    await network.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function sizeOf(folder: string, isCounted: (file: string) => boolean): Promise<number> {
  let bytes = 0;
  for await (const entry of glob('**/*', { cwd: folder, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    // Disk blocks, as `du` counts them: many small files take more than their content.
    if (entry.isFile() && isCounted(file)) bytes += (await stat(file)).blocks * 512;
  }
  return bytes;
}

/** Installs the production dependencies into a folder of their own, as a device would. */
async function measureDependencies(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'eaas-deps-'));
  const root = projectRoot();
  try {
    for (const name of ['package.json', 'package-lock.json', 'scripts/stubs']) {
      await cp(join(root, name), join(folder, name), { recursive: true });
    }
    const args = ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
    await promisify(execFile)('npm', args, { cwd: folder, timeout: NPM_TIMEOUT_MS });
    return await sizeOf(join(folder, 'node_modules'), () => true);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { idle: { type: 'string', default: '30s' }, json: { type: 'boolean', default: false } },
  });
  const idleMs = parseDurationMs(values.idle);
  if (idleMs === null) throw new EdgeError('USAGE', `--idle takes a duration such as 30s, not "${values.idle}"`);
  const say = (text: string): void => console.error(text);
  const node = await measureNode(idleMs, say);
  say('installing production dependencies');
  const dependenciesBytes = await measureDependencies();
  const bundleBytes = await sizeOf(join(projectRoot(), 'dist'), (file) => !file.endsWith('.map'));
  const footprint: Footprint = { ...node, dependenciesBytes, bundleBytes };
  const missed = Object.entries(GOALS).filter(([name, goal]) => footprint[name as keyof Footprint] > goal);
  if (values.json) console.log(JSON.stringify({ ok: missed.length === 0, ...footprint, goals: GOALS }));
  else for (const line of toText(footprint)) console.log(line);
  for (const [name, goal] of missed) say(`${name} is above the goal of ${formatBytes(goal)}`);
  if (missed.length > 0) process.exitCode = 1;
}

function toText({ idleRssBytes, startMs, dependenciesBytes, bundleBytes }: Footprint): string[] {
  return [
    `idle provider  ${formatBytes(idleRssBytes)} resident`,
    `start          ${startMs} ms until its API answers`,
    `dependencies   ${formatBytes(dependenciesBytes)} installed, without Node`,
    `bundle         ${formatBytes(bundleBytes)}`,
  ];
}

if (import.meta.main) await main();
