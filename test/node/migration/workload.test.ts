import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { workloadHash } from '../../../market/workload.ts';
import type { FetchInit } from '../../../node/migration/fetch.ts';
import { fetchWorkload } from '../../../node/migration/fetch.ts';
import { blobFile } from '../../../node/migration/oci-layout.ts';
import type { PackageIndex } from '../../../node/migration/package-index.ts';
import { decodeIndex, encodeIndex } from '../../../node/migration/package-index.ts';
import { checkProof, prove } from '../../../node/migration/possession.ts';
import { publishWorkload } from '../../../node/migration/publish.ts';
import type { FakeContent } from '../../fakes/content.ts';
import { fakeContentNetwork } from '../../fakes/content.ts';
import { codeOf } from '../../sdk/content/compliance.ts';
import { digestOf, workloadOf, writeImage } from './workload-fixture.ts';

const KEY = Buffer.alloc(32, 7);
const MIB = 1024 * 1024;

describe('workload migration', () => {
  const base = randomBytes(3 * MIB + 5);
  const [topA, topB] = [randomBytes(2 * MIB), randomBytes(1000)];
  let dir: string;
  let customer: FakeContent;
  let provider: FakeContent;
  let images: { a: string; b: string };
  let layoutDirs: Map<string, string>;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'eaas-migration-'));
    const network = fakeContentNetwork();
    customer = network.node('customer');
    provider = network.node('provider');
    customer.allow(new Set(['provider']));
    const a = await writeImage(join(dir, 'layout-a'), [base, topA]);
    const b = await writeImage(join(dir, 'layout-b'), [base, topB]);
    images = { a, b };
    layoutDirs = new Map([
      [a, join(dir, 'layout-a')],
      [b, join(dir, 'layout-b')],
    ]);
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const publish = (...digests: string[]) =>
    publishWorkload({ content: customer, layoutDirs, manifest: workloadOf(...digests), key: KEY });
  const fetchInit = (rootCids: string[], digests: string[], change: Partial<FetchInit> = {}): FetchInit => ({
    content: provider,
    from: 'customer',
    rootCids,
    key: KEY,
    workloadHash: workloadHash(workloadOf(...digests)),
    targetDir: join(dir, 'target'),
    maxBytes: 100 * MIB,
    ...change,
  });
  /** Publishes an index that the publisher's own code would not make. */
  const publishForged = async (change: (index: PackageIndex) => void): Promise<string[]> => {
    const { rootCids } = await publish(images.a);
    const index = decodeIndex(await customer.getBytes(rootCids, KEY, { from: 'customer' }));
    change(index);
    return customer.putBytes(encodeIndex(index), KEY);
  };

  it('brings every image as an OCI layout, byte for byte, and shared layers once', async () => {
    const published = await publish(images.a, images.b);
    const fetched = await fetchWorkload(fetchInit(published.rootCids, [images.a, images.b]));
    expect(fetched.manifest).to.deep.equal(workloadOf(images.a, images.b));
    expect([...fetched.layoutDirs.keys()]).to.deep.equal([images.a, images.b]);
    for (const [image, layoutDir] of fetched.layoutDirs) {
      const source = layoutDirs.get(image) ?? '';
      const names = await readdir(join(source, 'blobs', 'sha256'));
      expect((await readdir(join(layoutDir, 'blobs', 'sha256'))).sort()).to.deep.equal(names.sort());
      for (const digest of names.map((name) => `sha256:${name}`)) {
        const sent = await readFile(blobFile(source, digest));
        expect((await readFile(blobFile(layoutDir, digest))).equals(sent), digest).to.equal(true);
      }
      const index = JSON.parse(await readFile(join(layoutDir, 'index.json'), 'utf8'));
      expect(index.manifests).to.have.length(1);
      expect(index.manifests[0].digest).to.equal(image);
      expect(index.manifests[0].size).to.equal((await stat(blobFile(layoutDir, image))).size);
      expect(JSON.parse(await readFile(join(layoutDir, 'oci-layout'), 'utf8')).imageLayoutVersion).to.equal('1.0.0');
    }
    expect(published.totalBytes).to.be.within(5 * MIB, 5 * MIB + 8000);
    expect(fetched.fetchedBytes).to.be.within(published.totalBytes, published.totalBytes + 4000);
    expect(fetched.cids).to.deep.equal(published.cids);
  });

  it('gives the same CIDs when published again', async () => {
    expect(await publish(images.a)).to.deep.equal(await publish(images.a));
  });

  it('fetches only the layers that are not there, and can still prove to have all blocks', async () => {
    const first = await publish(images.a);
    await fetchWorkload(fetchInit(first.rootCids, [images.a]));
    const otherKey = Buffer.alloc(32, 9);
    const manifest = workloadOf(images.b);
    const second = await publishWorkload({ content: customer, layoutDirs, manifest, key: otherKey });
    const fetched = await fetchWorkload(fetchInit(second.rootCids, [images.b], { key: otherKey }));
    expect(fetched.fetchedBytes).to.be.within(1000, 5000);
    const nonce = randomBytes(32);
    const proof = await prove(provider, nonce, fetched.cids);
    expect(await checkProof(customer, nonce, second.cids, proof)).to.equal(true);
  });

  it('fetches nothing the second time', async () => {
    const { rootCids } = await publish(images.a);
    await fetchWorkload(fetchInit(rootCids, [images.a]));
    expect((await fetchWorkload(fetchInit(rootCids, [images.a]))).fetchedBytes).to.equal(0);
  });

  it('replaces a blob that was damaged on disk, also in the layout', async () => {
    const { rootCids } = await publish(images.a);
    const { layoutDirs: got } = await fetchWorkload(fetchInit(rootCids, [images.a]));
    const layer = blobFile(got.get(images.a) ?? '', digestOf(base));
    await writeFile(layer, 'damaged');
    await fetchWorkload(fetchInit(rootCids, [images.a]));
    expect((await readFile(layer)).equals(base)).to.equal(true);
  });

  it('continues after an abort with what it has', async () => {
    const { rootCids, totalBytes } = await publish(images.a);
    const abort = new AbortController();
    const progress: [number, number][] = [];
    const onProgress = (fetchedBytes: number, total: number) => {
      progress.push([fetchedBytes, total]);
      if (fetchedBytes > 2 * MIB) abort.abort(new Error('enough'));
    };
    const aborted = fetchWorkload(fetchInit(rootCids, [images.a], { onProgress, signal: abort.signal }));
    expect(await aborted.catch((error) => error.message)).to.equal('enough');
    const { fetchedBytes } = await fetchWorkload(fetchInit(rootCids, [images.a]));
    const [before = 0, total] = progress.at(-1) ?? [];
    expect(total).to.equal(totalBytes);
    expect(fetchedBytes + before).to.be.within(totalBytes, totalBytes + 2000);
    expect(fetchedBytes).to.be.lessThan(totalBytes - MIB);
  });

  const mismatches: [name: string, change: Partial<FetchInit>, code: string][] = [
    ['another workload than agreed', { workloadHash: `0x${'0'.repeat(64)}` }, 'WORKLOAD_MISMATCH'],
    ['more bytes than allowed', { maxBytes: 5 * MIB }, 'WORKLOAD_TOO_LARGE'],
    ['another key', { key: Buffer.alloc(32, 8) }, 'KEY_WRONG'],
    ['a peer that is not there', { from: 'nobody' }, 'BLOCK_UNAVAILABLE'],
    ['too long an index', { rootCids: ['a', 'b', 'c', 'd', 'e'] }, 'WORKLOAD_INVALID'],
  ];
  for (const [name, change, code] of mismatches) {
    it(`refuses ${name} with ${code} before any blob is fetched`, async () => {
      const { rootCids } = await publish(images.a);
      expect(await codeOf(fetchWorkload(fetchInit(rootCids, [images.a], change)))).to.equal(code);
      expect([...provider.blocks.keys()].filter((cid) => !rootCids.includes(cid))).to.deep.equal([]);
    });
  }

  it('refuses a blob whose bytes are not those of its digest, and keeps none of it', async () => {
    const layer = digestOf(topA);
    const cids = await customer.putBytes(randomBytes(topA.byteLength), KEY);
    const rootCids = await publishForged((index) => {
      for (const blob of index.blobs) if (blob.digest === layer) blob.cids = cids;
    });
    expect(await codeOf(fetchWorkload(fetchInit(rootCids, [images.a])))).to.equal('WORKLOAD_INVALID');
    const target = join(dir, 'target');
    expect(await readdir(join(target, 'blobs', 'sha256'))).not.to.include(layer.slice(7));
    expect(await readdir(join(target, 'incoming'))).to.deep.equal([]);
    expect(await readdir(target)).not.to.include('images');
  });

  it('refuses a package without a layer that an image needs', async () => {
    const rootCids = await publishForged((index) => {
      index.blobs = index.blobs.filter((blob) => blob.digest !== digestOf(base));
    });
    expect(await codeOf(fetchWorkload(fetchInit(rootCids, [images.a])))).to.equal('WORKLOAD_INVALID');
  });

  it('refuses a flipped byte in an image block before anything is unpacked', async () => {
    const { rootCids, cids } = await publish(images.a);
    const block = customer.blocks.get(cids[2] ?? '');
    if (block !== undefined) block[100] = (block[100] ?? 0) ^ 1;
    expect(await codeOf(fetchWorkload(fetchInit(rootCids, [images.a])))).to.equal('BLOCK_CORRUPT');
    expect(await readdir(join(dir, 'target'))).not.to.include('images');
  });

  it('does not publish an image that is not at hand, or not what its digests say', async () => {
    expect(await codeOf(publish(`sha256:${'0'.repeat(64)}`))).to.equal('IMAGE_MISSING');
    const layer = blobFile(join(dir, 'layout-a'), digestOf(topA));
    await writeFile(layer, randomBytes(topA.byteLength));
    expect(await codeOf(publish(images.a))).to.equal('IMAGE_INVALID');
    await rm(layer);
    expect(await codeOf(publish(images.a))).to.equal('IMAGE_INVALID');
    await writeFile(blobFile(join(dir, 'layout-b'), images.b), '{}');
    expect(await codeOf(publish(images.b))).to.equal('IMAGE_INVALID');
    layoutDirs.set(images.a, join(dir, 'layout-b'));
    expect(await codeOf(publish(images.a))).to.equal('IMAGE_INVALID');
  });
});
