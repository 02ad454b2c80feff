import { expect } from 'chai';
import fc from 'fast-check';
import { encodeFrame, frameDecoder } from '../../../sdk/p2p/frames.ts';
import { CALL_LIMITS } from '../../../sdk/p2p/limits.ts';

/** Feeds the bytes in pieces of the given sizes (repeated), and answers what came out. */
function decode(bytes: Uint8Array, sizes: number[]): { value: unknown } | null {
  const decoder = frameDecoder();
  let decoded: { value: unknown } | null = null;
  for (let offset = 0, turn = 0; offset < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? bytes.length;
    decoded = decoder.push(bytes.subarray(offset, offset + size));
    offset += size;
  }
  return decoded;
}

describe('frames', () => {
  it('come out as they went in, in whatever pieces they arrive', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (value, sizes) => {
        expect(decode(encodeFrame(value), sizes)).to.deep.equal({ value: JSON.parse(JSON.stringify(value)) });
      }),
    );
  });

  it('carry bodies of each prefix length up to the limit', () => {
    for (const size of [1, 127, 128, 16_383, 16_384, CALL_LIMITS.maxFrameBytes]) {
      const body = 'x'.repeat(Math.max(0, size - 2));
      expect(decode(encodeFrame(body), [65_536])).to.deep.equal({ value: body });
    }
  });

  it('are refused when they are too large to send', () => {
    expect(() => encodeFrame('x'.repeat(CALL_LIMITS.maxFrameBytes)))
      .to.throw()
      .with.property('code', 'FRAME_INVALID');
  });

  const hostile: [string, number[]][] = [
    ['a length above the limit', [0x81, 0x80, 0x10]],
    ['a length prefix without end', [0xff, 0xff, 0xff, 0xff, 0xff]],
    ['text that is not JSON', [3, 0x7b, 0x7b, 0x7b]],
    ['no text', [0]],
    ['bytes after the frame', [1, 0x31, 0x31]],
  ];
  for (const [title, bytes] of hostile) {
    it(`are refused at the first bad byte: ${title}`, () => {
      for (const sizes of [[1], [100]]) {
        expect(() => decode(Uint8Array.from(bytes), sizes))
          .to.throw()
          .with.property('code', 'FRAME_INVALID');
      }
    });
  }

  it('never make the decoder throw anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          decode(bytes, [7]);
        } catch (error) {
          expect(error).to.have.property('code', 'FRAME_INVALID');
        }
      }),
    );
  });
});
