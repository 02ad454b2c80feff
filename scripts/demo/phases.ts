import { explanationLines } from '../../node/cli/commands/node-views.ts';
import type { Event, Followed } from '../devnet/follow.ts';
import { insureRequest, MOTES, startMotes } from './bridge-site.ts';
import { tokens } from './report.ts';
import { nodeOf, noteTx, PHASE_TIMEOUT_MS, type Run, seconds, timed } from './run.ts';
import { distanceFromBridgeM } from './world-map.ts';

const DEPOSIT = 60n * 10n ** 18n;

export async function deposits(run: Run): Promise<void> {
  await timed(run, 'deposits', async () => {
    for (const [name, { api }] of run.world.followed) {
      noteTx(run, `deposit (${name})`, await api.post('/v1/deposit', { amountWei: DEPOSIT.toString() }));
    }
  });
  run.say(`  ${run.world.followed.size} stakes of ${tokens(DEPOSIT)} deposited into the vault`);
}

export async function estimation(run: Run): Promise<void> {
  run.say('\n1. Estimation: each provider’s DMU measures its device');
  await timed(run, '1 estimation', async () => {
    for (const node of run.world.providers) {
      const { api } = nodeOf(run, node.site.name);
      const { resources } = (await api.get('/v1/status')) as { resources: Record<string, number> };
      const { cpuMillis = 0, memoryBytes = 0 } = resources;
      const km = (distanceFromBridgeM(node.site) / 1000).toFixed(1);
      run.say(
        `  ${node.site.title}: ${cpuMillis / 1000} cores, ${Math.round(memoryBytes / 2 ** 20)} MiB, ${km} km away`,
      );
      await api.post('/v1/offer');
    }
  });
}

/** Phases 1 (customer’s half) to 6: one call to the bridge, told event by event as it goes. */
export async function insure(run: Run, heartbeatIntervalMs: number): Promise<void> {
  const bridge = nodeOf(run, 'bridge');
  run.motes = startMotes(run.world);
  run.say(`  ${MOTES} LoRaWAN motes send to every gateway in range (${run.motes.heardBy.join(', ')})`);
  const request = await insureRequest(run.world, heartbeatIntervalMs);
  const insured = bridge.api.post('/v1/insure', request) as Promise<{ id: string; migratedBytes: number }>;
  const failed = insured.then(
    () => new Promise<never>(() => undefined),
    async (error) => {
      await tellWhy(run, bridge);
      throw error;
    },
  );
  await Promise.race([tellPhases(run, bridge), failed]);
  const agreement = await insured;
  run.agreementId = agreement.id;
  run.migratedBytes = agreement.migratedBytes;
}

/** Each offer and what was said about it, with the sites' names. */
async function tellWhy(run: Run, bridge: Followed): Promise<void> {
  const names = new Map(run.world.providers.map(({ address, site }) => [address.slice(0, 8), site.title]));
  const explanation = (await bridge.api.get('/v1/explain')) as Record<string, unknown>;
  for (const line of explanationLines(explanation)) {
    run.say(`  ${line.replace(/^0x\w{6}…\w{4}/, (short) => names.get(short.slice(0, 8)) ?? short)}`);
  }
}

/** What happens as it happens, and the times of the phases as the bridge’s own events give them. */
async function tellPhases(run: Run, bridge: Followed): Promise<void> {
  const seen = (kind: string): Promise<Event> => bridge.wait(kind, PHASE_TIMEOUT_MS);
  const span = (phase: string, from: Event, to: Event): string => {
    run.phasesMs[phase] = to.atMs - from.atMs;
    return seconds(run, phase);
  };
  const running = await seen('running-locally');
  run.say(`  the bridge’s own container runs (${running.data.runtime}); its use is sampled`);
  const estimated = await seen('estimated');
  const { cpuMillis, memoryBytes } = estimated.data.need as { cpuMillis: number; memoryBytes: number };
  const took = span('1 estimation (customer)', running, estimated);
  run.say(`  it needs ${cpuMillis / 1000} cores and ${Math.round(memoryBytes / 2 ** 20)} MiB (${took})`);
  run.say('\n2. Auction: a signed demand and signed offers in the topic of the place');
  const ranked = await seen('offers-ranked');
  const auction = span('2 auction', estimated, ranked);
  run.say(`  ${ranked.data.fitting} offers fit, ${ranked.data.refused} do not (${auction})`);
  run.say('\n3. Negotiation on direct streams');
  const signed = await seen('signed');
  await tellWhy(run, bridge);
  run.say(`  agreed in ${span('3 negotiation', ranked, signed)}`);
  run.say('\n4. Signature and 5. validation: both signed the same terms');
  const opened = await seen('opened');
  run.transactions.push({ name: 'open', gas: BigInt(String(opened.data.gas)) });
  const validation = span('4+5 signature and validation', signed, opened);
  run.say(`  one transaction locked both stakes (${opened.data.gas} gas, ${validation})`);
  run.say('\n6. Migration: the image goes encrypted, block by block, over bitswap');
  const published = await seen('published');
  run.say(`  ${(Number(published.data.totalBytes) / 1e6).toFixed(1)} MB published under ${published.data.rootCids}`);
  const proven = await seen('possession-proven');
  run.say(`  fetched, verified, container created; possession of ${proven.data.blocks} blocks proven`);
  const done = await seen('protected');
  run.say(`  tier ${done.data.tier} reached (${span('6 migration', opened, done)})`);
}
