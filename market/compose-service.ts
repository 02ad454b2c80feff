import { between, type FieldReader, integerBetween, matching, oneOf } from './compose-fields.ts';
import { REFUSED_DEPLOY_KEYS, REFUSED_SERVICE_KEYS } from './compose-refusals.ts';
import type { MapTree, Member, Tree } from './compose-tree.ts';
import { parseBytes } from './units.ts';

export const RESTART_POLICIES = ['no', 'on-failure', 'always', 'unless-stopped'] as const;

/** One container as the workload file asks for it; the image is not resolved yet. */
export interface ComposeService {
  name: string;
  /** A digest (`sha256:…`, also after `name@`), or a local tag. */
  image: { digest: string } | { tag: string };
  /** Null runs the image's own command. */
  command: string[] | null;
  environment: Record<string, string>;
  cpuMillis: number;
  memoryBytes: number;
  pids: number;
  restart: (typeof RESTART_POLICIES)[number];
}

const SERVICE_KEYS = [
  'image',
  'command',
  'environment',
  'cpus',
  'mem_limit',
  'pids_limit',
  'deploy',
  'read_only',
  'restart',
] as const;
const DEFAULT_PIDS = 128;
const MAX_VARIABLES = 256;
const MIN_MEMORY_BYTES = 4 * 1024 ** 2;
const MAX_MEMORY_BYTES = 1024 ** 4;

/** Undefined when a problem was found. */
export function readService(reader: FieldReader, { key: name, value }: Member): ComposeService | undefined {
  const map = reader.map(value, { allowed: SERVICE_KEYS, refused: REFUSED_SERVICE_KEYS });
  if (map === undefined) return undefined;
  const image = reader.required(map, 'image', 'Name a local image (`name:tag`) or its digest.', (tree) =>
    reader.value(tree, 'an image such as "device-service:1" or "sha256:<64 hex digits>"', parseImage),
  );
  const command = reader.optional(map, 'command', null, (tree) => readCommand(reader, tree));
  const environment = reader.optional(map, 'environment', {}, (tree) => readEnvironment(reader, tree));
  const restart = reader.optional(map, 'restart', 'no' as const, (tree) =>
    reader.value(tree, `one of ${RESTART_POLICIES.join(', ')}`, oneOf(RESTART_POLICIES)),
  );
  reader.optional(map, 'read_only', true, (tree) =>
    reader.value(tree, 'true: the root file system is always read-only', (text) => (text === 'true' ? true : null)),
  );
  const limits = readLimits(reader, map);
  if (image === undefined || command === undefined || environment === undefined || restart === undefined)
    return undefined;
  return limits === undefined ? undefined : { name, image, command, environment, restart, ...limits };
}

type Limits = Pick<ComposeService, 'cpuMillis' | 'memoryBytes' | 'pids'>;

/** Compose has two places for limits; either will do, both must agree. */
function readLimits(reader: FieldReader, service: MapTree): Limits | undefined {
  const deploy = readDeployLimits(reader, service);
  const pick = <T>(key: string, deployKey: string, fallback: T | undefined, parse: (tree: Tree) => T | undefined) => {
    const direct = service.members.get(key);
    const nested = deploy?.members.get(deployKey);
    const values = [direct, nested].flatMap((member) => (member === undefined ? [] : [parse(member.value)]));
    if (direct !== undefined && nested !== undefined && values[0] !== values[1]) {
      const message = `${key} and deploy.resources.limits.${deployKey} differ`;
      reader.problem(nested, 'VALUE_CONFLICT', message, 'Give one of them.');
    }
    if (values.length > 0) return values[0];
    if (fallback !== undefined) return fallback;
    const remedy = `Give ${key}, or deploy.resources.limits.${deployKey}: the provider must know what to reserve.`;
    reader.problem(service, 'KEY_MISSING', `${service.path} has no ${key}`, remedy);
    return undefined;
  };
  const cpuMillis = pick('cpus', 'cpus', undefined, (tree) =>
    reader.value(tree, 'a number of cores from 0.01 to 1024, such as "0.25"', between(parseCores, 10, 1_024_000)),
  );
  const memoryBytes = pick('mem_limit', 'memory', undefined, (tree) =>
    reader.value(
      tree,
      'a size from 4m to 1024g, such as "64m"',
      between(parseBytes, MIN_MEMORY_BYTES, MAX_MEMORY_BYTES),
    ),
  );
  const pids = pick('pids_limit', 'pids', DEFAULT_PIDS, (tree) =>
    reader.value(tree, 'a number from 1 to 4096', integerBetween(1, 4096)),
  );
  if (cpuMillis === undefined || memoryBytes === undefined || pids === undefined) return undefined;
  return { cpuMillis, memoryBytes, pids };
}

function readDeployLimits(reader: FieldReader, service: MapTree): MapTree | undefined {
  const inside = (map: MapTree | undefined, key: string, allowed: string[]): MapTree | undefined =>
    map === undefined
      ? undefined
      : reader.optional(map, key, undefined, (tree) => reader.map(tree, { allowed, refused: REFUSED_DEPLOY_KEYS }));
  const resources = inside(inside(service, 'deploy', ['resources']), 'resources', ['limits']);
  return inside(resources, 'limits', ['cpus', 'memory', 'pids']);
}

function readCommand(reader: FieldReader, tree: Tree): string[] | undefined {
  if (tree.kind === 'list') {
    return reader.items(tree, 64, (item) => reader.value(item, 'at most 4096 characters', shortText));
  }
  const remedy = 'Write a list: ["node", "main.js"]. There is no shell that could split a line.';
  reader.problem(tree, 'VALUE_INVALID', `${tree.path} must be a list`, remedy);
  return undefined;
}

interface Variable {
  at: Tree;
  name: string;
  value: string;
}

/** A map, or a list of `KEY=value`. */
function readEnvironment(reader: FieldReader, tree: Tree): Record<string, string> | undefined {
  const variables = tree.kind === 'list' ? listedVariables(reader, tree) : mappedVariables(reader, tree);
  for (const { at, name } of variables ?? []) {
    if (parseVariableName(name) !== null) continue;
    const remedy = 'Use letters, digits and underscores, not starting with a digit.';
    reader.problem(at, 'VALUE_INVALID', `"${name.slice(0, 80)}" is no name of a variable`, remedy);
  }
  return variables && Object.fromEntries(variables.map(({ name, value }) => [name, value]));
}

function listedVariables(reader: FieldReader, tree: Tree): Variable[] | undefined {
  return reader.items(tree, MAX_VARIABLES, (at) =>
    reader.value(at, 'KEY=value of at most 4096 characters', (pair) => {
      const split = pair.indexOf('=');
      const value = shortText(pair.slice(split + 1));
      return split < 1 || value === null ? null : { at, name: pair.slice(0, split), value };
    }),
  );
}

function mappedVariables(reader: FieldReader, tree: Tree): Variable[] | undefined {
  const members = [...(reader.map(tree, null)?.members.values() ?? [])];
  return members.flatMap(({ key: name, value: at }) => {
    const value = reader.value(at, 'a text of at most 4096 characters', shortText);
    return value === undefined ? [] : [{ at, name, value }];
  });
}

const parseVariableName = matching(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/);

function shortText(text: string): string | null {
  return text.length <= 4096 ? text : null;
}

function parseCores(text: string): number | null {
  return /^\d{1,4}(\.\d{1,6})?$/.test(text) ? Math.round(Number(text) * 1000) : null;
}

function parseImage(text: string): ComposeService['image'] | null {
  const [, digest] = /^(?:[a-z0-9][a-z0-9._/:-]{0,200}@)?(sha256:[0-9a-f]{64})$/.exec(text) ?? [];
  if (digest !== undefined) return { digest };
  return /^[a-z0-9][a-z0-9._/-]{0,200}(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$/.test(text) ? { tag: text } : null;
}
