/** The demo's provider that fails its duty: a whole node, but its runtime refuses to start what it promised to start. */
import { EdgeError } from '../../market/errors.ts';
import { upCommand } from '../../node/cli/commands/up.ts';
import { runCli } from '../../node/cli/program.ts';
import type { Runtime } from '../../node/ports.ts';
import { PLAY_OVERRIDES } from '../devnet/play.ts';

async function refuse(): Promise<never> {
  throw new EdgeError('CONTAINER_START_FAILED', 'this provider does not start what it promised (the demo of a breach)');
}

const refusing = (runtime: Runtime): Runtime => Object.create(runtime, { start: { value: refuse } });

await runCli(process.argv.slice(2), 'demo', [upCommand({ ...PLAY_OVERRIDES, wrapRuntime: refusing })]);
