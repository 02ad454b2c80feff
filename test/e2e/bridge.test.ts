import { expect } from 'chai';
import { z } from 'zod';
import { availableRuntimes, eaas } from './eaas.ts';

/** The goals of the scenario: a run may take 75 s, a takeover 3 s with a heartbeat a second. */
const SCENARIO_MS = 75_000;
const TAKEOVER_MS = 3_000;

const amount = z.string().regex(/^\d+$/);
const count = z.int().min(0);
/** What `eaas demo bridge --json` promises on its last line. More fields may be there. */
const reportSchema = z.looseObject({
  ok: z.boolean(),
  scenario: z.enum(['bridge', 'bridge-breach']),
  runtime: z.enum(['docker', 'namespaces', 'process']),
  phasesMs: z.record(z.string(), z.number().min(0)),
  takeoverMs: z.number().nullable(),
  frames: z.strictObject({ sent: count, accepted: count, duplicates: count, refused: count, lost: count }),
  migratedBytes: count,
  transactions: z.array(z.strictObject({ name: z.string(), gas: amount })),
  balances: z.array(z.strictObject({ account: z.string(), before: amount, after: amount })),
  conserved: z.boolean(),
});

async function play(args: string[]) {
  const { code, stdout, stderr } = await eaas(['demo', 'bridge', '--json', ...args], { timeoutMs: SCENARIO_MS });
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  expect(last, stderr).to.match(/^\{/);
  return { code, stderr, report: reportSchema.parse(JSON.parse(last)) };
}

type Report = z.infer<typeof reportSchema>;
const changeOf = (report: Report, account: string): bigint => {
  const row = report.balances.find((candidate) => candidate.account.startsWith(account));
  return BigInt(row?.after ?? 0) - BigInt(row?.before ?? 0);
};
const sumOf = (report: Report, key: 'before' | 'after'): bigint =>
  report.balances.reduce((sum, row) => sum + BigInt(row[key]), 0n);
const names = (report: Report): string[] => report.transactions.map(({ name }) => name);

const runtimes = await availableRuntimes();

describe('the bridge scenario', function () {
  this.timeout(SCENARIO_MS + 15_000);

  for (const runtime of runtimes) {
    it(`holds in every point with the runtime ${runtime}`, async () => {
      const { code, stderr, report } = await play(['--runtime', runtime]);
      expect(report, stderr).to.include({ ok: true, scenario: 'bridge', runtime, conserved: true });
      expect(code).to.equal(0);
      expect(report.frames.lost).to.equal(0);
      expect(report.frames.accepted).to.equal(report.frames.sent).and.to.be.above(100);
      expect(report.takeoverMs).to.be.within(1, TAKEOVER_MS);
      expect(report.migratedBytes).to.be.above(1_000_000);
      expect(names(report)).to.include.members(['open', 'settle']);
      expect(sumOf(report, 'before')).to.equal(sumOf(report, 'after'));
      expect(changeOf(report, 'bridge') < 0n, 'the bridge pays').to.equal(true);
      expect(changeOf(report, 'far')).to.equal(0n);
    });
  }

  it('gives the stake of a provider that fails its duty to the bridge', async () => {
    const { code, stderr, report } = await play(['--breach', '--runtime', runtimes.at(-1) ?? 'process']);
    expect(report, stderr).to.include({ ok: true, scenario: 'bridge-breach', takeoverMs: null, conserved: true });
    expect(code).to.equal(0);
    expect(sumOf(report, 'before')).to.equal(sumOf(report, 'after'));
    const stake = 15n * 10n ** 18n;
    expect(changeOf(report, 'bridge')).to.equal(stake);
    const losers = ['university', 'harbour', 'pump-station'].filter((name) => changeOf(report, name) === -stake);
    expect(losers).to.have.lengthOf(1);
    expect(names(report)).to.not.include('settle');
  });
});
