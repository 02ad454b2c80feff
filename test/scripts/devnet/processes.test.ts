import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { freePort, orAborted, samePort, startProgram, until } from '../../../scripts/devnet/processes.ts';

describe('processes of a local network', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'eaas-processes-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const node = (name: string, code: string, onLine?: (line: string) => void) =>
    startProgram({
      name,
      command: process.execPath,
      args: ['-e', code],
      logFile: join(folder, `${name}.log`),
      ...(onLine === undefined ? {} : { onLine }),
    });

  it('hands over whole lines and logs both streams', async () => {
    const lines: string[] = [];
    const program = node(
      'talker',
      'process.stdout.write("one\\ntw"); console.error("aside"); console.log("o")',
      (line) => lines.push(line),
    );
    expect(await program.exited).to.equal(0);
    expect(lines).to.deep.equal(['one', 'two']);
    const log = await until('the log', 2_000, async () => {
      const text = await readFile(program.logFile, 'utf8').catch(() => '');
      return text.includes('aside') && text.includes('one') ? text : null;
    });
    expect(log).to.include('aside');
  });

  it('ends a program that ignores SIGTERM after its grace', async () => {
    const program = node('stubborn', 'process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1000)');
    await until('its start', 5_000, async () => (await readFile(program.logFile, 'utf8')).includes('up') || null);
    await program.stop(100);
    expect(await program.exited).to.equal('SIGKILL');
  });

  it('gives up at once, with its last words, when the program that should help has ended', async () => {
    const program = node('loser', 'console.error("error: no luck (LUCK)"); process.exitCode = 3');
    await program.exited;
    const startedAt = performance.now();
    const waiting = until('a miracle', 10_000, async () => null, program);
    const error = await waiting.then(
      () => null,
      (reason: unknown) => reason as { code: string; message: string },
    );
    expect(error?.code).to.equal('PROGRAM_ENDED');
    expect(error?.message).to.match(/^loser ended at once: error: no luck|^loser ended at once: 3/);
    expect(performance.now() - startedAt).to.be.below(2_000);
  });

  it('gives up after the limit with the last reason', async () => {
    const failing = async (): Promise<null> => {
      throw new Error('not today');
    };
    const error = await until('it', 120, failing).catch((reason) => reason as { code: string; context: object });
    expect(error).to.deep.include({ code: 'NOT_READY' });
    expect(error)
      .to.have.nested.property('context.reason')
      .that.matches(/not today/);
  });

  it('is done with a work at once when it is aborted, whatever that work waits for', async () => {
    const stopping = new AbortController();
    const waiting = orAborted(stopping.signal, new Promise(() => undefined)).catch((reason: unknown) => reason);
    const reason = new Error('enough');
    stopping.abort(reason);
    expect(await waiting).to.equal(reason);
    expect(await orAborted(stopping.signal, Promise.resolve()).catch((late: unknown) => late)).to.equal(reason);
    expect(await orAborted(new AbortController().signal, Promise.resolve('done'))).to.equal('done');
  });

  it('finds ports that connections of others do not take, and says when a wanted one is taken', async () => {
    const port = await freePort();
    expect(port).to.be.within(20_000, 31_999);
    expect(await samePort(port)).to.equal(port);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const error = await samePort(port).catch((reason) => reason as { code: string });
    await new Promise((resolve) => server.close(resolve));
    expect(error).to.have.property('code', 'PORT_TAKEN');
  });
});
