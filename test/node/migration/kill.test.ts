import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { workloadHash } from '../../../market/workload.ts';
import { blobFile } from '../../../node/migration/oci-layout.ts';
import { publishWorkload } from '../../../node/migration/publish.ts';
import type { Peer } from '../../sdk/content/hosts.ts';
import { openPeers } from '../../sdk/content/hosts.ts';
import type { FetchOrder, FetchReport } from './fetch-process.ts';
import { digestOf, workloadOf, writeImage } from './workload-fixture.ts';

const MIB = 1024 * 1024;
const CHILD = join(import.meta.dirname, 'fetch-process.ts');

type Outcome = { killedAt: number } | Extract<FetchReport, { kind: 'done' }>;

/** Runs a provider process; kills it with SIGKILL as soon as it reports more than `killAfter` bytes. */
async function fetchInProcess(customer: Peer, order: FetchOrder, killAfter: number): Promise<Outcome> {
  const child = fork(CHILD, { stdio: 'inherit' });
  let outcome: Outcome = { killedAt: -1 };
  child.on('message', (report: FetchReport) => {
    if (report.kind === 'ready') {
      customer.content.allow(new Set([report.peerId]));
      child.send(order);
    } else if (report.kind === 'done') {
      outcome = report;
    } else if (report.bytes > killAfter) {
      outcome = { killedAt: report.bytes };
      child.kill('SIGKILL');
    }
  });
  await once(child, 'exit');
  return outcome;
}

describe('workload migration between two processes', () => {
  let customer: Peer;
  let close: () => Promise<void>;
  before(async () => {
    const opened = await openPeers(1);
    [customer] = opened.peers as [Peer];
    close = opened.close;
  });
  after(() => close());

  it('continues after SIGKILL at several points, and ends with the image byte for byte', async function () {
    this.timeout(60_000);
    const layers = [randomBytes(40 * MIB + 1), randomBytes(20 * MIB)];
    const layoutDir = `${customer.dir}-layout`;
    const image = await writeImage(layoutDir, layers);
    const manifest = workloadOf(image);
    const key = randomBytes(32);
    const published = await publishWorkload({
      content: customer.content,
      layoutDirs: new Map([[image, layoutDir]]),
      manifest,
      key,
    });
    const order: FetchOrder = {
      addr: customer.libp2p.getMultiaddrs()[0]?.toString() ?? '',
      from: customer.id,
      rootCids: published.rootCids,
      key: key.toString('hex'),
      workloadHash: workloadHash(manifest),
      dir: `${customer.dir}-provider`,
    };
    const kills = [10 * MIB, 0, 25 * MIB];
    const before: number[] = [];
    for (const killAfter of kills) {
      const outcome = await fetchInProcess(customer, order, killAfter);
      expect(outcome).to.have.property('killedAt').greaterThan(killAfter);
      before.push('killedAt' in outcome ? outcome.killedAt : 0);
    }
    const outcome = await fetchInProcess(customer, order, Number.POSITIVE_INFINITY);
    if (!('layouts' in outcome)) throw new Error('the last run was killed too');
    // What was in flight when it died may be fetched twice: at most the window of 16 blocks per kill.
    const saved = published.totalBytes - outcome.fetchedBytes;
    const reported = before.reduce((sum, bytes) => sum + bytes, 0);
    expect(saved).to.be.greaterThan(reported - kills.length * 17 * MIB);
    expect(saved).to.be.greaterThan(0);
    const [[, got = '']] = outcome.layouts as [[string, string]];
    for (const layer of layers) {
      expect((await readFile(blobFile(got, digestOf(layer)))).equals(layer)).to.equal(true);
    }
  });
});
