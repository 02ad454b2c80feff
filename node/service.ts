import { EdgeError, hasCode } from '../market/errors.ts';
import { distanceM } from '../market/place.ts';
import type { CustomerPolicy } from '../market/policy.ts';
import { reputationPermille } from '../market/reputation.ts';
import type { Need } from '../market/resources.ts';
import { workloadHash } from '../market/workload.ts';
import type { Bought, Buyer, BuyProgress, BuyRequest, SignedAgreement } from '../sdk/buyer.ts';
import type { Wish } from '../sdk/draft.ts';
import type { MarketFeed } from '../sdk/market-feed.ts';
import type { VaultAccount } from '../sdk/ports.ts';
import type { NodeService } from './api/service.ts';
import type { EventLog } from './events.ts';
import { profile, type ResolvedWorkload, resolveWorkload, untilStarted, type WorkloadSource } from './insure.ts';
import type { Context } from './orchestrator/context.ts';
import type { CustomerService } from './orchestrator/customer.ts';
import type { LocalWorkload } from './orchestrator/local-workloads.ts';
import { type AgreementRecord, currentTurn, servedSec, statusOf } from './orchestrator/records.ts';
import type { Seller } from './orchestrator/seller.ts';

export interface ServiceParts {
  context: Context;
  feed: MarketFeed;
  seller: Seller;
  customer: CustomerService;
  buyer: Buyer;
  events: EventLog;
  policy: CustomerPolicy;
  token: string;
  cell: string;
  name: string;
  startedAtMs: number;
  profileMs: number;
  chainReady(): boolean;
}

/** What one agreement looks like to its owner. */
function viewOf(record: AgreementRecord, nowMs: number): object {
  const { duties, terms } = record;
  return {
    id: record.id,
    side: record.side,
    status: statusOf(record),
    epoch: currentTurn(record)?.epoch ?? 1,
    counterparty: record.side === 'customer' ? terms.provider : terms.customer,
    tier: duties.tier,
    endsAt: terms.endsAt,
    customerStakeWei: terms.customerStake,
    providerStakeWei: terms.providerStake,
    migratedBytes: record.migratedBytes,
    served: servedSec(record, nowMs),
    openedTx: record.openedTx,
    endedTx: record.endedTx,
    endedAs: record.endedAs,
    failure: record.failure,
    duties,
    terms,
  };
}

/** The running node as the local API offers it. */
export function createNodeService(parts: ServiceParts): NodeService {
  const { context, feed } = parts;
  return {
    status: () => statusOfNode(parts),
    agreements: async () => context.records.list().map((record) => viewOf(record, context.clock.nowMs())),
    offers: async () =>
      feed.book.offers().map(({ order }) => ({ ...order, distanceM: Math.round(distanceM(parts.cell, order.cell)) })),
    async explain() {
      const explanation = parts.buyer.lastExplanation();
      if (explanation !== null) return explanation;
      throw new EdgeError('NOTHING_UNKNOWN', 'nothing was demanded since the node started', {
        remedy: 'insure a workload first: eaas insure compose.yaml',
      });
    },
    publishOffer: () => parts.seller.publish(),
    insure: (request) => insure(parts, request),
    ...moneyOf(parts),
    settle: (id) => parts.customer.settle(id),
    events: (afterId) => parts.events.after(afterId),
    onEvent: (listener) => parts.events.subscribe(listener),
  };
}

async function statusOfNode(parts: ServiceParts): Promise<object> {
  const { context, feed } = parts;
  const { address } = context.signer;
  const money = parts.chainReady() ? await moneyNow(parts) : null;
  return {
    name: parts.name,
    address,
    peerId: context.peer.peerId,
    addrs: context.peer.addrs(),
    cell: parts.cell,
    runtime: context.runtime.name,
    upMs: context.clock.nowMs() - parts.startedAtMs,
    chain: money === null ? 'unreachable' : 'reachable',
    vault: money?.vault ?? null,
    tokens: money?.tokens ?? null,
    resources: await parts.seller.measured(),
    agreements: context.records.list().filter((record) => record.endedTx === null).length,
    market: { offers: feed.book.offers().length, demands: feed.book.demands().length, seen: feed.counters() },
    south: context.south?.stats() ?? null,
    memoryBytes: process.memoryUsage.rss(),
  };
}

/** Null while the chain cannot be reached: a status is wanted most when something is down. */
async function moneyNow({ context, token }: ServiceParts): Promise<{ vault: VaultAccount; tokens: bigint } | null> {
  const { chain, signer } = context;
  try {
    const [vault, tokens] = await Promise.all([
      chain.account(token, signer.address),
      chain.tokenBalance(token, signer.address),
    ]);
    return { vault, tokens };
  } catch (error) {
    if (!hasCode(error, 'CHAIN_UNREACHABLE')) throw error;
    return null;
  }
}

/** The node's own money: into the vault, out of it, and its record. */
function moneyOf({ context, token }: ServiceParts): Pick<NodeService, 'deposit' | 'withdraw' | 'reputation'> {
  const account = () => context.chain.account(token, context.signer.address);
  return {
    deposit: (amount) =>
      context.chain.submit(`deposit/${context.clock.nowMs()}`, { name: 'depositWithPermit', token, amount }),
    async withdraw() {
      const { balance } = await account();
      if (balance === 0n) throw new EdgeError('NOTHING_TO_WITHDRAW', 'the vault holds nothing that is free');
      const to = context.signer.address;
      const key = `withdraw/${context.clock.nowMs()}`;
      const tx = await context.chain.submit(key, { name: 'withdraw', token, amount: balance, to });
      return { ...tx, amountWei: balance, to };
    },
    async reputation() {
      const facts = await account();
      return { ...facts, permille: reputationPermille(facts) };
    },
  };
}

/** Estimation to migration: phases 1 to 6 as the customer sees them. */
async function insure(parts: ServiceParts, request: WorkloadSource): Promise<object> {
  const { context } = parts;
  const emit = (kind: string, data: Record<string, unknown>): void => context.emit(kind, null, data);
  const resolved = await resolveWorkload(request);
  const workload = await parts.customer.runLocal(resolved.manifest, resolved.layoutDirs);
  emit('running-locally', { workload: resolved.manifest.name, runtime: context.runtime.name });
  await untilStarted(workload.runner, context);
  const need = await estimate(parts, resolved, workload.runner.containerIds());
  emit('estimated', { need });
  const bought = await buy(parts, buyRequest(parts, resolved, need), workload, emit);
  const record = await parts.customer.protect(bought.id, bought.opened);
  return viewOf(record, context.clock.nowMs());
}

/** What both signed is on disk before it is opened: whatever happens then, this node knows what it owes. */
async function buy(
  { buyer, context, customer }: ServiceParts,
  request: BuyRequest,
  workload: LocalWorkload,
  emit: BuyProgress,
): Promise<Bought> {
  let rememberedId: string | null = null;
  const remember = async (signed: SignedAgreement): Promise<void> => {
    await customer.remember({ ...signed, side: 'customer', createdAtMs: context.clock.nowMs() }, workload);
    rememberedId = signed.id;
  };
  try {
    return await buyer.buy({ ...request, remember, signal: context.signal }, emit);
  } catch (error) {
    if (rememberedId !== null) await customer.openingFailed(rememberedId, error);
    throw error;
  }
}

/** What the running containers use, with headroom, and never more than the limits that the file gives them. */
async function estimate(parts: ServiceParts, { manifest }: ResolvedWorkload, containerIds: string[]): Promise<Need> {
  const { context } = parts;
  const limits = manifest.need;
  const { need } = await profile(context.runtime, containerIds, {
    clock: context.clock,
    forMs: parts.profileMs,
    floor: { ...limits, cpuMillis: 10, memoryBytes: 16 * 1024 ** 2 },
    signal: context.signal,
    headroom: parts.policy.headroom,
  });
  return {
    ...need,
    cpuMillis: Math.min(need.cpuMillis, limits.cpuMillis),
    memoryBytes: Math.min(need.memoryBytes, limits.memoryBytes),
  };
}

function buyRequest(parts: ServiceParts, resolved: ResolvedWorkload, need: Need): BuyRequest {
  const { compose } = resolved;
  const { maxDistanceM, maxStandbyWeiPerSec, maxActiveWeiPerSec, minProviderStake, termSec } = compose;
  return {
    wish: wishOf(parts, resolved, need),
    wants: { maxDistanceM, maxStandbyWeiPerSec, maxActiveWeiPerSec, minProviderStake, termSec },
    candidates: Math.max(3, compose.witnesses.count + 1),
    collectMs: COLLECT_MS,
  };
}

/** How long offers are collected when fewer candidates than wanted answer. */
const COLLECT_MS = 5_000;

function wishOf(parts: ServiceParts, { compose, manifest }: ResolvedWorkload, need: Need): Wish {
  const { context } = parts;
  return {
    customer: { address: context.signer.address, peerId: context.peer.peerId, addrs: context.peer.addrs() },
    cloud: compose.cloud,
    cell: compose.cell,
    workloadHash: workloadHash(manifest),
    need,
    tier: compose.tier,
    activation: compose.activation,
    heartbeatIntervalMs: compose.heartbeatIntervalMs,
    suspectAfterMissed: compose.suspectAfterMissed,
    devices: compose.devices,
    frameBufferSec: compose.frameBufferSec,
    token: parts.token,
    providerStakeWei: compose.minProviderStake,
    termSec: compose.termSec,
    responseWindowSec: parts.policy.responseWindowSec,
    arbitrationHash: `0x${'0'.repeat(64)}`,
    witnesses: compose.witnesses,
  };
}
