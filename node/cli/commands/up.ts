import { readFile } from 'node:fs/promises';
import { Option } from 'commander';
import { EdgeError } from '../../../market/errors.ts';
import type { NodeConfig } from '../../config.ts';
import type { Overrides } from '../../node.ts';
import { relaunchLight } from '../light.ts';
import { askPassword } from '../password.ts';
import type { CommandSpec } from '../program.ts';

async function passwordOf(config: NodeConfig): Promise<string> {
  const { passwordFile } = config.keystore;
  if (passwordFile === null) return askPassword('Password of the keystore: ');
  try {
    return (await readFile(passwordFile, 'utf8')).replace(/\r?\n$/, '');
  } catch (cause) {
    throw new EdgeError('PASSWORD_FILE_UNREADABLE', `the password file ${passwordFile} cannot be read`, {
      context: { passwordFile },
      remedy: 'correct keystore.passwordFile, or set it to null to be asked',
      cause,
    });
  }
}

/** Runs a node until it is told to stop. `overrides` is for programs that put other parts in (the demo). */
export function upCommand(overrides: Overrides = {}): CommandSpec {
  return {
    command: 'up',
    describe: 'run the node: offer spare resources, stand by for others, insure own containers',
    options: [
      new Option('--runtime <name>', 'docker, namespaces or auto').choices(['auto', 'docker', 'namespaces', 'process']),
    ],
    examples: ['eaas up --config /etc/eaas/eaas.yaml', 'EAAS_LOG_LEVEL=debug eaas up'],
    async handler(cli, _args, options) {
      relaunchLight();
      const config = await cli.config({ runtime: options.runtime });
      // Loaded when it is needed: the other commands start without it.
      const { startNode } = await import('../../node.ts');
      const node = await startNode(config, await passwordOf(config), overrides);
      cli.printer.note(`eaas: ${config.name} is up as ${node.address}${apiNote(node.apiPort)}`);
      cli.printer.result({ address: node.address, peerId: node.peerId, apiPort: node.apiPort });
      await new Promise<void>((resolve) => cli.signal.addEventListener('abort', () => resolve(), { once: true }));
      cli.printer.note('eaas: stopping');
      await node.stop();
    },
  };
}

function apiNote(port: number | null): string {
  return port === null ? '' : `, API on 127.0.0.1:${port}`;
}
