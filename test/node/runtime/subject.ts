import { randomBytes } from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ContainerSpec, Runtime } from '../../../node/ports.ts';
import type { LocalRuntime } from '../../../node/runtime/local-runtime.ts';
import { temporaryFolder } from './test-image.ts';

export const MIB = 1024 * 1024;
export const LABEL = 'eaas.test.run';

/** A runtime under test. */
export interface Subject<R extends Runtime = Runtime> {
  runtime: R;
  /** The same images and containers, as a node sees them after a restart. */
  reopen(): R;
  layoutDir: string;
  digest: string;
  /** Specs made here carry the label, and are removed at the end. */
  spec(change?: Partial<ContainerSpec>): ContainerSpec;
  socketsDir: string;
  close(): Promise<void>;
}

export type RealSubject = Subject<LocalRuntime>;

export interface SubjectInit<R extends Runtime> {
  open(dataDir: string): R;
  /** The image that specs name; taken in at once. */
  image(dataDir: string): Promise<{ layoutDir: string }>;
}

export async function openSubject<R extends Runtime>(init: SubjectInit<R>): Promise<Subject<R>> {
  const folder = await temporaryFolder();
  const runtime = init.open(folder.path);
  const { layoutDir } = await init.image(folder.path);
  const { digest } = await runtime.importImage(layoutDir);
  const socketsDir = join(folder.path, 's');
  await mkdir(socketsDir);
  await chmod(socketsDir, 0o711);
  const run = randomBytes(4).toString('hex');
  let made = 0;
  const spec = (change: Partial<ContainerSpec> = {}): ContainerSpec => ({
    name: `eaas-test-${run}-${++made}`,
    imageDigest: digest,
    command: null,
    environment: {},
    cpuMillis: 1000,
    memoryBytes: 256 * MIB,
    pids: 64,
    socketsDir,
    ...change,
    labels: { [LABEL]: run, ...change.labels },
  });
  const close = async () => {
    for (const { id } of await runtime.list(LABEL, run)) await runtime.remove(id);
    await folder.remove();
  };
  return { runtime, reopen: () => init.open(folder.path), layoutDir, digest, spec, socketsDir, close };
}

/** Runs code with the image's Node. */
export function nodeCommand(code: string): string[] {
  return ['/bin/node', '-e', code];
}

/** What a container writes into a socket of its folder, once it has closed it. */
export async function receive(socketsDir: string, socket: string, act: () => Promise<unknown>): Promise<string> {
  let server: Server | undefined;
  const received = new Promise<string>((resolve, reject) => {
    server = createServer((connection) => text(connection).then(resolve, reject));
    server.on('error', reject);
  });
  await new Promise<void>((resolve) => {
    server?.listen({ path: join(socketsDir, socket), readableAll: true, writableAll: true }, resolve);
  });
  try {
    await act();
    return await received;
  } finally {
    server?.close();
  }
}

/** Sends what `value` evaluates to, as JSON, into a socket of the container's folder, and goes on living. */
export function sendCode(socket: string, value: string): string {
  return `
    const { connect } = require('node:net');
    const send = (value) => connect(process.env.EAAS_SOCKETS_DIR + '/${socket}').end(JSON.stringify(value));
    Promise.resolve(${value}).then(send);
    setInterval(() => {}, 1000);
  `;
}
