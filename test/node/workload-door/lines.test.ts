import { expect } from 'chai';
import fc from 'fast-check';
import { lineSplitter } from '../../../node/workload-door/lines.ts';

describe('lineSplitter', () => {
  it('gives the same lines wherever the stream is cut', () => {
    const line = fc.stringMatching(/^[a-z é]{0,20}$/);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 10 }), fc.integer({ min: 1, max: 7 }), (lines, chunkBytes) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
        const split = lineSplitter(100);
        const found: (string[] | null)[] = [];
        for (let from = 0; from < bytes.length; from += chunkBytes) {
          found.push(split(bytes.subarray(from, from + chunkBytes)));
        }
        expect(found.flat()).to.deep.equal(lines);
      }),
    );
  });

  it('gives up on a line over the limit, with or without its end', () => {
    expect(lineSplitter(4)(Buffer.from('12345'))).to.equal(null);
    expect(lineSplitter(4)(Buffer.from('12345\n'))).to.equal(null);
    expect(lineSplitter(4)(Buffer.from('1234\n'))).to.deep.equal(['1234']);
    const split = lineSplitter(4);
    expect(split(Buffer.from('123'))).to.deep.equal([]);
    expect(split(Buffer.from('45\n'))).to.equal(null);
  });
});
