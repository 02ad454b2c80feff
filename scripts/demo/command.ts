import { Option } from 'commander';
import type { CommandSpec } from '../../node/cli/program.ts';
import type { RuntimeName } from '../../node/ports.ts';
import { heartbeatOption, parseHeartbeatMs, runtimeOption } from '../options.ts';
import { toJson, toText } from './report.ts';

export const demoCommand: CommandSpec = {
  command: 'bridge',
  parent: { name: 'demo', describe: 'play a scenario on this machine with real parts' },
  describe: "a bridge's edge device fails; a stranger's device takes over its container and its sensors",
  options: [
    runtimeOption(),
    heartbeatOption(),
    new Option('--breach', 'the provider fails its duty and loses its stake'),
    new Option('--keep', 'keep the folder with logs and data'),
  ],
  examples: ['eaas demo bridge', 'eaas demo bridge --breach', 'eaas demo bridge --heartbeat 200ms --json'],
  async handler(cli, _args, options) {
    const heartbeatIntervalMs = parseHeartbeatMs(String(options.heartbeat));
    const { runBridge } = await import('./bridge.ts');
    const report = await runBridge({
      runtime: options.runtime as RuntimeName | 'auto',
      heartbeatIntervalMs,
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
