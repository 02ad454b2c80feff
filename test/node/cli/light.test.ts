import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';

/** A process that makes itself light; what it says of itself. */
async function run(env: Record<string, string> = {}, flags: string[] = []) {
  const args = [...flags, join(import.meta.dirname, 'light-program.ts'), 'an argument'];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  return { pid: child.pid, said: JSON.parse(await text(child.stdout)) };
}

describe('relaunchLight', function () {
  this.timeout(20_000);

  it('starts the process again as itself, with a small semi-space and one arena', async () => {
    const { pid, said } = await run({}, ['--no-deprecation']);
    expect(said).to.deep.equal({
      pid,
      execArgv: ['--max-semi-space-size=2', '--no-deprecation'],
      arenas: '1',
      args: ['an argument'],
    });
  });

  it('leaves alone what the owner has chosen', async () => {
    expect((await run({ MALLOC_ARENA_MAX: '4' })).said.arenas).to.equal('4');
    expect((await run({ NODE_OPTIONS: '--max-semi-space-size=8' })).said.execArgv).to.deep.equal([]);
    const flags = ['--max-semi-space-size=16'];
    expect((await run({}, flags)).said).to.deep.include({ execArgv: flags, arenas: null });
  });
});
