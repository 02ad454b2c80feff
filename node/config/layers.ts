import { didYouMean } from './did-you-mean.ts';
import { type KeyTree, keysAt, leafPaths, parseText, variableOf } from './keys.ts';
import type { Problem } from './problems.ts';

/** Raw values from one source, and where each came from. */
export interface Layer {
  values: { path: string; value: unknown; source: string }[];
  problems: Problem[];
}

/** Variables of this program that are no configuration keys. */
const OTHER_VARIABLES = ['EAAS_CONFIG'];

/** `EAAS_SECTION_KEY` variables. One that resembles a key is a mistake; any other belongs to another program. */
export function environmentLayer(env: Record<string, string | undefined>, keys: KeyTree): Layer {
  const leaves = new Map(leafPaths(keys).map((leaf) => [variableOf(leaf.path), leaf]));
  const layer: Layer = { values: [], problems: [] };
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith('EAAS_') || text === undefined || OTHER_VARIABLES.includes(variable)) continue;
    const leaf = leaves.get(variable);
    if (leaf !== undefined) {
      layer.values.push({ path: leaf.path, value: parseText(text, leaf.kind, leaf.nullable), source: variable });
      continue;
    }
    const meant = didYouMean(
      variable.slice(5),
      [...leaves.keys()].map((known) => known.slice(5)),
    );
    if (meant === null) continue;
    const remedy = `did you mean EAAS_${meant}?`;
    layer.problems.push({ path: '', source: variable, line: null, column: null, message: 'unknown variable', remedy });
  }
  return layer;
}

/** Flags by dotted path. Text is turned into the key's kind; undefined means that the flag was not given. */
export function flagLayer(flags: Record<string, unknown>, keys: KeyTree): Layer {
  const leaves = new Map(leafPaths(keys).map((leaf) => [leaf.path, leaf]));
  const layer: Layer = { values: [], problems: [] };
  for (const [path, given] of Object.entries(flags)) {
    if (given === undefined) continue;
    const source = `--${path}`;
    const leaf = leaves.get(path);
    if (leaf !== undefined) {
      const value = typeof given === 'string' ? parseText(given, leaf.kind, leaf.nullable) : given;
      layer.values.push({ path, value, source });
    } else if (keysAt(keys, path.split('.')) !== null) {
      layer.values.push({ path, value: given, source });
    } else {
      const meant = didYouMean(path, [...leaves.keys()]);
      const remedy = meant === null ? 'leave it out' : `did you mean "${meant}"?`;
      layer.problems.push({ path, source, line: null, column: null, message: 'unknown key', remedy });
    }
  }
  return layer;
}

/** Puts the values of a layer over a tree of plain data; returns a new tree. Where a value already is, it is replaced. */
export function applyLayer(base: unknown, layer: Layer): unknown {
  const root = structuredClone(isTree(base) ? base : {});
  for (const { path, value } of layer.values) {
    const parts = path.split('.');
    const last = parts.pop() ?? '';
    let here: Record<string, unknown> = root;
    for (const part of parts) {
      const inner = here[part];
      const next: Record<string, unknown> = isTree(inner) ? inner : {};
      here[part] = next;
      here = next;
    }
    here[last] = value;
  }
  return root;
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
