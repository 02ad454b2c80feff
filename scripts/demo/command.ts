import { Option } from 'commander';
import { EdgeError } from '../../market/errors.ts';
import { parseDurationMs } from '../../market/units.ts';
import type { CommandSpec } from '../../node/cli/program.ts';
import type { RuntimeName } from '../../node/ports.ts';
import { runBridge } from './bridge.ts';
import { toJson, toText } from './report.ts';

function heartbeatOf(text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== null && ms >= 50 && ms <= 60_000) return ms;
  throw new EdgeError('USAGE', `--heartbeat takes 50ms to 1m, not "${text}"`, { context: { text } });
}

export const demoCommand: CommandSpec = {
  command: 'bridge',
  parent: { name: 'demo', describe: 'play a scenario on this machine with real parts' },
  describe: "a bridge's edge device fails; a stranger's device takes over its container and its sensors",
  options: [
    new Option('--runtime <name>', 'container runtime')
      .choices(['auto', 'docker', 'namespaces', 'process'])
      .default('auto'),
    new Option('--heartbeat <duration>', 'interval of heartbeats').default('1s'),
    new Option('--breach', 'the provider fails its duty and loses its stake'),
    new Option('--keep', 'keep the folder with logs and data'),
  ],
  examples: ['eaas demo bridge', 'eaas demo bridge --breach', 'eaas demo bridge --heartbeat 200ms --json'],
  async handler(cli, _args, options) {
    const report = await runBridge({
      runtime: options.runtime as RuntimeName | 'auto',
      heartbeatIntervalMs: heartbeatOf(String(options.heartbeat)),
      breach: options.breach === true,
      keep: options.keep === true,
      signal: cli.signal,
      say: (text) => (cli.printer.json ? cli.printer.note(text) : cli.printer.line(text)),
    });
    if (cli.printer.json) process.stdout.write(`${toJson(report)}\n`);
    else cli.printer.line(`\n${toText(report)}`);
    if (report.problems.length > 0) process.exitCode = 1;
  },
};
