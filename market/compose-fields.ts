import type { ComposeProblem, ComposeProblemCode, ListTree, MapTree, Tree } from './compose-tree.ts';

/** The keys a map may have, and those it must not have, with their remedies. */
export interface KeyRules {
  allowed: readonly string[];
  refused?: ReadonlyMap<string, string>;
}

/**
 * Takes typed values out of a tree. A value that is missing or wrong adds a problem and comes back as undefined, so
 * that one reading reports everything at once.
 */
export class FieldReader {
  private readonly problems: ComposeProblem[];

  constructor(problems: ComposeProblem[]) {
    this.problems = problems;
  }

  problem(at: Pick<Tree, 'path' | 'line' | 'column'>, code: ComposeProblemCode, message: string, remedy: string): void {
    this.problems.push({ code, path: at.path, line: at.line, column: at.column, message, remedy });
  }

  /** A map with these keys only. */
  map(tree: Tree, rules: KeyRules | null): MapTree | undefined {
    if (tree.kind !== 'map') {
      this.problem(tree, 'VALUE_INVALID', `${nameOf(tree)} must be a map`, 'Write keys and values, indented.');
      return undefined;
    }
    for (const member of rules === null ? [] : tree.members.values()) {
      if (rules?.allowed.includes(member.key)) continue;
      const remedy = rules?.refused?.get(member.key);
      if (remedy !== undefined) {
        this.problem(member, 'KEY_REFUSED', `${member.key} is refused`, remedy);
      } else {
        const known = `Remove it, or use one of: ${rules?.allowed.join(', ')}.`;
        this.problem(member, 'KEY_UNKNOWN', `${member.key} is not known here`, known);
      }
    }
    return tree;
  }

  list(tree: Tree): ListTree | undefined {
    if (tree.kind === 'list') return tree;
    this.problem(
      tree,
      'VALUE_INVALID',
      `${nameOf(tree)} must be a list`,
      'Write one item per line, each after a dash.',
    );
    return undefined;
  }

  text(tree: Tree): string | undefined {
    if (tree.kind === 'scalar' && !tree.isNull) return tree.text;
    this.problem(tree, 'VALUE_INVALID', `${nameOf(tree)} must be a single value`, 'Write the value after the colon.');
    return undefined;
  }

  /** A text that `parse` understands; `expected` says what that is, with an example. */
  value<T>(tree: Tree, expected: string, parse: (text: string) => T | null): T | undefined {
    const text = this.text(tree);
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value !== null) return value;
    this.problem(
      tree,
      'VALUE_INVALID',
      `${nameOf(tree)}: "${text.slice(0, 80)}" is not ${expected}`,
      `Write ${expected}.`,
    );
    return undefined;
  }

  /** The member of a map, read; undefined (with a problem) when it is missing. */
  required<T>(map: MapTree, key: string, remedy: string, read: (tree: Tree) => T | undefined): T | undefined {
    const member = map.members.get(key);
    if (member !== undefined) return read(member.value);
    this.problem(map, 'KEY_MISSING', `${map.path === '' ? 'the file' : map.path} has no ${key}`, remedy);
    return undefined;
  }

  /** The member of a map, read; the fallback when it is missing. */
  optional<T, F>(map: MapTree, key: string, fallback: F, read: (tree: Tree) => T | undefined): T | F | undefined {
    const member = map.members.get(key);
    return member === undefined ? fallback : read(member.value);
  }

  /** The items of a list, each read. */
  items<T>(tree: Tree, max: number, read: (item: Tree) => T | undefined): T[] | undefined {
    const list = this.list(tree);
    if (list === undefined) return undefined;
    if (list.items.length > max) {
      this.problem(tree, 'VALUE_INVALID', `${nameOf(tree)} has ${list.items.length} items`, `Keep it to ${max}.`);
      return undefined;
    }
    return list.items.flatMap((item) => read(item) ?? []);
  }
}

export function integerBetween(min: number, max: number): (text: string) => number | null {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : null;
  };
}

export function oneOf<const T extends string>(values: readonly T[]): (text: string) => T | null {
  return (text) => values.find((value) => value === text) ?? null;
}

export function matching(pattern: RegExp): (text: string) => string | null {
  return (text) => (pattern.test(text) ? text : null);
}

export function between(
  parse: (text: string) => number | null,
  min: number,
  max: number,
): (text: string) => number | null {
  return (text) => {
    const value = parse(text);
    return value !== null && value >= min && value <= max ? value : null;
  };
}

function nameOf(tree: Tree): string {
  return tree.path === '' ? 'the file' : tree.path;
}
