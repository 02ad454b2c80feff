import { relative, resolve } from 'node:path';
import { Option } from 'commander';
import { EdgeError } from '../../market/errors.ts';
import type { CommandSpec } from '../../node/cli/program.ts';
import type { RuntimeName } from '../../node/ports.ts';
import { heartbeatOption, parseHeartbeatMs, runtimeOption } from '../options.ts';
import type { DevnetInfo } from './devnet.ts';

/** A topic of the market reaches this many on one machine; each node takes about 130 MB. */
const MAX_NODES = 16;
const MAX_MOTES = 256;

function wholeNumber(flag: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new EdgeError('USAGE', `${flag} takes ${min} to ${max}, not "${text}"`, {
      context: { text },
      remedy: `give a whole number from ${min} to ${max}`,
    });
  };
}

export const devnetCommand: CommandSpec = {
  command: 'devnet',
  describe: 'run a local network until Ctrl-C: a chain, nodes with stakes, a cloud, motes',
  options: [
    new Option('--nodes <count>', 'how many nodes').default('3'),
    new Option('--motes <count>', 'simulated LoRaWAN motes that every node hears').default('3'),
    new Option('--dir <folder>', 'where everything is kept; a second start continues').default('.eaas/devnet'),
    new Option('--reset', 'forget what the folder holds and start afresh'),
    runtimeOption(),
    heartbeatOption(),
  ],
  examples: ['eaas devnet', 'eaas devnet --nodes 5 --reset', 'eaas devnet --json'],
  async handler(cli, _args, options) {
    const folder = resolve(String(options.dir));
    const nodes = wholeNumber('--nodes', 2, MAX_NODES)(String(options.nodes));
    const motes = wholeNumber('--motes', 0, MAX_MOTES)(String(options.motes));
    const heartbeatIntervalMs = parseHeartbeatMs(String(options.heartbeat));
    const runtime = options.runtime as RuntimeName | 'auto';
    const { resetDevnet, startDevnet } = await import('./devnet.ts');
    if (options.reset === true) await resetDevnet(folder);
    cli.printer.note(`starting a chain, ${nodes} nodes and a cloud in ${folder}`);
    const say = (text: string): void => cli.printer.note(text);
    const devnet = await startDevnet({ folder, nodes, motes, runtime, heartbeatIntervalMs, signal: cli.signal, say });
    try {
      cli.printer.result(devnet.info);
      for (const line of welcome(devnet.info)) cli.printer.line(line);
      await stopped(cli.signal);
      cli.printer.note('stopping (Ctrl-C again forces it)');
    } finally {
      await devnet.stop();
    }
  },
};

async function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }));
}

function welcome({ chain, cloud, nodes, runtime, envFile }: DevnetInfo): string[] {
  const here = (path: string): string => relative(process.cwd(), path) || '.';
  const config = here(nodes[0]?.config ?? '');
  return [
    '',
    `chain   ${chain.rpcUrl} (chain id ${chain.chainId})`,
    `        escrow ${chain.escrow}, token ${chain.token}`,
    `cloud   ${cloud.url} (${cloud.address})`,
    `runtime ${runtime}`,
    ...nodes.flatMap(({ name, address, dataDir, config: file, udpPort }) => [
      '',
      `${name}  ${address}`,
      `        config ${here(file)}, API data-dir ${here(dataDir)}, LoRaWAN on UDP ${udpPort}`,
    ]),
    '',
    'Next, in another terminal:',
    `  eaas status --config ${config}`,
    '  eaas image device --out .eaas/image',
    `  eaas insure docs/examples/sensors/compose.yaml --config ${config} \\`,
    `    --image device-service:1=.eaas/image --env-file ${here(envFile)}`,
    `  eaas agreements --config ${config}`,
    '',
    'Ctrl-C stops everything; the same command continues where it stopped.',
  ];
}
