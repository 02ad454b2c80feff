import { randomInt } from 'node:crypto';
import { systemClock } from '../../../node/clock.ts';
import { type FailureKind, failBridge } from '../../demo/bridge-site.ts';
import { cloudOverview } from '../../demo/observe.ts';
import type { World } from '../../demo/world.ts';
import type { Followed } from '../../devnet/follow.ts';
import { until } from '../../devnet/processes.ts';
import type { Round } from './figures.ts';

export interface RoundInit {
  world: World;
  agreementId: string;
  provider: Followed;
  failure: FailureKind;
  heartbeatIntervalMs: number;
  /** How long the provider serves before the bridge comes back. */
  serveMs: number;
}

const TIMEOUT_MS = 60_000;
/** The bridge has served this long before it fails again: connections to witnesses are back. */
const CALM_MS = 2_000;

/** One failure, takeover, comeback and handback. */
export async function playRound(init: RoundInit): Promise<Round> {
  const { world, provider } = init;
  const clock = systemClock();
  // Anywhere between two heartbeats: they must not decide how fast a takeover looks.
  await clock.sleep(CALM_MS + randomInt(Math.max(1, init.heartbeatIntervalMs)));
  const before = await cloudOverview(world, init.agreementId);
  const failure = await failBridge(world, clock, init.failure);
  const since = async (kind: string): Promise<number> =>
    (await provider.wait(kind, TIMEOUT_MS, failure.atMs)).atMs - failure.atMs;
  const suspectMs = await since('suspect');
  const decidedMs = await since('activating');
  const activeMs = await since('active');
  const epoch = before.epoch + 1;
  const firstAcceptedAtMs = await firstAccepted(init, epoch);
  await clock.sleep(init.serveMs);
  const backAtMs = clock.nowMs();
  failure.resume();
  const bridge = init.failure === 'kill' ? await world.startBridge() : world.followed.get('bridge');
  const back = await bridge?.wait('handed-back', TIMEOUT_MS, backAtMs);
  await firstAccepted(init, epoch + 1);
  return {
    epoch,
    failedAtMs: failure.atMs,
    suspectMs,
    decidedMs,
    activeMs,
    takeoverMs: firstAcceptedAtMs - failure.atMs,
    handbackMs: (back?.atMs ?? Number.NaN) - backAtMs,
  };
}

/** When the cloud accepted the first reading of the epoch: never a duplicate, those are not accepted. */
async function firstAccepted({ world, agreementId }: RoundInit, epoch: number): Promise<number> {
  return until(`a reading of epoch ${epoch}`, TIMEOUT_MS, async () => {
    const { epochs } = await cloudOverview(world, agreementId);
    const tally = epochs.find((candidate) => candidate.epoch === epoch);
    return tally !== undefined && tally.accepted > 0 ? tally.firstAcceptedAtMs : null;
  });
}
