import type { z } from 'zod';
import { didYouMean } from './did-you-mean.ts';
import { type KeyTree, keysAt, variableOf } from './keys.ts';
import type { YamlFile } from './yaml-file.ts';

/** One thing wrong with a configuration, as precise as can be said. */
export interface Problem {
  /** Dotted path of the key; empty for the whole file. */
  path: string;
  /** The file, the variable or the flag that says it; the file too for what is missing. */
  source: string;
  /** From 1; null for variables and flags. */
  line: number | null;
  column: number | null;
  message: string;
  remedy: string;
}

/** Where values came from, for pointing at them. */
export interface Sources {
  file: YamlFile | null;
  /** Source of each path that the environment or a flag set. */
  overrides: ReadonlyMap<string, string>;
  keys: KeyTree;
}

type Issue = z.core.$ZodIssue;

/** The problems behind what zod found. A key that is missing because it is misspelt is one problem, not two. */
export function problemsOf(issues: readonly Issue[], value: unknown, sources: Sources): Problem[] {
  const unknown = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [],
  );
  const meant = new Set(unknown.map((path) => meantPath(path, sources)));
  const others = issues.filter((issue) => issue.code !== 'unrecognized_keys');
  return [
    ...unknown.map((path) => unknownKey(path, sources)),
    ...others.flatMap((issue) => {
      if (!isMissing(issue, value)) return [wrongValue(issue, value, sources)];
      return meant.has(issue.path.join('.')) ? [] : [missingKey(issue, sources)];
    }),
  ];
}

/** `eaas.yaml:4:3 chain.rpcurl: unknown key`. */
export function formatProblem({ source, line, column, path, message }: Problem): string {
  const where = line === null ? source : `${source}:${line}:${column}`;
  return `${where} ${path === '' ? '' : `${path}: `}${message}`;
}

function located(path: readonly PropertyKey[], sources: Sources): Pick<Problem, 'path' | 'source' | 'line' | 'column'> {
  const dotted = path.map(String).join('.');
  const override = sources.overrides.get(dotted) ?? sources.overrides.get(path.slice(0, -1).map(String).join('.'));
  if (override !== undefined) return { path: dotted, source: override, line: null, column: null };
  if (sources.file === null) return { path: dotted, source: 'configuration', line: null, column: null };
  return { path: dotted, source: sources.file.name, ...sources.file.positionOf(path) };
}

function unknownKey(path: PropertyKey[], sources: Sources): Problem {
  const known = keysAt(sources.keys, path.slice(0, -1)) ?? [];
  const meant = didYouMean(String(path.at(-1)), known);
  const remedy = meant === null ? `known here: ${known.join(', ')}` : `did you mean "${meant}"?`;
  return { ...located(path, sources), message: 'unknown key', remedy };
}

function meantPath(path: PropertyKey[], { keys }: Sources): string {
  const section = path.slice(0, -1);
  return [...section, didYouMean(String(path.at(-1)), keysAt(keys, section) ?? []) ?? ''].join('.');
}

function isMissing(issue: Issue, value: unknown): boolean {
  if (issue.code === 'custom' && issue.params?.missing === true) return true;
  return issue.code === 'invalid_type' && valueAt(value, issue.path) === undefined;
}

function missingKey(issue: Issue, sources: Sources): Problem {
  const dotted = issue.path.map(String).join('.');
  const message = issue.code === 'custom' ? issue.message : 'is missing';
  const hasVariable = keysAt(sources.keys, issue.path) === null;
  const remedy = `add it to the file${hasVariable ? ` or set ${variableOf(dotted)}` : ''}`;
  return { ...located(issue.path, sources), message, remedy };
}

function wrongValue(issue: Issue, value: unknown, sources: Sources): Problem {
  const given = valueAt(value, issue.path);
  const shown = typeof given === 'object' ? '' : ` (given: ${JSON.stringify(String(given).slice(0, 80))})`;
  return {
    ...located(issue.path, sources),
    message: `${decapitalize(issue.message)}${shown}`,
    remedy: hint(issue, given),
  };
}

function hint(issue: Issue, given: unknown): string {
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    const meant = didYouMean(String(given), values);
    return meant === null ? `use one of ${values.join(', ')}` : `did you mean "${meant}"?`;
  }
  if (issue.code === 'invalid_type' && issue.expected === 'string') return 'put the value in quotes';
  return 'correct the value, or leave the key out to take the default if it has one';
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let here = value;
  for (const key of path) here = (here as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return here;
}

function decapitalize(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
