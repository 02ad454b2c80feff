/**
 * Runs the test files named in the arguments in this process, prints mocha's usual report, and sends the counts to the
 * parent. The `mocha` command cannot do both, and lets unhandled rejections of user code pass.
 */
import Mocha from 'mocha';

export interface Counts {
  passed: number;
  failed: number;
}

const TIMEOUT_MS = 10_000;

/** Thrown out of the event, a rejection becomes an uncaught exception, which fails the test that is running. */
process.on('unhandledRejection', (reason) => {
  throw reason;
});

const mocha = new Mocha({ reporter: 'spec', timeout: TIMEOUT_MS, forbidOnly: true, forbidPending: true });
for (const file of process.argv.slice(2)) mocha.addFile(file);
await mocha.loadFilesAsync();
const runner = mocha.run(() => {
  const counts: Counts = { passed: runner.stats?.passes ?? 0, failed: runner.failures };
  process.exitCode = counts.failed > 0 ? 1 : 0;
  process.send?.(counts, () => process.disconnect());
});
