import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { eaas } from './eaas.ts';

interface Mistake {
  args: string;
  code: number;
  /** The one line that says what is wrong. */
  error: RegExp;
  /** The line that says what to do. */
  remedy: RegExp;
}

const HELP = /--help/;

const mistakes: Mistake[] = [
  { args: 'statsu', code: 2, error: /unknown command 'statsu'/, remedy: /Did you mean status\?/ },
  { args: 'demo bridge --heartbeet 1s', code: 2, error: /unknown option/, remedy: /Did you mean --heartbeat\?/ },
  { args: 'demo bridge --heartbeat banana', code: 2, error: /50ms to 1m, not "banana"/, remedy: /such as 1s/ },
  { args: 'demo bridge --heartbeat 1ms', code: 2, error: /50ms to 1m, not "1ms"/, remedy: /such as 1s/ },
  { args: 'demo bridge --runtime podman', code: 2, error: /docker, namespaces, process/, remedy: HELP },
  { args: 'devnet --nodes 1', code: 2, error: /--nodes takes 2 to 16/, remedy: /whole number/ },
  { args: 'devnet --dir .', code: 1, error: /not made by eaas devnet/, remedy: /--dir/ },
  { args: 'devnet --dir . --reset', code: 1, error: /not made by eaas devnet/, remedy: /--dir/ },
  { args: 'image device', code: 2, error: /'--out <folder>' not specified/, remedy: HELP },
  { args: 'status', code: 3, error: /no configuration file .*eaas\.yaml/, remedy: /eaas init/ },
  { args: 'status --data-dir nowhere', code: 6, error: /NODE_NOT_RUNNING/, remedy: /eaas up/ },
  { args: 'up --config other.yaml', code: 3, error: /no configuration file .*other\.yaml/, remedy: /eaas init/ },
  { args: 'up --config bad.yaml', code: 3, error: /problems|rolle/, remedy: /eaas init|role/ },
  { args: 'up --runtime process --unsafe-process', code: 2, error: /unknown option/, remedy: HELP },
  { args: 'insure nothing.yaml --data-dir nowhere', code: 3, error: /nothing\.yaml/, remedy: /Compose file/ },
  { args: 'insure bad.yaml --env A --data-dir x', code: 2, error: /NAME=VALUE, not "A"/, remedy: /equals sign/ },
  { args: 'deposit much', code: 2, error: /"much" is no amount/, remedy: /above zero/ },
  { args: 'settle', code: 2, error: /missing required argument 'agreement'/, remedy: HELP },
];

describe("a newcomer's mistakes", function () {
  this.timeout(20_000);
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'eaas-mistakes-'));
    await writeFile(join(folder, 'bad.yaml'), 'rolle: edge\n');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  for (const { args, code, error, remedy } of mistakes) {
    it(`answers "eaas ${args}" with what is wrong, what to do, and exit code ${code}`, async () => {
      const result = await eaas(args.split(' '), { cwd: folder });
      const lines = result.stderr.trimEnd().split('\n');
      expect(result, result.stderr).to.include({ code, stdout: '' });
      expect(lines.filter((line) => line.startsWith('error: '))).to.have.lengthOf(1);
      expect(result.stderr).to.match(error).and.to.match(remedy);
      expect(result.stderr, 'no stack').to.not.match(/^\s+at /m);
    });
  }
});
