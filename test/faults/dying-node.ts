/**
 * A node of the local network that kills itself with SIGKILL at the place that `EAAS_TEST_DIE` names: `before-start` or
 * `after-start` of a container of its own.
 */
import { upCommand } from '../../node/cli/commands/up.ts';
import { runCli } from '../../node/cli/program.ts';
import type { Runtime } from '../../node/ports.ts';
import { PLAY_OVERRIDES } from '../../scripts/devnet/play.ts';

async function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
}

function dying(runtime: Runtime): Runtime {
  const start = async (id: string): Promise<void> => {
    if (process.env.EAAS_TEST_DIE === 'before-start') await die();
    await runtime.start(id);
    if (process.env.EAAS_TEST_DIE === 'after-start') await die();
  };
  return Object.create(runtime, { start: { value: start } });
}

await runCli(process.argv.slice(2), 'faults', [upCommand({ ...PLAY_OVERRIDES, wrapRuntime: dying })]);
