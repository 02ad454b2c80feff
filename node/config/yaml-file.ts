import { isMap, isPair, isScalar, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import type { Problem } from './problems.ts';

export interface Position {
  line: number;
  column: number;
}

/** A parsed YAML text that still knows where everything stands. */
export interface YamlFile {
  name: string;
  value: unknown;
  problems: Problem[];
  /** Position of the key at this path, or of the nearest one above that exists. */
  positionOf(path: readonly PropertyKey[]): Position;
}

const MAX_BYTES = 256 * 1024;
const MAX_ALIASES = 20;

/** Parses YAML 1.2 with unique keys. Never throws: syntax errors are problems with their position. */
export function parseYaml(name: string, text: string): YamlFile {
  const at = (message: string, position: Position, remedy: string): Problem => {
    return { path: '', source: name, ...position, message, remedy };
  };
  const start = { line: 1, column: 1 };
  if (text.length > MAX_BYTES) {
    const problem = at(`larger than ${MAX_BYTES} bytes`, start, 'give the file that `eaas init` wrote');
    return { name, value: {}, problems: [problem], positionOf: () => start };
  }
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const positionAt = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const problems = document.errors.map((error) =>
    at(error.message, positionAt(error.pos[0]), 'correct the YAML syntax at this place'),
  );
  const positionOf = (path: readonly PropertyKey[]) => positionAt(offsetOf(document.contents, path));
  const value: unknown = problems.length > 0 ? {} : (document.toJS({ maxAliasCount: MAX_ALIASES }) ?? {});
  if (typeof value !== 'object' || Array.isArray(value)) {
    problems.push(at('is not a list of keys and values', start, 'write one "key: value" per line'));
  }
  return { name, value, problems, positionOf };
}

function offsetOf(root: Node | null, path: readonly PropertyKey[]): number {
  let here: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const key of path) {
    const pair: Pair | undefined = isMap(here)
      ? here.items.find((item) => isPair(item) && keyOf(item) === String(key))
      : undefined;
    if (pair !== undefined) {
      offset = rangeStart(pair.key) ?? offset;
      here = pair.value;
      continue;
    }
    const item = typeof key === 'number' && hasItems(here) ? here.items[key] : undefined;
    if (item === undefined) break;
    offset = rangeStart(item) ?? offset;
    here = item;
  }
  return offset;
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : '';
}

function hasItems(value: unknown): value is { items: unknown[] } {
  return typeof value === 'object' && value !== null && Array.isArray((value as { items?: unknown }).items);
}

function rangeStart(node: unknown): number | undefined {
  return (node as { range?: [number, number, number] } | null)?.range?.[0];
}
