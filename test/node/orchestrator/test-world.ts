import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { Wallet } from 'ethers';
import { escrowDomain } from '../../../market/eip712.ts';
import { assembleImage } from '../../../node/oci/assemble.ts';
import { walletSigner } from '../../../sdk/chain/signer.ts';
import { verifyPeerSignature } from '../../../sdk/p2p/key.ts';
import { type FakeChain, fakeChain } from '../../fakes/chain.ts';
import { type FakeClock, fakeClock } from '../../fakes/clock.ts';
import { type FakeContentNetwork, fakeContentNetwork } from '../../fakes/content.ts';
import { type FakeGossipNetwork, fakeGossipNetwork } from '../../fakes/pubsub.ts';
import { type FakeStreamsNetwork, fakeStreamsNetwork } from '../../fakes/streams.ts';
import { CLOUD_URL, type TestCloud, testCloud } from './cloud.ts';
import { DEVICE, TestRadio } from './radio.ts';
import { TestNode, type TestNodeInit } from './test-node.ts';

const START_MS = 1_800_000_000_000;
const CLOUD_WALLET = new Wallet(`0x${'cc'.repeat(32)}`);
/** Real time a step may take before the test is given up. */
const GIVE_UP_MS = 8_000;
const STAKE = 60n * 10n ** 18n;

/** A bridge, two neighbours that sell and witness, a cloud, a chain: in one process, on one clock that the test moves. */
export class TestWorld {
  readonly token = `0x${'70'.repeat(20)}`;
  readonly clock: FakeClock;
  readonly chain: FakeChain;
  readonly streams: FakeStreamsNetwork;
  readonly gossip: FakeGossipNetwork = fakeGossipNetwork();
  readonly contents: FakeContentNetwork = fakeContentNetwork();
  readonly radio = new TestRadio();
  readonly folder: string;
  readonly cloud: TestCloud;
  readonly nodes: TestNode[] = [];

  private constructor(clock: FakeClock, chain: FakeChain, cloud: TestCloud, folder: string) {
    this.clock = clock;
    this.chain = chain;
    this.cloud = cloud;
    this.folder = folder;
    this.streams = fakeStreamsNetwork(clock);
  }

  static async make(): Promise<TestWorld> {
    const clock = fakeClock(START_MS);
    const chain = fakeChain(clock);
    const { chainId, escrow } = chain.connect(CLOUD_WALLET.address);
    const domain = escrowDomain(chainId, escrow);
    const cloud = await testCloud({
      signer: walletSigner(CLOUD_WALLET, domain),
      domain,
      clock,
      customers: [new Wallet(`0x${'01'.repeat(32)}`).address],
      verifyPeer: verifyPeerSignature,
    });
    const folder = await mkdtemp(join(tmpdir(), 'eaas-world-'));
    await assembleImage({
      files: [{ path: '/bin/service', content: 'a program', mode: 0o755 }],
      entrypoint: ['/bin/service'],
      env: {},
      workingDir: '/',
      outDir: join(folder, 'image'),
    });
    return new TestWorld(clock, chain, cloud, folder);
  }

  async add(init: TestNodeInit): Promise<TestNode> {
    const node = new TestNode(this, init);
    this.nodes.push(node);
    await node.start();
    return node;
  }

  /** Tokens, and a stake in the vault. */
  async deposit({ wallet, chain }: Pick<TestNode, 'wallet' | 'chain'>, amount = STAKE): Promise<void> {
    if ((await chain.account(this.token, wallet.address)).balance > 0n) return;
    this.chain.mint(this.token, wallet.address, amount);
    await chain.submit(`deposit/${wallet.address}`, { name: 'depositWithPermit', token: this.token, amount });
  }

  compose(changes: { term?: string; witnesses?: number; stake?: string; interfaces?: string } = {}): string {
    const { term = '30m', witnesses = 1, stake = '15', interfaces = 'lorawan-eu868' } = changes;
    return `
name: bridge-sensors
services:
  device-service:
    image: device-service:1
    cpus: "0.5"
    mem_limit: 128m
    pids_limit: 64
x-eaas:
  place: { lat: -22.8716, lng: -43.1387 }
  maxDistance: 5km
  interfaces: [${interfaces}]
  devices: ["${DEVICE}"]
  tier: warm
  activation: failure
  heartbeat: 1s
  witnesses: { count: ${witnesses}, quorum: ${witnesses} }
  term: ${term}
  frameBuffer: 60s
  price: { standbyPerHourMax: "2", activePerHourMax: "20" }
  stake: "${stake}"
  storage: 512Mi
  cloud: { url: "${CLOUD_URL}", address: "${CLOUD_WALLET.address}" }
`;
  }

  /** What `eaas insure` asks of the bridge. */
  request(changes: Parameters<TestWorld['compose']>[0] = {}) {
    const images = { 'device-service:1': join(this.folder, 'image') };
    return { compose: this.compose(changes), baseDir: this.folder, environment: {}, images };
  }

  /** Moves time on in small steps, letting files and signatures keep up, until the condition holds. */
  async until<T>(what: string, condition: () => T | null | false | undefined | Promise<T | null | false>): Promise<T> {
    const giveUpAt = performance.now() + GIVE_UP_MS;
    while (performance.now() < giveUpAt) {
      const value = await condition();
      if (value !== null && value !== false && value !== undefined) return value;
      await this.pass(50);
    }
    throw new Error(`${what} did not happen; events: ${JSON.stringify(this.story())}`);
  }

  /** Time passes, with a frame in the air every second. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 50) {
      const before = Math.floor(this.clock.nowMs() / 1000);
      await this.clock.tick(Math.min(50, left));
      if (Math.floor(this.clock.nowMs() / 1000) > before) this.radio.send(this.clock.nowMs());
      // Files take real time: one turn of the loop is enough for most, a millisecond for the others.
      await setImmediate();
      await setTimeout(1);
    }
  }

  /** A long time in larger steps; frames go on. */
  async skip(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 500) {
      await this.clock.tick(Math.min(500, left));
      this.radio.send(this.clock.nowMs());
      await setTimeout(1);
    }
  }

  /** Runs a promise to its end while time passes. */
  async finish<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const settle = (): void => {
      done = true;
    };
    work.then(settle, settle);
    await this.until('the work', () => done);
    return work;
  }

  story(): Record<string, string[]> {
    return Object.fromEntries(this.nodes.map((node) => [node.init.name, node.kinds()]));
  }

  balanceOf({ wallet, chain }: TestNode): Promise<bigint> {
    return chain.account(this.token, wallet.address).then(({ balance }) => balance);
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) node.kill();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** The usual cast, with money deposited and offers published. */
export async function bridgeWorld(
  options: { provider?: Partial<TestNodeInit>; bridgeStake?: bigint } = {},
): Promise<{ world: TestWorld; bridge: TestNode; sellers: TestNode[] }> {
  const world = await TestWorld.make();
  const bridge = await world.add({ name: 'bridge', number: 1, lat: -22.8716, offers: false });
  if (options.bridgeStake !== 0n) await world.deposit(bridge, options.bridgeStake);
  const sellers = [
    await world.add({ name: 'university', number: 2, lat: -22.8756, offers: true, ...options.provider }),
    await world.add({ name: 'harbour', number: 3, lat: -22.8832, offers: true, ...options.provider }),
  ];
  await world.pass(200);
  for (const seller of sellers) await seller.service.publishOffer();
  return { world, bridge, sellers };
}

/** Insures the bridge; resolves to the chosen provider and the other neighbour. */
export async function insured(
  { world, bridge, sellers }: Awaited<ReturnType<typeof bridgeWorld>>,
  changes: Parameters<TestWorld['request']>[0] = {},
): Promise<{ provider: TestNode; witness: TestNode; id: string }> {
  const agreement = (await world.finish(bridge.service.insure(world.request(changes)))) as { id: string };
  const provider = sellers.find((seller) => seller.hasAgreement);
  const witness = sellers.find((seller) => seller !== provider);
  if (provider === undefined || witness === undefined) throw new Error('nobody provides');
  return { provider, witness, id: agreement.id };
}
