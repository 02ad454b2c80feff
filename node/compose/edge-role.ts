import { EdgeError, hasCode } from '../../market/errors.ts';
import { type Buyer, createBuyer } from '../../sdk/buyer.ts';
import type { ChainClient } from '../../sdk/chain/client.ts';
import { type MarketFeed, startMarketFeed } from '../../sdk/market-feed.ts';
import { createGossip } from '../../sdk/p2p/gossip.ts';
import { startApi } from '../api/server.ts';
import { measureDevice } from '../measure.ts';
import { type CloudClient, createCloudClient } from '../orchestrator/cloud-client.ts';
import type { Context } from '../orchestrator/context.ts';
import { hex } from '../orchestrator/context.ts';
import { type CustomerService, createCustomer } from '../orchestrator/customer.ts';
import { createProvider, type ProviderService } from '../orchestrator/provider.ts';
import type { AgreementRecord } from '../orchestrator/records.ts';
import { createRunner, type Runner, removeStrays } from '../orchestrator/runner.ts';
import { createSeller, type Seller } from '../orchestrator/seller.ts';
import { probe, serveWitness } from '../orchestrator/witness.ts';
import { createNodeService } from '../service.ts';
import type { Base } from './base.ts';
import { type EdgeParts, startEdgeParts } from './edge-parts.ts';

/** How long the containers to be insured are watched before their need is estimated. */
const PROFILE_MS = 3_000;
/** How often a chain that did not answer at the start is asked again. */
const CHAIN_RETRY_MS = 1_000;
const ROUND_TRIP_TIMEOUT_MS = 2_000;
/** Stated until it is measured between peers: what a home connection gives. */
const STATED_BANDWIDTH_BPS = 10_000_000;

interface Services {
  feed: MarketFeed;
  provider: ProviderService;
  customer: CustomerService;
  seller: Seller;
  buyer: Buyer;
}

/** Role `edge`: rents out, stands by for others, insures its own containers, witnesses. */
export async function startEdgeRole(base: Base): Promise<{ peerId: string; apiPort: number }> {
  const parts = await startEdgeParts(base);
  const { context } = parts;
  const cloud = createCloudClient({ clock: base.clock, log: base.log, signal: base.signal });
  const services = await buildServices(base, parts, cloud);
  const { provider, customer, seller } = services;
  await clearStrays(context);
  await serveWitness(context);
  await provider.start();
  await customer.start();
  const chain = { ready: false };
  void whenChainAnswers(base, parts.chain, async () => {
    chain.ready = true;
    context.emit('chain-ready', null, { chainId: parts.chain.chainId });
    await seller.start();
  });
  const apiPort = await serveApi(base, parts, services, chain);
  base.log.info({ peerId: parts.host.peerId, addrs: parts.host.addrs(), api: apiPort }, 'the node is up');
  return { peerId: parts.host.peerId, apiPort };
}

async function buildServices(base: Base, parts: EdgeParts, cloud: CloudClient): Promise<Services> {
  const { config, clock, log, undo } = base;
  const { context, cell } = parts;
  const { domain } = context;
  const feed = await startMarketFeed({
    pubsub: createGossip(parts.host, log),
    chain: context.chain,
    domain,
    clock,
    log: log.child({ part: 'market' }),
    cell,
    signal: base.signal,
  });
  const provider = createProvider(context, cloud, runnerMaker(context));
  const customer = createCustomer(context, cloud, { breachAfterMs: base.overrides.breachAfterMs });
  undo.add(() => provider.stop());
  undo.add(() => customer.stop());
  const stated = { bandwidthBps: STATED_BANDWIDTH_BPS, interfaces: config.interfaces };
  const seller = createSeller(context, {
    feed,
    policy: config.offer ?? null,
    token: config.chain.token,
    cell,
    measure: () => measureDevice(config.dataDir, stated),
    live: () => provider.live(),
  });
  return { feed, provider, customer, seller, buyer: buildBuyer(base, context, feed) };
}

function runnerMaker(context: Context): (record: AgreementRecord) => Runner {
  return (record) => {
    if (record.manifest === null) throw new EdgeError('WORKLOAD_UNKNOWN', 'the workload is not here yet');
    const init = { id: record.id, dataDir: context.dataDir, manifest: record.manifest };
    return createRunner(context, init, (epoch, readings) => context.north.enqueue(record.id, epoch, readings));
  };
}

function buildBuyer({ config, clock, log }: Base, context: Context, feed: MarketFeed): Buyer {
  const { streams, chain, signer, domain } = context;
  return createBuyer({
    feed,
    streams,
    chain,
    signer,
    domain,
    clock,
    policy: config.insure,
    log,
    randomBytes32: () => hex(context.randomBytes(32)),
    roundTripMs: async (peer) => {
      const startedAt = performance.now();
      return (await probe(context, peer, ROUND_TRIP_TIMEOUT_MS)) ? performance.now() - startedAt : null;
    },
  });
}

/** Containers that a crash left and no live agreement knows. */
async function clearStrays({ log, nodeId, records, runtime }: Context): Promise<void> {
  const live = records.list().filter((record) => record.endedTx === null);
  const known = new Set(live.flatMap(({ id, duties }) => [id, duties.workloadHash]));
  const strays = await removeStrays(runtime, nodeId, known);
  if (strays.length > 0) log.info({ strays }, 'removed containers that no agreement knows');
}

async function serveApi(base: Base, parts: EdgeParts, services: Services, chain: { ready: boolean }): Promise<number> {
  const { config, clock, log, undo } = base;
  const service = createNodeService({
    ...services,
    context: parts.context,
    events: parts.events,
    policy: config.insure,
    token: config.chain.token,
    cell: parts.cell,
    name: config.name,
    startedAtMs: clock.nowMs(),
    profileMs: PROFILE_MS,
    chainReady: () => chain.ready,
  });
  const api = await startApi(service, {
    dataDir: config.dataDir,
    port: config.api.port,
    health: () => ({ ok: true, role: 'edge', name: config.name, chain: chain.ready ? 'reachable' : 'waiting' }),
    log,
  });
  undo.add(() => api.stop());
  return api.port;
}

/** The chain may be down when a node starts: it waits, says so, and serves what it owes meanwhile. */
async function whenChainAnswers({ clock, log, signal }: Base, chain: ChainClient, then: () => Promise<void>) {
  for (let told = false; !signal.aborted; told = true) {
    try {
      await chain.check();
      await chain.resume({ signal });
      return await then();
    } catch (error) {
      if (signal.aborted) return;
      if (!hasCode(error, 'CHAIN_UNREACHABLE')) log.error({ error: String(error) }, 'the chain cannot be used');
      else if (!told)
        log.warn({ error: error.message }, 'the chain does not answer: the node waits, and serves what it owes');
    }
    await clock.sleep(CHAIN_RETRY_MS, signal).catch(() => undefined);
  }
}
