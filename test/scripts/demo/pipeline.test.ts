import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { toPlainJson } from '../../../market/canonical.ts';
import { systemClock } from '../../../node/clock.ts';
import { type Cloud, startCloud } from '../../../node/cloud/cloud.ts';
import { type NorthRelayService, startNorthRelay } from '../../../node/north/relay.ts';
import type { South } from '../../../node/ports.ts';
import { startSouth } from '../../../node/south/south.ts';
import { openStore } from '../../../node/store.ts';
import { createDoor, type Door } from '../../../node/workload-door/door.ts';
import { DeviceService } from '../../../scripts/demo/device/service.ts';
import { moteKeys } from '../../../scripts/demo/lorawan/keys.ts';
import { startMotes } from '../../../scripts/demo/lorawan/motes.ts';
import { silentLog } from '../../../sdk/log.ts';
import type { KeyValue } from '../../../sdk/ports.ts';
import {
  agreementWith,
  certificateFor,
  cloudSigner,
  customer,
  customerPeer,
  domain,
  dutiesWith,
  providerPeer,
  type TestAgreement,
  type TestPeer,
  verifyPeer,
} from '../../node/cloud/agreement.ts';

const motes = Array.from({ length: 12 }, (_, index) => moteKeys('pipeline', index));
const devices = new Set(motes.map(({ devAddr }) => devAddr));
const clock = systemClock();
const log = silentLog();

/** One edge device: radio, door, workload and relay, on a real disk. */
interface Edge {
  south: South;
  door: Door;
  relay: NorthRelayService;
  store: KeyValue;
  stopWorkload: AbortController;
  workload: Promise<void> | null;
}

describe('from the motes to the cloud', function () {
  this.timeout(30_000);
  let dir: string;
  let cloud: Cloud;
  let cloudStore: KeyValue;
  let agreement: TestAgreement;
  let edges: Edge[];

  async function makeEdge(name: string, peer: TestPeer): Promise<Edge> {
    const store = await openStore(join(dir, name));
    const south = await startSouth({
      port: 0,
      host: '127.0.0.1',
      allowedGateways: null,
      bufferMs: 60_000,
      maxFrames: 10_000,
      clock,
      log,
    });
    const targets = () => ({ url: cloud.url });
    const random = () => 0.5;
    const relay = await startNorthRelay({ store, targets, sign: peer.sign, fetch, clock, log, random });
    const door = createDoor({ socketsDir: join(dir, `${name}.door`), clock, log });
    door.onReadings((epoch, readings) => relay.enqueue(agreement.agreementId, epoch, readings));
    const edge = { store, south, relay, door, stopWorkload: new AbortController(), workload: null };
    edges.push(edge);
    return edge;
  }

  /** What activation does once the epoch is the edge's: door, replay, live frames, workload. */
  async function run(edge: Edge, epoch: number, sinceMs: number): Promise<void> {
    await edge.door.open(epoch);
    for (const frame of edge.south.buffered(devices, sinceMs)) edge.door.push(frame);
    edge.south.subscribe(devices, (frame) => edge.door.push(frame));
    const keys = new Map(motes.map((mote) => [mote.devAddr, mote]));
    const service = new DeviceService({ socketsDir: edge.door.socketsDir, keys, clock, log: () => undefined });
    edge.workload = service.run(edge.stopWorkload.signal);
  }

  /** The edge disappears: nothing it had in memory goes anywhere. */
  async function kill(edge: Edge): Promise<void> {
    edge.stopWorkload.abort();
    await Promise.all([edge.workload, edge.door.close(), edge.relay.stop(), edge.south.stop()]);
  }

  async function call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const response = await fetch(`${cloud.url}/v1/agreements/${agreement.agreementId}${path}`, {
      method,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(toPlainJson(body)),
    });
    return (await response.json()) as Record<string, unknown>;
  }

  interface Accepted {
    devAddr: string;
    fCnt: number;
    epoch: number;
    receivedAtMs: number;
    acceptedAtMs: number;
  }
  const accepted = async () => (await call('GET', '/readings')).readings as Accepted[];

  async function startCloudHere(port = 0): Promise<void> {
    cloudStore = await openStore(join(dir, 'cloud'));
    cloud = await startCloud({
      port,
      host: '127.0.0.1',
      store: cloudStore,
      signer: cloudSigner,
      domain,
      customers: [customer.address],
      verifyPeer,
      clock,
      log,
    });
  }

  async function stopCloud(): Promise<void> {
    await cloud.stop();
    await cloudStore.close();
  }

  function motesTo(targets: Edge[]) {
    const gateways = targets.map(({ south }, index) => ({
      id: `aa0000000000000${index}`,
      host: '127.0.0.1',
      port: south.port,
    }));
    return startMotes({ motes, intervalMs: 100, firstFCnt: 0, gateways, clock });
  }

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'eaas-pipe-'));
    edges = [];
    await startCloudHere();
    agreement = await agreementWith(dutiesWith({ devices: [...devices] }));
    await call('PUT', '', agreement.registration);
  });

  afterEach(async () => {
    for (const edge of edges) {
      await kill(edge);
      await edge.store.close();
    }
    await stopCloud();
    await rm(dir, { recursive: true });
  });

  it('loses no frame in a takeover', async () => {
    const bridge = await makeEdge('bridge', customerPeer);
    const stranger = await makeEdge('stranger', providerPeer);
    await run(bridge, 1, 0);
    const radio = await motesTo([bridge, stranger]);
    await clock.sleep(500);
    const killedAtMs = clock.nowMs();
    await kill(bridge);
    await clock.sleep(300);
    await call('POST', '/epochs', { certificate: await certificateFor(agreement.agreementId, 2) });
    // A second before the failure: what the bridge had in its hands comes again.
    await run(stranger, 2, killedAtMs - 1000);
    await clock.sleep(500);
    await radio.stop();
    await clock.sleep(100);
    await stranger.relay.drained(agreement.agreementId, AbortSignal.timeout(5000));

    const sent = radio.report().motes.flatMap(({ devAddr, frames }) => frames.map(([fCnt]) => `${devAddr} ${fCnt}`));
    const got = (await accepted()).map(({ devAddr, fCnt }) => `${devAddr} ${fCnt}`);
    expect(new Set(got).size).to.equal(got.length);
    expect(new Set(got)).to.deep.equal(new Set(sent));
    expect(sent.length).to.be.greaterThan(100);
    const { record } = await call('GET', '/record/2');
    const { count, readingsRoot } = stranger.relay.delivered(agreement.agreementId, 2);
    expect(record).to.include({ acceptedCount: count, readingsRoot });
  });

  it('loses no frame to an outage of the cloud', async () => {
    const bridge = await makeEdge('bridge', customerPeer);
    await run(bridge, 1, 0);
    const radio = await motesTo([bridge]);
    await clock.sleep(300);
    const { port } = cloud;
    await stopCloud();
    await clock.sleep(400);
    await startCloudHere(port);
    await clock.sleep(300);
    await radio.stop();
    await clock.sleep(100);
    expect(await bridge.relay.drained(agreement.agreementId, AbortSignal.timeout(10_000))).to.equal(true);
    const got = await accepted();
    expect(got).to.have.length(radio.report().sent);
    expect(bridge.relay.stats(agreement.agreementId)).to.include({ dropped: 0, refused: 0 });
  });

  it('has a frame in the cloud within milliseconds', async () => {
    const bridge = await makeEdge('bridge', customerPeer);
    await run(bridge, 1, 0);
    const radio = await motesTo([bridge]);
    await clock.sleep(1200);
    await radio.stop();
    await bridge.relay.drained(agreement.agreementId, AbortSignal.timeout(5000));
    const latencies = (await accepted()).map(({ acceptedAtMs, receivedAtMs }) => acceptedAtMs - receivedAtMs);
    latencies.sort((a, b) => a - b);
    const median = latencies[latencies.length >> 1] ?? Number.POSITIVE_INFINITY;
    // About 5 ms on an idle machine; the bound leaves room for a busy one but none for a polling loop.
    expect(median, `of ${latencies.length} readings`).to.be.lessThan(100);
    if (process.env.EAAS_PRINT_LATENCY) console.log(`      median ${median} ms, worst ${latencies.at(-1)} ms`);
  });
});
