import { homedir } from 'node:os';
import { Command, CommanderError, Option } from 'commander';
import { type ApiClient, connectApi } from '../api/client.ts';
import { configFileOf, loadConfig, type NodeConfig } from '../config.ts';
import { exitCodeOf } from './exit-codes.ts';
import { createPrinter, type Printer } from './print.ts';

/** What every command can use. */
export interface Cli {
  printer: Printer;
  /** Aborts on Ctrl-C, SIGTERM or when the terminal closes; a second one ends the process. */
  signal: AbortSignal;
  config(flags?: Record<string, unknown>): Promise<NodeConfig>;
  /** The running node of `--data-dir`, or of the configuration file. */
  api(): Promise<ApiClient>;
}

export interface GlobalOptions {
  json?: boolean;
  verbose?: boolean;
  config?: string;
  dataDir?: string;
}

/** One command: how it is called, and what it does with parsed options. */
export interface CommandSpec {
  /** Commander's form: `insure <file>`. A space-separated parent (`demo bridge`) makes a group. */
  command: string;
  parent?: { name: string; describe: string };
  describe: string;
  options?: Option[];
  /** Shown below the options. */
  examples?: string[];
  handler(cli: Cli, args: string[], options: Record<string, unknown>): Promise<void>;
}

/** Ctrl-C once asks to stop, twice forces it. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(130);
      stop.abort(new Error(name));
    });
  }
  return stop.signal;
}

function makeCli(options: GlobalOptions, printer: Printer): Cli {
  const config = (flags: Record<string, unknown> = {}): Promise<NodeConfig> =>
    loadConfig({
      file: configFileOf(options.config, process.env),
      env: process.env,
      flags: { dataDir: options.dataDir, ...flags },
      homeDir: homedir(),
      cwd: process.cwd(),
    });
  return {
    printer,
    signal: stopSignal(),
    config,
    api: async () => connectApi(options.dataDir ?? (await config()).dataDir),
  };
}

function addCommand(program: Command, groups: Map<string, Command>, spec: CommandSpec): void {
  let parent = program;
  if (spec.parent !== undefined) {
    parent = groups.get(spec.parent.name) ?? program.command(spec.parent.name).description(spec.parent.describe);
    groups.set(spec.parent.name, parent);
  }
  const command = parent.command(spec.command).description(spec.describe);
  command.addOption(new Option('--json', 'print one JSON object on the last line of standard output'));
  command.addOption(new Option('-v, --verbose', 'print more, and stacks of errors'));
  command.addOption(new Option('-c, --config <file>', 'configuration file (default: EAAS_CONFIG, then eaas.yaml)'));
  command.addOption(new Option('--data-dir <folder>', "the node's data folder"));
  for (const option of spec.options ?? []) command.addOption(option);
  if (spec.examples !== undefined) command.addHelpText('after', `\nExamples:\n  ${spec.examples.join('\n  ')}`);
  command.action(async (...received: unknown[]) => {
    const args = received.slice(0, -2).flat().map(String);
    const options = command.opts<GlobalOptions & Record<string, unknown>>();
    const printer = printerOf(options);
    try {
      await spec.handler(makeCli(options, printer), args, options);
    } catch (error) {
      printer.error(error);
      process.exitCode = exitCodeOf(error);
    }
  });
}

function printerOf(options: GlobalOptions): Printer {
  return createPrinter({
    stdout: process.stdout,
    stderr: process.stderr,
    json: options.json,
    verbose: options.verbose,
  });
}

/** Whoever read the output has gone (`eaas … | head`): nothing is to be told any more, and a daemon is to stop. */
function stopWithReader(): void {
  let hasGone = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      // Only where something listens, or the process would end in the middle of its work.
      if (!hasGone && process.listenerCount('SIGHUP') > 0) process.emit('SIGHUP', 'SIGHUP');
      hasGone = true;
    });
  }
}

/** Parses the command line and runs the command. Sets the exit code; the caller decides when the process ends. */
export async function runCli(argv: string[], version: string, specs: CommandSpec[]): Promise<void> {
  stopWithReader();
  const program = new Command('eaas')
    .description(
      'Edge as a Service: insure the containers of an edge device with a stranger’s device, or rent yours out.',
    )
    .version(version)
    .exitOverride()
    .showHelpAfterError('(add --help for the options)')
    .showSuggestionAfterError();
  const groups = new Map<string, Command>();
  for (const spec of specs) addCommand(program, groups, spec);
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const isHelp = ['commander.help', 'commander.helpDisplayed', 'commander.version'].includes(error.code);
    process.exitCode = isHelp && error.exitCode === 0 ? 0 : exitCodeOf(error);
  }
}
