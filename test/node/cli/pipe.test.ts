import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';

describe('a command whose reader goes away', function () {
  this.timeout(20_000);

  it('ends without a word', async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'chatty-program.ts'), 'talk'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const errors = text(child.stderr);
    const exit = once(child, 'exit');
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect(await exit).to.deep.equal([0, null]);
    expect(await errors).to.equal('stopped\n');
  });
});
