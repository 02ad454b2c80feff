import { expect } from 'chai';
import { lostByRound, percentile, quantiles } from '../../../scripts/bench/failover/figures.ts';
import { benchOptions } from '../../../scripts/bench/failover.ts';

describe('the figures of a failover bench', () => {
  const cases: [title: string, values: number[], percent: number, expected: number | null][] = [
    ['the middle of an odd number of values', [30, 10, 20], 50, 20],
    ['the lower middle of an even number', [40, 10, 30, 20], 50, 20],
    ['the largest of a few as their 99th percentile', [5, 100, 7], 99, 100],
    ['the second largest of 200 values as their 99th percentile', Array.from({ length: 200 }, (_, i) => i), 99, 197],
    ['the only value', [12], 50, 12],
    ['null for no values', [], 50, null],
  ];
  for (const [title, values, percent, expected] of cases) {
    it(`gives ${title}`, () => {
      expect(percentile(values, percent)).to.equal(expected);
    });
  }

  it('sorts numbers as numbers', () => {
    expect(quantiles([900, 1000, 95])).to.deep.equal({ p50: 900, p99: 1000 });
  });

  it('blames the failure before a lost frame', () => {
    expect(lostByRound([5, 10, 19, 20, 99], [10, 20])).to.deep.equal([1, 2, 2]);
    expect(lostByRound([], [10, 20])).to.deep.equal([0, 0, 0]);
    expect(lostByRound([1], [])).to.deep.equal([1]);
  });
});

describe('the options of the failover bench', () => {
  it('default to ten crashes with a heartbeat a second', () => {
    expect(benchOptions([])).to.deep.equal({
      runs: 10,
      heartbeatIntervalMs: 1_000,
      serveMs: 2_000,
      runtime: 'auto',
      failure: 'kill',
      keep: false,
      json: false,
    });
  });

  const mistakes: [args: string, message: RegExp][] = [
    ['--runs 0', /--runs/],
    ['--runs 1000', /--runs/],
    ['--runs 1.5', /--runs/],
    ['--heartbeat fast', /--heartbeat/],
    ['--heartbeat 10ms', /--heartbeat/],
    ['--runtime podman', /docker/],
    ['--failure fire', /kill, stop/],
  ];
  for (const [args, message] of mistakes) {
    it(`refuse ${args}`, () => {
      expect(() => benchOptions(args.split(' ')))
        .to.throw(message)
        .with.property('code', 'USAGE');
    });
  }
});
