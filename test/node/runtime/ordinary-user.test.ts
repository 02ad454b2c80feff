import { execFile } from 'node:child_process';
import { chmod, chown, copyFile, cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { build } from 'esbuild';
import { nodeImage, temporaryFolder } from './test-image.ts';

const USER = 65533;

/** Everything the user needs lies in one folder that it may enter, wherever the repository is. */
async function prepare(folder: string): Promise<{ node: string; script: string; dataDir: string; layoutDir: string }> {
  const node = join(folder, 'node');
  const script = join(folder, 'script.mjs');
  const dataDir = join(folder, 'data');
  const layoutDir = join(folder, 'layout');
  await chmod(folder, 0o755);
  await copyFile(process.execPath, node);
  await cp((await nodeImage()).layoutDir, layoutDir, { recursive: true });
  await chmod(layoutDir, 0o755);
  await build({
    entryPoints: [join(import.meta.dirname, 'ordinary-user.ts')],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['esbuild', 'dockerode'],
    banner: { js: "import{createRequire as r}from'node:module';const require=r(import.meta.url);" },
    logLevel: 'silent',
  });
  await mkdir(dataDir, { mode: 0o700 });
  await chown(dataDir, USER, USER);
  return { node, script, dataDir, layoutDir };
}

describe('namespaces runtime of an ordinary user', function () {
  this.timeout(60_000);
  // Tests that are not run by root are that user already.
  if (process.getuid?.() !== 0 || process.platform !== 'linux') {
    it('is what namespaces.test.ts tests', () => {
      expect(process.env.EAAS_REQUIRE_NAMESPACES).to.not.equal('1');
    });
    return;
  }

  it('contains a stranger by way of a user namespace', async () => {
    const folder = await temporaryFolder();
    const { node, script, dataDir, layoutDir } = await prepare(folder.path);
    const user = ['--reuid', String(USER), '--regid', String(USER), '--clear-groups', '--inh-caps=-all'];
    const { stdout } = await promisify(execFile)('setpriv', [...user, node, script, dataDir, layoutDir]);
    await folder.remove();
    const report = JSON.parse(stdout);
    console.log(`runtime namespaces without root: ${report.error ?? 'works here'}`);
    expect(report.uid).to.equal(USER);
    if (report.code === 'RUNTIME_UNAVAILABLE') {
      expect(process.env.EAAS_REQUIRE_NAMESPACES, report.error).to.not.equal('1');
      return;
    }
    expect(report.error).to.equal(undefined);
    expect(report.inside).to.include({ write: 'EROFS', interfaces: 1 });
    expect(report.inside.processes).to.deep.equal(['1']);
    expect(report.inside.root).to.include('app').and.to.not.include('home');
    expect(report.inside.status)
      .to.match(/CapEff:\s+0{16}/)
      .and.to.match(/NoNewPrivs:\s+1/)
      .and.to.match(/Uid:\s+65534/);
    expect(report.containers).to.have.lengthOf(1);
    expect(report.containers[0]).to.include({ status: 'exited', exitCode: 137 });
    expect(report.warnings, 'what cannot be limited is said').to.not.deep.equal([]);
  });
});
