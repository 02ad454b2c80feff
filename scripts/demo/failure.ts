import { until } from '../devnet/processes.ts';
import { failBridge } from './bridge-site.ts';
import { cloudOverview } from './observe.ts';
import { nodeOf, noteMined, PHASE_TIMEOUT_MS, providerName, type Run, timed } from './run.ts';

/** How long the protected bridge runs before it fails, the provider before it hands back, the bridge before both settle. */
const BEFORE_MS = 1_500;
const SERVE_MS = 5_000;
const AFTERWARDS_MS = 3_000;

/** SIGKILL to the bridge’s node and to every process of its containers. */
export async function failure(run: Run): Promise<void> {
  await run.clock.sleep(BEFORE_MS);
  run.say('\n7. Activation: the bridge’s node and its container are killed (SIGKILL)');
  run.killedAtMs = (await failBridge(run.world, run.clock, 'kill')).atMs;
}

export async function takeoverAndBack(run: Run): Promise<void> {
  const { world, say } = run;
  const name = await providerName(run);
  const provider = nodeOf(run, name);
  await timed(run, '7 activation', async () => {
    const active = await provider.wait('active', PHASE_TIMEOUT_MS, run.killedAtMs);
    const activating = await provider.wait('activating', PHASE_TIMEOUT_MS, run.killedAtMs);
    const decidedMs = activating.atMs - run.killedAtMs;
    say(`  the ${name} decided after ${decidedMs} ms, with ${activating.data.statements} signed witness statements`);
    say(`  it took epoch ${active.data.epoch}, started the container and replayed what it had buffered`);
    await until('readings of the new epoch', PHASE_TIMEOUT_MS, async () => {
      const { epochs } = await cloudOverview(world, run.agreementId);
      return epochs.some(({ epoch, accepted }) => epoch === 2 && accepted > 0) ? true : null;
    });
  });
  await run.clock.sleep(SERVE_MS);
  say('\nHandback: the bridge comes back');
  await timed(run, 'handback', async () => {
    const bridge = await world.startBridge();
    const checked = await bridge.wait('cross-checked', PHASE_TIMEOUT_MS);
    const back = await bridge.wait('handed-back', PHASE_TIMEOUT_MS);
    say(`  both count the same readings: ${checked.data.agrees ? `yes, ${checked.data.count}` : 'NO'}`);
    if (checked.data.agrees !== true) run.problems.push('provider and cloud disagree about the readings');
    say(`  the bridge runs under epoch ${back.data.epoch}`);
  });
  await run.clock.sleep(AFTERWARDS_MS);
}

export async function breach(run: Run): Promise<void> {
  const { world, say } = run;
  const provider = nodeOf(run, await providerName(run));
  const failed = await provider.wait('activation-failed', PHASE_TIMEOUT_MS, run.killedAtMs);
  say(`  the provider fails its duty: ${failed.data.message}`);
  await run.clock.sleep(SERVE_MS);
  say('\nThe bridge comes back, finds that nobody served, and reports it on chain');
  await timed(run, 'report and loss', async () => {
    const bridge = await world.startBridge();
    const reported = await bridge.wait('reported', PHASE_TIMEOUT_MS);
    say('  the provider does not answer within the window');
    const ended = await bridge.wait('ended', PHASE_TIMEOUT_MS);
    say(`  the agreement ended as ${ended.data.endedAs}: the provider’s stake goes to the bridge`);
    await noteMined(run, 'report', reported.data.txHash);
    await noteMined(run, 'expire', ended.data.txHash);
    if (ended.data.endedAs !== 'breached') run.problems.push('the breach did not end as a breach');
  });
}
