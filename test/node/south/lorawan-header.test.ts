import { expect } from 'chai';
import fc from 'fast-check';
import { parseLorawanHeader } from '../../../node/south/lorawan-header.ts';

/** The first example of lora-packet's README: DevAddr 49be7df1, FCnt 2. */
const KNOWN = Buffer.from('40F17DBE4900020001954378762B11FF0D', 'hex');

function changed(at: number, value: number): Buffer {
  const bytes = Buffer.from(KNOWN);
  bytes[at] = value;
  return bytes;
}

describe('parseLorawanHeader', () => {
  it('reads address and counter of a frame from the field', () => {
    expect(parseLorawanHeader(KNOWN)).to.deep.equal({ devAddr: '49be7df1', fCnt16: 2 });
  });

  it('keeps leading zeros of the address', () => {
    const bytes = Buffer.from(KNOWN);
    bytes.writeUInt32LE(0x00000a0b, 1);
    expect(parseLorawanHeader(bytes)?.devAddr).to.equal('00000a0b');
  });

  it('takes confirmed uplinks too', () => {
    expect(parseLorawanHeader(changed(0, 0x80))).to.deep.equal({ devAddr: '49be7df1', fCnt16: 2 });
  });

  const refused: [string, Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['a frame without room for its MIC', KNOWN.subarray(0, 11)],
    ['a frame longer than LoRa allows', Buffer.concat([KNOWN, Buffer.alloc(255)])],
    ['a join request', changed(0, 0x00)],
    ['a downlink', changed(0, 0x60)],
    ['a proprietary message', changed(0, 0xe0)],
    ['another major version', changed(0, 0x41)],
    ['options that reach beyond the end', changed(5, 0x0f)],
  ];
  for (const [name, bytes] of refused) {
    it(`refuses ${name}`, () => {
      expect(parseLorawanHeader(bytes)).to.equal(null);
    });
  }

  it('never throws, whatever arrives', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        parseLorawanHeader(Buffer.from(bytes));
      }),
    );
  });
});
