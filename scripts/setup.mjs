// Everything between a fresh clone and a program that runs. Plain JavaScript: it runs before anything is installed,
// on any Node from 18 on, and does nothing when nothing has changed.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR = 24;
const OLDEST_NODE_MAJOR = 18;
/** The libraries with native parts ship binaries for these only. */
const ARCHITECTURES = ['x64', 'arm64'];
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error'];
const KEPT_OUTPUT_CHARS = 20_000;

/** A set-up step that failed, with what the reader can do about it. */
class SetupError extends Error {
  constructor(message, remedy) {
    super(message);
    this.remedy = remedy;
  }
}

/** sha256 over names and contents of files and folders (recursively); a missing one counts as empty. */
export function hashOf(root, paths, accepts = () => true) {
  const hash = createHash('sha256');
  const add = (path) => {
    const full = join(root, path);
    if (!existsSync(full)) return;
    if (statSync(full).isDirectory()) {
      for (const name of readdirSync(full).sort()) if (name !== 'node_modules') add(join(path, name));
    } else if (accepts(path)) {
      hash.update(`${path}\0${statSync(full).size}\0`).update(readFileSync(full));
    }
  };
  for (const path of paths) add(path);
  return hash.digest('hex');
}

/** What each step depends on, as hashes. */
export function fingerprints(root) {
  const machine = `${process.platform}-${process.arch}`;
  const contracts = hashOf(root, ['package-lock.json', 'hardhat.config.ts', 'contracts']);
  const sources = ['package-lock.json', 'market', 'arbitrator', 'sdk', 'node', 'scripts'];
  const isSource = (path) => /\.(ts|json|html|css|js)$/.test(path);
  return {
    install: `${machine}-${hashOf(root, ['package.json', 'package-lock.json', 'scripts/stubs', '.npmrc'])}`,
    contracts,
    node: `${contracts}-${hashOf(root, sources, isSource)}`,
  };
}

/** One sentence for what npm or a build printed when it failed. */
export function remedyFor(output) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|network/i.test(output)) {
    return 'The package registry cannot be reached: check the network (or `npm config get registry`, `npm config get proxy`) and try again.';
  }
  if (/ENOSPC/.test(output)) return 'The disk is full: the dependencies need about 1.5 GB.';
  if (/EACCES|EPERM|EROFS/.test(output)) return 'This folder cannot be written: clone into a folder that you own.';
  if (/EUSAGE|package-lock/.test(output)) {
    return 'package.json and package-lock.json disagree: run `npm install` and commit both.';
  }
  return 'The lines above say why.';
}

/** PATH without node_modules/.bin folders: those that `npm run` adds go away while dependencies are installed. */
export function outerPath(path) {
  return path
    .split(delimiter)
    .filter((folder) => !/node_modules[\\/]\.bin[\\/]?$/.test(folder))
    .join(delimiter);
}

function checkMachine() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < OLDEST_NODE_MAJOR) {
    throw new SetupError(
      `Node ${process.versions.node} is too old.`,
      `Install Node ${OLDEST_NODE_MAJOR} or newer; the one that is needed (${NODE_MAJOR}) is then fetched by itself.`,
    );
  }
  if (!ARCHITECTURES.includes(process.arch)) {
    throw new SetupError(
      `A 64-bit machine is needed, and this Node is built for ${process.arch}.`,
      'Use a 64-bit operating system and Node (a Raspberry Pi 3 or newer runs the 64-bit Raspberry Pi OS).',
    );
  }
}

/** Runs a command, keeping its output to itself unless it fails. */
function run(root, command, args, path) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, PATH: path },
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    });
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-KEPT_OUTPUT_CHARS);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => {
      const remedy =
        error.code === 'ENOENT' ? `Install ${command} (it comes with Node) and try again.` : remedyFor(String(error));
      reject(new SetupError(`${command} cannot be started: ${error.message}`, remedy));
    });
    child.on('close', (code) => {
      if (code === 0) return resolve();
      process.stderr.write(`${output.trimEnd()}\n`);
      reject(new SetupError(`\`${[command, ...args].join(' ')}\` failed (exit code ${code}).`, remedyFor(output)));
    });
  });
}

async function install(root) {
  const path = outerPath(process.env.PATH ?? '');
  const found = spawnSync('node', ['--version'], { env: { ...process.env, PATH: path }, encoding: 'utf8' });
  const major = Number(/^v(\d+)/.exec(found.stdout ?? '')?.[1] ?? 0);
  // Older versions of npm and Node skip native packages that the lock file says need a newer Node, without a word.
  if (major >= NODE_MAJOR) await run(root, 'npm', ['ci', ...QUIET], path);
  else await run(root, 'npx', ['-y', '-p', `node@${NODE_MAJOR}`, '-c', `npm ci ${QUIET.join(' ')}`], path);
  const installed = spawnSync(join(root, 'node_modules', '.bin', 'node'), ['--version'], { encoding: 'utf8' });
  if (!installed.stdout?.startsWith(`v${NODE_MAJOR}.`)) {
    throw new SetupError(
      `Node ${NODE_MAJOR} was not installed into node_modules.`,
      'Run `npm config get ignore-scripts`: it must be false, because the node package fetches its binary in a script.',
    );
  }
}

function steps(root) {
  const inside = `${join(root, 'node_modules', '.bin')}${delimiter}${outerPath(process.env.PATH ?? '')}`;
  return [
    {
      name: 'install',
      says: 'installing Node 24 and dependencies',
      output: 'node_modules/.bin/node',
      perform: () => install(root),
    },
    {
      name: 'contracts',
      says: 'compiling contracts',
      output: 'artifacts/contracts',
      perform: () => run(root, 'hardhat', ['build', '--quiet', '--no-tests'], inside),
    },
    {
      name: 'node',
      says: 'bundling the program',
      output: 'dist/eaas.js',
      perform: () => run(root, 'node', ['scripts/build.ts'], inside),
    },
  ];
}

/** Performs the steps whose inputs changed since their stamp; a stamp is written after each step. */
export async function setUp(root, { plan = steps(root), say = (line) => process.stderr.write(`${line}\n`) } = {}) {
  const stampFile = join(root, 'node_modules', '.eaas-setup');
  let stamp = {};
  try {
    stamp = JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    // No stamp, or one cut short: every step is due.
  }
  const wanted = fingerprints(root);
  for (const { name, says, output, perform } of plan) {
    if (stamp[name] === wanted[name] && existsSync(join(root, output))) continue;
    const startedAt = process.hrtime.bigint();
    say(`setup: ${says} …`);
    rmSync(stampFile, { force: true });
    await perform();
    stamp = { ...stamp, [name]: wanted[name] };
    mkdirSync(dirname(stampFile), { recursive: true });
    writeFileSync(stampFile, JSON.stringify(stamp));
    say(`setup: ${says} took ${(Number(process.hrtime.bigint() - startedAt) / 1e9).toFixed(1)} s`);
  }
}

async function main() {
  try {
    checkMachine();
    await setUp(join(dirname(fileURLToPath(import.meta.url)), '..'));
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`setup: ${error.message}\n       ${error.remedy}\n`);
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
