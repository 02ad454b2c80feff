import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Wallet } from 'ethers';
import { escrowDomain } from '../../../market/eip712.ts';
import { cellAt } from '../../../market/place.ts';
import { customerPolicySchema, providerPolicySchema } from '../../../market/policy.ts';
import type { NodeService } from '../../../node/api/service.ts';
import { createEventLog, type EventLog } from '../../../node/events.ts';
import { startNorthRelay } from '../../../node/north/relay.ts';
import { createCloudClient } from '../../../node/orchestrator/cloud-client.ts';
import type { Context, NodeEvent } from '../../../node/orchestrator/context.ts';
import { type CustomerService, createCustomer } from '../../../node/orchestrator/customer.ts';
import { createProvider } from '../../../node/orchestrator/provider.ts';
import { type AgreementRecord, openRecords } from '../../../node/orchestrator/records.ts';
import { createRunner } from '../../../node/orchestrator/runner.ts';
import { createSeller } from '../../../node/orchestrator/seller.ts';
import { serveWitness } from '../../../node/orchestrator/witness.ts';
import { createNodeService } from '../../../node/service.ts';
import { createBuyer } from '../../../sdk/buyer.ts';
import { walletSigner } from '../../../sdk/chain/signer.ts';
import { silentLog } from '../../../sdk/log.ts';
import { startMarketFeed } from '../../../sdk/market-feed.ts';
import { type PeerKey, peerIdOf, peerKeyFromSeed, signWithPeerKey, verifyPeerSignature } from '../../../sdk/p2p/key.ts';
import type { Chain } from '../../../sdk/ports.ts';
import type { FakeContent } from '../../fakes/content.ts';
import { fakeKeyValue } from '../../fakes/key-value.ts';
import { type FakeRuntime, type FakeRuntimeInit, fakeRuntime } from '../../fakes/runtime.ts';
import { Life } from './life.ts';
import { testDoor } from './radio.ts';
import type { TestWorld } from './test-world.ts';

export interface TestNodeInit {
  name: string;
  /** Also the seed of its keys. */
  number: number;
  lat: number;
  offers: boolean;
  onStart?: FakeRuntimeInit['onStart'];
}

const MIB = 1024 ** 2;
const RESOURCES = {
  cpuMillis: 4000,
  memoryBytes: 4096 * MIB,
  storageBytes: 8192 * MIB,
  bandwidthBps: 50_000_000,
  interfaces: ['lorawan-eu868'],
  uptimePermille: 990,
  batteryPermille: 1000,
};
const PRICES = { corePerHour: '4', memoryGiBPerHour: '2', interfacePerHour: '0.5' };
const CUSTOMER_POLICY = { responseWindowSec: 60, maxStandbyPerHour: '2', maxActivePerHour: '20' };
const PROVIDER_POLICY = { prices: PRICES, minResponseWindowSec: 5, maxTermSec: '1h' };

interface Run {
  context: Context;
  service: NodeService;
  customer: CustomerService;
}

/** A whole node without disk, network and containers. What survives a SIGKILL survives here; the rest is made anew. */
export class TestNode {
  readonly init: TestNodeInit;
  readonly wallet: Wallet;
  readonly peerId: string;
  readonly cell: string;
  readonly runtime: FakeRuntime;
  readonly content: FakeContent;
  readonly chain: Chain;
  readonly events: NodeEvent[] = [];
  life: Life = new Life(() => undefined);
  private readonly world: TestWorld;
  private readonly peerKey: PeerKey;
  private readonly disk = new Map<string, string>();
  private running: Run | null = null;

  constructor(world: TestWorld, init: TestNodeInit) {
    this.world = world;
    this.init = init;
    this.wallet = new Wallet(`0x${init.number.toString(16).padStart(2, '0').repeat(32)}`);
    this.peerKey = peerKeyFromSeed(new Uint8Array(32).fill(init.number));
    this.peerId = peerIdOf(this.peerKey);
    this.cell = cellAt(init.lat, -43.1387);
    this.runtime = fakeRuntime({ onStart: init.onStart });
    this.content = world.contents.node(this.peerId);
    this.chain = world.chain.connect(this.wallet.address);
  }

  get service(): NodeService {
    return this.run.service;
  }

  /** What the run of now works with: for requests that an honest node would not make. */
  get context(): Context {
    return this.run.context;
  }

  private get run(): Run {
    if (this.running === null) throw new Error(`${this.init.name} does not run`);
    return this.running;
  }

  /** The node's one agreement. */
  get record(): AgreementRecord {
    const record = this.context.records.list().at(-1);
    if (record === undefined) throw new Error(`${this.init.name} has no agreement`);
    return record;
  }

  get hasAgreement(): boolean {
    return this.context.records.list().length > 0;
  }

  kinds(): string[] {
    return this.events.map(({ kind }) => kind);
  }

  /** Starts, or starts again after `kill`. */
  async start({ deposit = true }: { deposit?: boolean } = {}): Promise<void> {
    const { world, init } = this;
    const stopping = new AbortController();
    const life = new Life(() => {
      stopping.abort(new Error('killed'));
      world.streams.leave(this.peerId);
      world.gossip.leave(this.peerId);
      world.contents.setOnline(this.peerId, false);
    });
    this.life = life;
    world.contents.setOnline(this.peerId, true);
    const eventLog = createEventLog(world.clock, silentLog());
    eventLog.subscribe((_id, event) => {
      if (!life.over) this.events.push(event);
    });
    const context = await this.contextOf(life, stopping.signal, eventLog);
    this.running = { context, ...(await this.servicesOf(context, eventLog)) };
    if (init.offers && deposit) await world.deposit(this);
  }

  /** SIGTERM: the customer's half stops in order, then the process is gone. */
  async quit(): Promise<void> {
    await this.run.customer.stop();
    this.kill();
  }

  /** SIGKILL: the process is gone in the middle of whatever it did; its containers stop too, as after a power cut. */
  kill(options: { containersToo?: boolean } = {}): void {
    this.life.end();
    if (options.containersToo ?? true) this.runtime.killAll();
  }

  private async contextOf(life: Life, signal: AbortSignal, eventLog: EventLog): Promise<Context> {
    const { world, peerKey, peerId } = this;
    const { clock } = world;
    const domain = escrowDomain(this.chain.chainId, this.chain.escrow);
    const store = life.bind('store', fakeKeyValue(this.disk));
    const records = await openRecords(store);
    const runtime = life.bind('runtime', this.runtime);
    const north = await startNorthRelay({
      store,
      targets: (id) => records.get(id)?.duties.cloud ?? null,
      isLive: (id) => records.get(id)?.endedTx === null,
      sign: (bytes) => ({ peerId, signature: signWithPeerKey(peerKey, bytes) }),
      fetch: life.bind('cloud', { send: world.cloud.fetch }).send,
      random: () => 0.5,
      clock,
      log: silentLog(),
    });
    signal.addEventListener('abort', () => void north.stop());
    const south = world.radio.south(clock.nowMs());
    signal.addEventListener('abort', () => void south.stop());
    return {
      nodeId: peerId,
      clock,
      log: silentLog(),
      dataDir: join(world.folder, this.init.name),
      domain,
      signer: life.bind('signer', walletSigner(this.wallet, domain)),
      peer: {
        peerId,
        addrs: () => ['/memory/1'],
        sign: (bytes) => signWithPeerKey(peerKey, bytes),
        verify: verifyPeerSignature,
      },
      streams: life.bind('streams', world.streams.join(peerId)),
      content: life.bind('content', this.content),
      chain: life.bind('chain', this.chain),
      records,
      runtime,
      south,
      north,
      createDoor: (socketsDir) => testDoor(socketsDir, () => !life.over && this.runtime.isRunning(socketsDir)),
      randomBytes: (length) => new Uint8Array(randomBytes(length)),
      emit: eventLog.emit,
      signal,
    };
  }

  private async servicesOf(context: Context, events: EventLog): Promise<Omit<Run, 'context'>> {
    const { world, cell } = this;
    const { clock, signal, streams, chain, signer, domain, log } = context;
    const cloud = createCloudClient({ clock, log, signal, fetch: this.life.bind('cloud', world.cloud).fetch });
    const pubsub = world.gossip.join(this.peerId);
    const feed = await startMarketFeed({ pubsub, chain, domain, clock, log, cell, signal });
    const provider = createProvider(context, cloud, (record) => {
      if (record.manifest === null) throw new Error('no manifest yet');
      const init = { id: record.id, dataDir: context.dataDir, manifest: record.manifest };
      return createRunner(context, init, (epoch, readings) => context.north.enqueue(record.id, epoch, readings));
    });
    const customer = createCustomer(context, cloud, {});
    const policy = customerPolicySchema.parse(CUSTOMER_POLICY);
    const { token } = world;
    const seller = createSeller(context, {
      feed,
      policy: this.init.offers ? providerPolicySchema.parse(PROVIDER_POLICY) : null,
      token,
      cell,
      measure: async () => RESOURCES,
      live: () => provider.live(),
    });
    const buyer = createBuyer({
      feed,
      streams,
      chain,
      signer,
      domain,
      clock,
      policy,
      log,
      randomBytes32: () => `0x${randomBytes(32).toString('hex')}`,
      roundTripMs: async () => 5,
    });
    await serveWitness(context);
    await provider.start();
    await customer.start();
    await seller.start();
    const service = createNodeService({
      context,
      feed,
      seller,
      customer,
      buyer,
      events,
      policy,
      token,
      cell,
      name: this.init.name,
      startedAtMs: clock.nowMs(),
      profileMs: 1_000,
      chainReady: () => true,
    });
    return { service, customer };
  }
}
