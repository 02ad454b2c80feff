import type { RuntimeName } from '../../node/ports.ts';

export interface FrameCounts {
  sent: number;
  accepted: number;
  duplicates: number;
  refused: number;
  lost: number;
}

export interface BalanceRow {
  account: string;
  before: bigint;
  after: bigint;
}

export interface TransactionRow {
  name: string;
  gas: bigint;
}

/** What a run of the bridge scenario measured. Everything in it was observed, nothing assumed. */
export interface BridgeReport {
  scenario: 'bridge' | 'bridge-breach';
  runtime: RuntimeName;
  phasesMs: Record<string, number>;
  /** SIGKILL of the bridge to the first new reading the cloud accepted from its provider; null when none came. */
  takeoverMs: number | null;
  frames: FrameCounts;
  migratedBytes: number;
  transactions: TransactionRow[];
  balances: BalanceRow[];
  /** Sum of all balances is the same to the last unit. */
  conserved: boolean;
  /** What did not hold, in words; empty when all is well. */
  problems: string[];
}

export function isConserved(balances: BalanceRow[]): boolean {
  const sum = (pick: (row: BalanceRow) => bigint): bigint => balances.reduce((total, row) => total + pick(row), 0n);
  return sum((row) => row.before) === sum((row) => row.after);
}

/** The object of the last line with `--json`. Wei amounts and gas are decimal strings: JSON numbers would round them. */
export function toJson(report: BridgeReport): string {
  const { problems, ...rest } = report;
  const ok = problems.length === 0;
  return JSON.stringify({ ok, ...rest, problems }, (_key, value) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}

const TOKEN_DECIMALS = 18n;

/** Token units with four decimals. */
export function tokens(wei: bigint): string {
  const scaled = (wei * 10_000n) / 10n ** TOKEN_DECIMALS;
  const sign = scaled < 0n ? '-' : '';
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(5, '0');
  return `${sign}${digits.slice(0, -4)}.${digits.slice(-4)}`;
}

function columns(rows: string[][]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (row: string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  return rows.map((row) => `  ${line(row)}`).join('\n');
}

/** The report as a person reads it. */
export function toText(report: BridgeReport): string {
  const { frames } = report;
  const phases = Object.entries(report.phasesMs).map(([name, ms]) => [name, `${(ms / 1000).toFixed(2)} s`]);
  const balances = report.balances.map((row) => [
    row.account,
    tokens(row.before),
    tokens(row.after),
    tokens(row.after - row.before),
  ]);
  const parts = [
    `Phases (runtime ${report.runtime})\n${columns(phases)}`,
    report.takeoverMs === null
      ? 'Takeover: none'
      : `Takeover: ${report.takeoverMs} ms from SIGKILL to the first new reading in the cloud`,
    `Frames\n${columns(Object.entries(frames).map(([name, count]) => [name, String(count)]))}`,
    `Migrated: ${(report.migratedBytes / 1e6).toFixed(1)} MB`,
    `Transactions\n${columns(report.transactions.map(({ name, gas }) => [name, `${gas} gas`]))}`,
    `Balances (token units)\n${columns([['account', 'before', 'after', 'change'], ...balances])}`,
    report.conserved ? 'Money: every unit is accounted for' : 'Money: THE SUMS DIFFER',
    report.problems.length === 0
      ? 'Result: everything held'
      : `Result: FAILED\n${report.problems.map((problem) => `  - ${problem}`).join('\n')}`,
  ];
  return parts.join('\n\n');
}
