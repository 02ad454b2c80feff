/** Makes itself light, and says what it is then. */
import { relaunchLight } from '../../../node/cli/light.ts';

relaunchLight();
const { pid, execArgv, env, argv } = process;
console.log(JSON.stringify({ pid, execArgv, arenas: env.MALLOC_ARENA_MAX ?? null, args: argv.slice(2) }));
