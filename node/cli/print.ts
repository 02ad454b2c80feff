import { stripVTControlCharacters, styleText } from 'node:util';
import { canonicalJson, toPlainJson } from '../../market/canonical.ts';
import { isExpected } from '../../market/errors.ts';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** A stream as far as printing needs it: `process.stdout` or a stand-in. */
export interface Sink {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** Where a command prints. Answers go to standard output, everything else to standard error. */
export interface Printer {
  /** True when the caller wants one JSON object and nothing else on standard output. */
  readonly json: boolean;
  line(text?: string): void;
  table(rows: readonly (readonly string[])[], head?: readonly string[]): void;
  /** The answer of a `--json` command: one line, keys sorted, amounts as decimal strings. */
  result(value: unknown): void;
  note(text: string): void;
  progress(label: string): Progress;
  error(error: unknown): void;
  style(style: Style, text: string): string;
}

/** One thing under way: redrawn in place on a terminal, a line per step elsewhere. */
export interface Progress {
  update(text: string): void;
  done(text: string): void;
}

export interface PrinterInit {
  stdout: Sink;
  stderr: Sink;
  json?: boolean;
  /** Print stacks of errors that are no user's fault, and of others too. */
  verbose?: boolean;
  env?: Record<string, string | undefined>;
}

export function createPrinter(init: PrinterInit): Printer {
  const { stdout, stderr, json = false, verbose = false } = init;
  const env = init.env ?? process.env;
  const line = (text = '') => void (json || stdout.write(`${text}\n`));
  return {
    json,
    line,
    table: (rows, head) => {
      const style = (kind: Style, text: string) => paint(kind, text, isColoured(stdout, env));
      for (const row of tableLines(rows, head, style)) line(row);
    },
    result: (value) => void (json && stdout.write(`${jsonLine(value)}\n`)),
    note: (text) => void stderr.write(`${text}\n`),
    progress: (label) => startProgress(label, stderr),
    error: (error) => {
      for (const text of errorLines(error, verbose, (kind, word) => paint(kind, word, isColoured(stderr, env)))) {
        stderr.write(`${text}\n`);
      }
    },
    style: (kind, text) => paint(kind, text, isColoured(stdout, env)),
  };
}

/** Canonical where possible; values with fractions as JavaScript prints them. */
export function jsonLine(value: unknown): string {
  try {
    return canonicalJson(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return JSON.stringify(toPlainJson(value));
  }
}

/** Columns two spaces apart; cells of numbers are right-aligned. Colours do not count as width. */
export function tableLines(
  rows: readonly (readonly string[])[],
  head?: readonly string[],
  style: (style: Style, text: string) => string = (_, text) => text,
): string[] {
  const all = head === undefined ? rows : [head, ...rows];
  const columns = Math.max(0, ...all.map((row) => row.length));
  const indexes = Array.from({ length: columns }, (_, index) => index);
  const widths = indexes.map((index) => Math.max(...all.map((row) => widthOf(row[index] ?? ''))));
  const isNumeric = indexes.map((index) => rows.length > 0 && rows.every((row) => isNumber(row[index] ?? '')));
  const format = (row: readonly string[]) =>
    indexes
      .map((index) => pad(row[index] ?? '', widths[index] ?? 0, isNumeric[index] ?? false))
      .join('  ')
      .trimEnd();
  return [...(head === undefined ? [] : [style('bold', format(head))]), ...rows.map(format)];
}

/** `error: message (CODE)` and `remedy: …` for what a user can mend; a stack for everything else. */
export function errorLines(
  error: unknown,
  verbose: boolean,
  style: (style: Style, text: string) => string = (_, text) => text,
): string[] {
  if (!(error instanceof Error)) return [`${style('red', 'error:')} ${String(error)}`];
  const stack = (error.stack ?? '').split('\n').slice(1);
  if (!isExpected(error)) return [`${style('red', 'error:')} ${oneLine(error.message)} (${error.name})`, ...stack];
  const lines = [`${style('red', 'error:')} ${oneLine(error.message)} (${error.code})`, ...detailsOf(error.context)];
  if (error.remedy !== undefined) lines.push(`${style('cyan', 'remedy:')} ${oneLine(error.remedy)}`);
  return verbose ? [...lines, ...stack] : lines;
}

function startProgress(label: string, sink: Sink): Progress {
  let last = '';
  const show = (text: string, end: boolean) => {
    const full = text === '' ? label : `${label}: ${text}`;
    if (sink.isTTY) sink.write(`\r\u001b[2K${full.slice(0, (sink.columns ?? 80) - 1)}${end ? '\n' : ''}`);
    else if (full !== last) sink.write(`${full}\n`);
    last = full;
  };
  return { update: (text) => show(text, false), done: (text) => show(text, true) };
}

/** NO_COLOR (no-color.org) wins, then FORCE_COLOR, then whether somebody is looking. */
function isColoured(sink: Sink, env: Record<string, string | undefined>): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0';
  return sink.isTTY === true && env.TERM !== 'dumb';
}

function paint(style: Style, text: string, isOn: boolean): string {
  return isOn ? styleText(style, text, { validateStream: false }) : text;
}

/** Text of a peer must neither move the cursor nor fake a second line. */
function oneLine(text: string): string {
  return stripVTControlCharacters(text).replace(/\p{Cc}+\s*/gu, ' ');
}

/** An error about several things at once lists them in `context.details`. */
function detailsOf({ details }: Record<string, unknown>): string[] {
  return Array.isArray(details) ? details.map((detail) => `  ${oneLine(String(detail))}`) : [];
}

function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

function isNumber(text: string): boolean {
  return /^-?[\d,.]+( ?(%|ms|s|m|km|B|KiB|MiB|GiB))?$/.test(stripVTControlCharacters(text));
}

function pad(text: string, width: number, isRight: boolean): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return isRight ? space + text : text + space;
}
