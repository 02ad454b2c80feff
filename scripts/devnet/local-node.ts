/**
 * A node of the local networks that this machine plays (demo, devnet): a whole node that may fall back to the runtime
 * `process`, since every workload is the player's own, and that does not wait half a minute before it calls a missing
 * takeover a breach. `eaas up` does neither.
 */
import { upCommand } from '../../node/cli/commands/up.ts';
import { runCli } from '../../node/cli/program.ts';
import { PLAY_OVERRIDES } from './play.ts';

await runCli(process.argv.slice(2), 'local', [upCommand(PLAY_OVERRIDES)]);
