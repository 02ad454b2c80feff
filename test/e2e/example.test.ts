import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { eaas, ROOT, type Running, startEaas } from './eaas.ts';

const PAGE = join(ROOT, 'docs', 'examples', 'sensors', 'README.md');

/** The commands of the page, in order, without the program's name. */
async function commandsOf(page: string): Promise<string[][]> {
  const blocks = [...(await readFile(page, 'utf8')).matchAll(/^```\n(.*?)^```/gms)];
  const lines = blocks.flatMap(([, block = '']) => block.trim().split('\n'));
  return lines.map((line) => line.replace(/^node dist\/eaas\.js /, '').split(' '));
}

describe('the example of the documentation', function () {
  this.timeout(90_000);
  let folder: string;
  let devnet: Running | null = null;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'eaas-example-'));
  });
  after(async () => {
    await devnet?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** The page's folder `.eaas` stands for a folder of this test. */
  const here = (args: string[]): string[] => args.map((arg) => arg.replaceAll('.eaas/', `${folder}/`));

  it('runs as the page says, and a second start of the devnet continues', async () => {
    const [start = [], ...commands] = await commandsOf(PAGE);
    expect(start[0]).to.equal('devnet');
    devnet = startEaas(here(start));
    await devnet.line(/^Ctrl-C stops everything/);
    const outputs: Record<string, string> = {};
    for (const command of commands) {
      const { code, stdout, stderr } = await eaas(here(command), { timeoutMs: 60_000 });
      expect(code, `eaas ${command.join(' ')}\n${stderr}`).to.equal(0);
      outputs[command[0] ?? ''] = stdout;
    }
    expect(outputs.status).to.match(/vault\s+60 free/);
    expect(outputs.explain).to.match(/CHOSEN/);
    expect(outputs.agreements).to.match(/customer\s+protected\s+1\s+warm/);

    expect((await devnet.stop()).code).to.equal(0);
    devnet = startEaas([...here(start), '--json']);
    const info = JSON.parse(await devnet.line(/^\{/)) as { nodes: { name: string; config: string }[] };
    expect(info.nodes.map(({ name }) => name)).to.deep.equal(['node-1', 'node-2', 'node-3']);
    const again = await eaas(['agreements', '--config', info.nodes[0]?.config ?? '', '--json']);
    const [agreement] = JSON.parse(again.stdout) as { status: string }[];
    expect(agreement?.status).to.be.oneOf(['protected', 'active']);
  });
});
