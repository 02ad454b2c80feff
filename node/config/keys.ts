import { z } from 'zod';
import { configJsonSchema } from './schema.ts';

/** What a value given as text is turned into before it is checked. */
export type ValueKind = 'text' | 'number' | 'boolean' | 'list' | 'tree';

/** Keys of one section, by name. */
export interface KeyTree {
  [key: string]: { kind: ValueKind; nullable: boolean; keys: KeyTree | null };
}

interface JsonSchema {
  type?: string | string[];
  enum?: unknown[];
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
}
const jsonSchema: z.ZodType<JsonSchema> = z.lazy(() =>
  z.looseObject({
    type: z.union([z.string(), z.array(z.string())]).optional(),
    enum: z.array(z.unknown()).optional(),
    anyOf: z.array(jsonSchema).optional(),
    properties: z.record(z.string(), jsonSchema).optional(),
  }),
);

const KINDS: Record<string, ValueKind> = {
  string: 'text',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  array: 'list',
  object: 'tree',
};

/** The tree of keys, read off the schema: one definition for the file, the environment and the flags. */
export function configKeys(): KeyTree {
  return treeOf(jsonSchema.parse(configJsonSchema()));
}

function treeOf(schema: JsonSchema): KeyTree {
  const entries = Object.entries(schema.properties ?? {}).map(([key, member]) => {
    const variants = member.anyOf ?? [member];
    const types = variants.flatMap((variant) => variant.type ?? []);
    const kinds = types.flatMap((type) => KINDS[type] ?? []);
    // An amount may be written as text or number: as text nothing is lost.
    const kind = kinds.includes('text') ? 'text' : (kinds[0] ?? 'text');
    const tree = variants.find((variant) => variant.properties !== undefined);
    const nullable = types.includes('null');
    return [key, { kind, nullable, keys: tree ? treeOf(tree) : null }] as const;
  });
  return Object.fromEntries(entries);
}

/** Every key that holds a value, as a dotted path. */
export function leafPaths(keys: KeyTree, prefix = ''): { path: string; kind: ValueKind; nullable: boolean }[] {
  return Object.entries(keys).flatMap(([key, { kind, nullable, keys: inner }]) => {
    const path = prefix + key;
    return inner === null ? [{ path, kind, nullable }] : leafPaths(inner, `${path}.`);
  });
}

/** The keys that may stand at a path; null where the path leads to no section. */
export function keysAt(keys: KeyTree, path: readonly PropertyKey[]): string[] | null {
  let here: KeyTree | null = keys;
  for (const key of path) here = here?.[String(key)]?.keys ?? null;
  return here === null ? null : Object.keys(here);
}

/** `chain.rpcUrl` → `EAAS_CHAIN_RPC_URL`. */
export function variableOf(path: string): string {
  return `EAAS_${path
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`;
}

/** Turns text from the environment or a flag into a value of the right kind; text that does not fit stays text. */
export function parseText(text: string, kind: ValueKind, nullable: boolean): unknown {
  if (nullable && (text === '' || text === 'null')) return null;
  if (kind === 'number' && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
  if (kind === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  if (kind === 'list') return text === '' ? [] : text.split(',').map((item) => item.trim());
  return text;
}
