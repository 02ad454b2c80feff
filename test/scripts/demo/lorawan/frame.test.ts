import { expect } from 'chai';
import fc from 'fast-check';
import { parseLorawanHeader } from '../../../../node/south/lorawan-header.ts';
import { buildFrame, openFrame } from '../../../../scripts/demo/lorawan/frame.ts';
import { deviceKeysEnv, moteKeys } from '../../../../scripts/demo/lorawan/keys.ts';

const mote = moteKeys('test', 3);

describe('moteKeys', () => {
  it('gives the same mote for the same seed, and another for any other', () => {
    expect(moteKeys('test', 3)).to.deep.equal(mote);
    expect(mote.devAddr).to.match(/^01[0-9a-f]{4}03$/);
    expect(mote.nwkSKey).to.match(/^[0-9a-f]{32}$/);
    expect(mote.appSKey)
      .to.match(/^[0-9a-f]{32}$/)
      .and.not.equal(mote.nwkSKey);
    const all = Array.from({ length: 256 }, (_, index) => moteKeys('test', index));
    expect(new Set(all.map(({ devAddr }) => devAddr)).size).to.equal(256);
    expect(new Set(all.map(({ nwkSKey }) => nwkSKey)).size).to.equal(256);
    expect(moteKeys('other', 3).nwkSKey).to.not.equal(mote.nwkSKey);
  });

  it('has no more than 256 motes', () => {
    expect(() => moteKeys('test', 256)).to.throw(RangeError);
  });

  it('writes the keys as the workload reads them', () => {
    const { devAddr, ...keys } = mote;
    expect(JSON.parse(deviceKeysEnv([mote]))).to.deep.equal({ [devAddr]: keys });
  });
});

describe('openFrame', () => {
  /** First example in lora-packet's README. */
  const field = {
    frame: Buffer.from('40F17DBE4900020001954378762B11FF0D', 'hex'),
    keys: { appSKey: 'ec925802ae430ca77fd3dd73cb2cc588', nwkSKey: '44024241ed4ce9a68c6a8bc055233fd3' },
  };

  it('reads a frame from the field', () => {
    expect(openFrame(field.keys, field.frame, [0])).to.deep.equal({ fCnt: 2, payload: Buffer.from('test') });
  });

  it('opens what buildFrame built, whatever the counter and payload', () => {
    const payload = fc.uint8Array({ minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), payload, (fCnt, bytes) => {
        const frame = buildFrame(mote, fCnt, Buffer.from(bytes));
        expect(openFrame(mote, frame, [fCnt >>> 16])).to.deep.equal({ fCnt, payload: Buffer.from(bytes) });
        expect(parseLorawanHeader(frame)).to.deep.equal({ devAddr: mote.devAddr, fCnt16: fCnt & 0xffff });
      }),
      { numRuns: 50 },
    );
  });

  it('opens a frame without a payload', () => {
    const empty = buildFrame(mote, 5, Buffer.alloc(0));
    expect(openFrame(mote, empty, [0])).to.deep.equal({ fCnt: 5, payload: Buffer.alloc(0) });
  });

  it('finds the upper half of the counter by the MIC', () => {
    const frame = buildFrame(mote, 3 * 65_536 + 7, Buffer.from('x'));
    expect(openFrame(mote, frame, [0, 1, 2, 3])?.fCnt).to.equal(3 * 65_536 + 7);
    expect(openFrame(mote, frame, [0, 1, 2])).to.equal(null);
  });

  it('refuses a frame in which any one bit was turned', () => {
    const frame = buildFrame(mote, 9, Buffer.from('payload'));
    for (let bit = 0; bit < frame.length * 8; bit += 1) {
      const turned = Buffer.from(frame);
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(openFrame(mote, turned, [0]), `bit ${bit}`).to.equal(null);
    }
  });

  it('refuses other keys', () => {
    const frame = buildFrame(mote, 9, Buffer.from('payload'));
    expect(openFrame(moteKeys('test', 4), frame, [0])).to.equal(null);
  });

  it('never throws, whatever arrives', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 260 }), (bytes) => {
        expect(openFrame(mote, Buffer.from(bytes), [0])).to.equal(null);
      }),
      { numRuns: 300 },
    );
  });
});
