import { expect } from 'chai';
import { workloadHash } from '../../../market/workload.ts';
import type { PackageIndex } from '../../../node/migration/package-index.ts';
import { checkIndex, decodeIndex, encodeIndex, totalBytes } from '../../../node/migration/package-index.ts';
import { workloadOf } from './workload-fixture.ts';

const IMAGE = `sha256:${'a'.repeat(64)}`;
const LAYER = `sha256:${'b'.repeat(64)}`;
const MIB = 1024 * 1024;

function indexOf(change: Partial<PackageIndex> = {}): PackageIndex {
  return {
    version: 1,
    manifest: workloadOf(IMAGE),
    images: [{ digest: IMAGE, mediaType: 'application/vnd.oci.image.manifest.v1+json' }],
    blobs: [
      { digest: IMAGE, sizeBytes: 500, cids: ['c0'] },
      { digest: LAYER, sizeBytes: MIB + 1, cids: ['c1', 'c2'] },
    ],
    ...change,
  };
}

const [manifestBlob, layerBlob] = indexOf().blobs as [PackageIndex['blobs'][number], PackageIndex['blobs'][number]];

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
}

describe('package index', () => {
  const agreed = { workloadHash: workloadHash(workloadOf(IMAGE)), maxBytes: MIB + 501 };

  it('survives encoding', () => {
    expect(decodeIndex(encodeIndex(indexOf()))).to.deep.equal(indexOf());
  });

  it('accepts what was agreed, up to the last byte', () => {
    expect(totalBytes(indexOf())).to.equal(agreed.maxBytes);
    expect(codeOf(() => checkIndex(indexOf(), agreed))).to.equal('none');
  });

  const refusals: [name: string, index: PackageIndex, code: string][] = [
    ['another workload', indexOf({ manifest: { ...workloadOf(IMAGE), name: 'other' } }), 'WORKLOAD_MISMATCH'],
    ['a byte too many', indexOf({ blobs: [{ ...manifestBlob, sizeBytes: 501 }, layerBlob] }), 'WORKLOAD_TOO_LARGE'],
    ['a block too many', indexOf({ blobs: [{ ...manifestBlob, cids: ['c0', 'c9'] }, layerBlob] }), 'WORKLOAD_INVALID'],
    ['a block too few', indexOf({ blobs: [manifestBlob, { ...layerBlob, cids: ['c1'] }] }), 'WORKLOAD_INVALID'],
    ['a blob twice', indexOf({ blobs: [manifestBlob, manifestBlob] }), 'WORKLOAD_INVALID'],
    ['no image for a service', indexOf({ images: [] }), 'WORKLOAD_INVALID'],
    ['no manifest for an image', indexOf({ blobs: [layerBlob] }), 'WORKLOAD_INVALID'],
  ];
  for (const [name, index, code] of refusals) {
    it(`refuses ${name} with ${code}`, () => {
      expect(codeOf(() => checkIndex(index, agreed))).to.equal(code);
    });
  }

  const garbage: [name: string, text: string][] = [
    ['no JSON', 'not json'],
    ['null', 'null'],
    ['another version', JSON.stringify({ ...indexOf(), version: 2 })],
    ['an unknown member', JSON.stringify({ ...indexOf(), extra: 1 })],
    ['a negative size', JSON.stringify(indexOf({ blobs: [{ ...manifestBlob, sizeBytes: -1 }] }))],
    ['a digest that is a path', JSON.stringify(indexOf({ blobs: [{ ...manifestBlob, digest: 'sha256:../../x' }] }))],
  ];
  for (const [name, text] of garbage) {
    it(`refuses ${name}`, () => {
      expect(codeOf(() => decodeIndex(Buffer.from(text)))).to.equal('WORKLOAD_INVALID');
    });
  }
});
