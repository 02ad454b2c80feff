import { cp, mkdir, readdir } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { Option } from 'commander';
import { EdgeError } from '../../market/errors.ts';
import type { CommandSpec } from '../../node/cli/program.ts';
import { builtProgram, projectRoot } from '../root.ts';

export const imageCommand: CommandSpec = {
  command: 'device',
  parent: { name: 'image', describe: 'assemble container images on this machine, without a registry' },
  describe: "the demo's workload as an OCI layout folder: Node, its libraries and the LoRaWAN device service",
  options: [new Option('--out <folder>', 'folder of the image; made if needed').makeOptionMandatory()],
  examples: ['eaas image device --out .eaas/image'],
  async handler(cli, _args, options) {
    const out = resolve(String(options.out));
    const { deviceImage } = await import('./device-image.ts');
    await mkdir(out, { recursive: true });
    await assertImageOrEmpty(out);
    const cacheDir = join(projectRoot(), '.eaas', 'images');
    const image = await deviceImage({ servicePath: builtProgram('device-service'), cacheDir });
    await cp(image.layoutDir, out, { recursive: true });
    cli.printer.result({ folder: out, digest: image.digest, bytes: image.bytes });
    cli.printer.line(`image   ${relative(process.cwd(), out)} (${(image.bytes / 1e6).toFixed(0)} MB)`);
    cli.printer.line(`digest  ${image.digest}`);
  },
};

async function assertImageOrEmpty(folder: string): Promise<void> {
  const names = await readdir(folder);
  if (names.length === 0 || names.includes('oci-layout')) return;
  throw new EdgeError('FOLDER_NOT_EMPTY', `${folder} holds something else than an image`, {
    context: { folder },
    remedy: 'name an empty or new folder with --out',
  });
}
