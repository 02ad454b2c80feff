/** A command that talks until it is told to stop. */
import { runCli } from '../../../node/cli/program.ts';

await runCli(process.argv.slice(2), 'test', [
  {
    command: 'talk',
    describe: 'talk',
    async handler(cli) {
      const talking = setInterval(() => cli.printer.line('word'), 5);
      await new Promise((resolve) => cli.signal.addEventListener('abort', resolve, { once: true }));
      clearInterval(talking);
      cli.printer.note('stopped');
    },
  },
]);
