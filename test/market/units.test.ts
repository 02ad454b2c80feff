import { expect } from 'chai';
import fc from 'fast-check';
import * as units from '../../market/units.ts';

type Parse = (text: string) => number | bigint | null;

const READ: [name: string, parse: Parse, rows: [text: string, value: number | bigint | null][]][] = [
  [
    'durations',
    units.parseDurationMs,
    [
      ['200ms', 200],
      ['1s', 1000],
      ['1.5s', 1500],
      ['1h30m', 5_400_000],
      ['7d', 604_800_000],
      ['10', null],
      ['', null],
      ['-1s', null],
      ['1 s', null],
      ['99999999999999999d', null],
    ],
  ],
  [
    'sizes',
    units.parseBytes,
    [
      ['64m', 67_108_864],
      ['64Mi', 67_108_864],
      ['64MB', 67_108_864],
      ['1g', 1_073_741_824],
      ['0.5k', 512],
      ['4096', 4096],
      ['64q', null],
      ['m', null],
      ['1e3', null],
    ],
  ],
  [
    'rates',
    units.parseBitsPerSec,
    [
      ['1Mbps', 1_000_000],
      ['250kbps', 250_000],
      ['1', null],
    ],
  ],
  [
    'distances',
    units.parseMetres,
    [
      ['5km', 5000],
      ['800m', 800],
      ['5', null],
      ['5 km', null],
    ],
  ],
  [
    'money',
    units.parseMoney,
    [
      ['0.02', 20_000_000_000_000_000n],
      ['5', 5_000_000_000_000_000_000n],
      ['0.000000000000000001', 1n],
      ['0.0000000000000000001', null],
      ['.5', null],
      ['1e3', null],
      ['-1', null],
      ['', null],
    ],
  ],
];

describe('units', () => {
  for (const [name, parse, rows] of READ) {
    it(`reads ${name}`, () => {
      for (const [text, value] of rows) expect(parse(text), text).to.equal(value);
    });
  }

  it('writes amounts as people do', () => {
    const written: [value: string, text: string][] = [
      [units.formatMoney(0n), '0'],
      [units.formatMoney(1n), 'less than 0.000001'],
      [units.formatMoney(20_000_000_000_000_000n), '0.02'],
      [units.formatMoney(1_999_999_999_999_999_999n), '1.999999'],
      [units.formatMoneyPerHour(277_777_777_777_778n), '1 per hour'],
      [units.formatDistance(999.4), '999 m'],
      [units.formatDistance(24_321), '24.3 km'],
      [units.formatBytes(1023), '1023 bytes'],
      [units.formatBytes(2048), '2 KiB'],
      [units.formatBitsPerSec(999), '999 bit/s'],
      [units.formatCores(250), '0.25 cores'],
      [units.formatDuration(90), '90 s'],
      [units.formatDuration(5400), '90.0 min'],
      [units.formatDuration(86_400), '24.0 h'],
      [units.formatDuration(259_200), '3.0 days'],
    ];
    for (const [value, text] of written) expect(value).to.equal(text);
  });

  it('rounds a price per hour up and a ceiling per hour down', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 90n), (perHour) => {
        const [down, up] = [units.perHourToPerSec(perHour, 'down'), units.perHourToPerSec(perHour, 'up')];
        return down * 3600n <= perHour && perHour <= up * 3600n && up - down <= 1n;
      }),
    );
  });

  it('reads any amount it can write in full', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 12n), (micros) => {
        const wei = micros * 10n ** 12n;
        return units.parseMoney(units.formatMoney(wei)) === wei;
      }),
    );
  });
});
