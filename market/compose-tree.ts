import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import { interpolate } from './compose-interpolate.ts';

/** What is wrong in a workload file, where, and what to do about it. Lines and columns count from 1. */
export interface ComposeProblem {
  code: ComposeProblemCode;
  /** Such as `services.app.privileged`; empty for the whole file. */
  path: string;
  line: number;
  column: number;
  message: string;
  remedy: string;
}

export type ComposeProblemCode =
  | 'SYNTAX'
  | 'TOO_LARGE'
  | 'VARIABLE_MISSING'
  | 'KEY_REFUSED'
  | 'KEY_UNKNOWN'
  | 'KEY_MISSING'
  | 'VALUE_INVALID'
  | 'VALUE_CONFLICT';

interface Place {
  path: string;
  line: number;
  column: number;
}

export interface MapTree extends Place {
  kind: 'map';
  /** By key, in the order of the file. */
  members: Map<string, Member>;
}

export interface ListTree extends Place {
  kind: 'list';
  items: Tree[];
}

export interface ScalarTree extends Place {
  kind: 'scalar';
  /** As written, after interpolation: `0012e456` stays what it is instead of becoming a number. */
  text: string;
  isNull: boolean;
}

export type Tree = MapTree | ListTree | ScalarTree;

/** A key of a map, with the position of the key itself. */
export interface Member extends Place {
  key: string;
  value: Tree;
}

const MAX_FILE_CHARACTERS = 65_536;
const MAX_DEPTH = 12;

/** Reads YAML into a tree whose every part knows its position. Never throws: problems go into `problems`. */
export function readTree(text: string, env: Record<string, string>, problems: ComposeProblem[]): Tree | null {
  if (text.length > MAX_FILE_CHARACTERS) {
    const message = `the file has ${text.length} characters, ${MAX_FILE_CHARACTERS} are allowed`;
    problems.push({ ...START, code: 'TOO_LARGE', message, remedy: 'Describe one workload per file.' });
    return null;
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, version: '1.2', uniqueKeys: true, prettyErrors: false });
  for (const error of [...document.errors, ...document.warnings]) {
    const at = lines.linePos(error.pos[0]);
    const remedy = 'Correct the YAML: spaces for indentation, each key once, one document, no custom tags.';
    problems.push({ code: 'SYNTAX', path: '', line: at.line, column: at.col, message: error.message, remedy });
  }
  if (problems.length > 0) return null;
  return new TreeBuilder(lines, env, problems).build(document.contents, START, 0);
}

const START: Place = { path: '', line: 1, column: 1 };

class TreeBuilder {
  private readonly lines: LineCounter;
  private readonly env: Record<string, string>;
  private readonly problems: ComposeProblem[];

  constructor(lines: LineCounter, env: Record<string, string>, problems: ComposeProblem[]) {
    this.lines = lines;
    this.env = env;
    this.problems = problems;
  }

  build(node: Node | null, fallback: Place, depth: number): Tree {
    const at = this.placeOf(node, fallback);
    if (depth > MAX_DEPTH)
      return this.refuse(at, 'nested too deeply', 'Flatten the file: a workload needs six levels.');
    if (node === null) return { ...at, kind: 'scalar', text: '', isNull: true };
    if (isAlias(node)) return this.refuse(at, 'a YAML alias', 'Write the value out: aliases are not supported.');
    if (isMap(node)) return { ...at, kind: 'map', members: this.members(node.items, at, depth) };
    if (isSeq(node)) {
      const items = node.items.map((item, index) =>
        this.build(item as Node, { ...at, path: `${at.path}[${index}]` }, depth + 1),
      );
      return { ...at, kind: 'list', items };
    }
    if (!isScalar(node)) return this.refuse(at, 'an unknown YAML node', 'Use maps, lists and plain values.');
    if (node.value === null) return { ...at, kind: 'scalar', text: '', isNull: true };
    return { ...at, kind: 'scalar', text: this.fill(node.source ?? String(node.value), at), isNull: false };
  }

  private members(pairs: Pair[], parent: Place, depth: number): Map<string, Member> {
    const members = new Map<string, Member>();
    for (const pair of pairs) {
      const node = pair.key as Node;
      const key = isScalar(node) ? (node.source ?? String(node.value)) : '';
      const at = this.placeOf(node, parent);
      if (key === '') {
        this.refuse(at, 'a key that is no plain text', 'Use plain text for keys.');
        continue;
      }
      const path = parent.path === '' ? key : `${parent.path}.${key}`;
      members.set(key, { ...at, path, key, value: this.build(pair.value as Node | null, { ...at, path }, depth + 1) });
    }
    return members;
  }

  private fill(text: string, at: Place): string {
    const { value, missing, malformed } = interpolate(text, this.env);
    for (const name of missing) {
      const message = `the variable ${name} is not set`;
      const remedy = `Set ${name}, or give a default: \${${name}:-value}.`;
      this.problems.push({ ...at, code: 'VARIABLE_MISSING', message, remedy });
    }
    if (malformed !== null) {
      const remedy = 'Write a variable as \u0024{NAME} or \u0024{NAME:-default}, and $$ for a dollar sign.';
      this.problems.push({ ...at, code: 'VALUE_INVALID', message: `"${malformed}" is no variable`, remedy });
    }
    return value;
  }

  private refuse(at: Place, what: string, remedy: string): Tree {
    this.problems.push({ ...at, code: 'SYNTAX', message: what, remedy });
    return { ...at, kind: 'scalar', text: '', isNull: true };
  }

  private placeOf(node: Node | null, fallback: Place): Place {
    const offset = node?.range?.[0];
    if (offset === undefined) return fallback;
    const { line, col } = this.lines.linePos(offset);
    return { path: fallback.path, line, column: col };
  }
}
