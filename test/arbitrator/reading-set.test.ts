import { expect } from 'chai';
import fc from 'fast-check';
import {
  addReading,
  addReadings,
  decodeReadingSet,
  emptyReadingSet,
  encodeReadingSet,
  readingsRoot,
  rootOf,
} from '../../arbitrator/reading-set.ts';

const hex = (bytes: number, max = bytes) =>
  fc.uint8Array({ minLength: bytes, maxLength: max }).map((value) => Buffer.from(value).toString('hex'));
const reading = fc.record({ devAddr: hex(4), fCnt: fc.nat(2 ** 31 - 1), payload: hex(0, 16) });
const readings = fc.uniqueArray(reading, { selector: (one) => JSON.stringify(one), maxLength: 20 });
const sample = { devAddr: '26011f01', fCnt: 7, payload: 'aabb' };

describe('reading set', () => {
  it('has the same root in any order', () => {
    fc.assert(
      fc.property(
        readings.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([list, shuffled]) => readingsRoot(shuffled) === readingsRoot(list),
      ),
      { numRuns: 50 },
    );
  });

  it('has the same root one by one, in parts and after a stop', () => {
    fc.assert(
      fc.property(readings, readings, (first, second) => {
        const whole = readingsRoot([...first, ...second]);
        const oneByOne = [...first, ...second].reduce(addReading, emptyReadingSet());
        const stored = decodeReadingSet(encodeReadingSet(addReadings(emptyReadingSet(), first)));
        expect(rootOf(oneByOne)).to.equal(whole);
        expect(stored !== null && rootOf(addReadings(stored, second))).to.equal(whole);
      }),
      { numRuns: 50 },
    );
  });

  it('has another root for any other set', () => {
    fc.assert(
      fc.property(readings, reading, (list, extra) => {
        expect(readingsRoot([...list, extra])).to.not.equal(readingsRoot(list));
      }),
      { numRuns: 50 },
    );
  });

  const others = [
    { ...sample, devAddr: '26011f02' },
    { ...sample, fCnt: 8 },
    { ...sample, payload: 'aabc' },
    { ...sample, payload: '' },
  ];
  for (const other of others) {
    it(`tells ${JSON.stringify(other)} from ${JSON.stringify(sample)}`, () => {
      expect(readingsRoot([other])).to.not.equal(readingsRoot([sample]));
    });
  }

  it('leaves the set it adds to as it was', () => {
    const set = emptyReadingSet();
    addReading(set, sample);
    expect(rootOf(set)).to.equal(readingsRoot([]));
  });

  it('counts repetition: the caller removes duplicates', () => {
    expect(readingsRoot([sample, sample])).to.not.equal(readingsRoot([sample]));
  });

  // Computed with Python's hashlib from the definition.
  it('has a fixed root for fixed readings on every machine', () => {
    const fixed = [sample, { devAddr: '00000001', fCnt: 0, payload: '' }];
    expect(readingsRoot(fixed)).to.equal('0xb88ffb43b5ac8d8eedda5213262ce15f0a5418146ad82a3226229871b1289819');
  });

  it('stays small: 2 KiB of state whatever the count', () => {
    const many = Array.from({ length: 2_000 }, (_, fCnt) => ({ ...sample, fCnt }));
    expect(encodeReadingSet(addReadings(emptyReadingSet(), many)).length).to.be.below(2_800);
  });

  for (const text of ['', '5', '5:', 'x:AAAA', '5:AAAA', `-1:${'A'.repeat(2_731)}`]) {
    it(`reads no set out of "${text.slice(0, 10)}"`, () => expect(decodeReadingSet(text)).to.equal(null));
  }
});
