import { explanationLines } from '../../node/cli/commands/node-views.ts';
import type { Followed } from '../devnet/follow.ts';
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

/** Phases 1 (customer’s half) to 6: one call to the bridge, followed event by event. */
export async function insure(run: Run, heartbeatIntervalMs: number): Promise<void> {
  const bridge = nodeOf(run, 'bridge');
  run.motes = startMotes(run.world);
  run.say(`  ${MOTES} LoRaWAN motes send to every gateway in range (${run.motes.heardBy.join(', ')})`);
  const request = await insureRequest(run.world, heartbeatIntervalMs);
  const agreement = (await bridge.api.post('/v1/insure', request).catch(async (error) => {
    await tellWhy(run, bridge);
    throw error;
  })) as { id: string; migratedBytes: number };
  run.agreementId = agreement.id;
  run.migratedBytes = agreement.migratedBytes;
  await tellPhases(run, bridge);
}

/** Each offer and what was said about it, with the sites' names. */
async function tellWhy(run: Run, bridge: Followed): Promise<void> {
  const names = new Map(run.world.providers.map(({ address, site }) => [address.slice(0, 8), site.title]));
  const explanation = (await bridge.api.get('/v1/explain')) as Record<string, unknown>;
  for (const line of explanationLines(explanation)) {
    run.say(`  ${line.replace(/^0x\w{6}…\w{4}/, (short) => names.get(short.slice(0, 8)) ?? short)}`);
  }
}

/** The times of the phases as the bridge’s own events give them. */
async function tellPhases(run: Run, bridge: Followed): Promise<void> {
  const at = async (kind: string): Promise<number> => (await bridge.wait(kind, PHASE_TIMEOUT_MS)).atMs;
  const span = async (phase: string, from: string, to: string): Promise<void> => {
    run.phasesMs[phase] = (await at(to)) - (await at(from));
  };
  await span('1 estimation (customer)', 'running-locally', 'estimated');
  await span('2 auction', 'estimated', 'offers-ranked');
  await span('3 negotiation', 'offers-ranked', 'signed');
  await span('4+5 signature and validation', 'signed', 'opened');
  await span('6 migration', 'opened', 'protected');
  const { need } = (await bridge.wait('estimated', 1)).data as { need: { cpuMillis: number; memoryBytes: number } };
  run.say(
    `  the bridge’s container needs ${need.cpuMillis / 1000} cores and ${Math.round(need.memoryBytes / 2 ** 20)} MiB`,
  );
  run.say(`\n2. Auction: a signed demand and signed offers in the topic of the place (${seconds(run, '2 auction')})`);
  run.say(`\n3. Negotiation on direct streams (${seconds(run, '3 negotiation')})`);
  await tellWhy(run, bridge);
  const opened = await bridge.wait('opened', 1);
  run.transactions.push({ name: 'open', gas: BigInt(String(opened.data.gas)) });
  run.say(`\n4. Signature and 5. validation: both signed, one transaction locked both stakes (${opened.data.gas} gas)`);
  run.say(
    `\n6. Migration: ${(run.migratedBytes / 1e6).toFixed(1)} MB encrypted over bitswap, verified, tier warm, ` +
      `possession proven (${seconds(run, '6 migration')})`,
  );
}
