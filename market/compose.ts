import { FieldReader, matching } from './compose-fields.ts';
import { type ComposeMarket, readMarket } from './compose-market.ts';
import { REFUSED_TOP_KEYS } from './compose-refusals.ts';
import { type ComposeService, readService } from './compose-service.ts';
import { type ComposeProblem, type MapTree, readTree, type Tree } from './compose-tree.ts';
import type { Need } from './resources.ts';

/** A workload file, read. Images are not resolved yet. */
export interface ComposeWorkload extends ComposeMarket {
  /** From `name`, or that of the first service. */
  name: string;
  services: ComposeService[];
  /** Sum of the services' limits, and what `x-eaas` adds. */
  need: Need;
}

export type ComposeResult = { ok: true; workload: ComposeWorkload } | { ok: false; problems: ComposeProblem[] };

const MAX_SERVICES = 8;
const parseName = matching(/^[a-z0-9][a-z0-9_-]{0,62}$/);

/**
 * Reads a workload file: a strict subset of Compose and an `x-eaas` section. Everything that is not known to be
 * harmless is refused by name. Reports all problems at once, in the order of the file; never throws.
 *
 * @param env values of `${VAR}`; the process environment is not read.
 */
export function parseCompose(text: string, env: Record<string, string> = {}): ComposeResult {
  const problems: ComposeProblem[] = [];
  const tree = readTree(text, env, problems);
  const workload = tree === null ? undefined : readWorkload(new FieldReader(problems), tree);
  if (workload !== undefined && problems.length === 0) return { ok: true, workload };
  return { ok: false, problems: problems.sort((a, b) => a.line - b.line || a.column - b.column) };
}

function readWorkload(reader: FieldReader, tree: Tree): ComposeWorkload | undefined {
  const map = reader.map(tree, { allowed: ['name', 'services', 'x-eaas'], refused: REFUSED_TOP_KEYS });
  if (map === undefined) return undefined;
  const services = readServices(reader, map);
  const market = reader.required(
    map,
    'x-eaas',
    'Add an x-eaas section with place, tier, activation, term, price, stake.',
    (at) => readMarket(reader, at),
  );
  const name = reader.optional(map, 'name', services?.[0]?.name, (at) =>
    reader.value(at, 'a name of small letters, digits, - and _', parseName),
  );
  if (services === undefined || market === undefined || name === undefined) return undefined;
  return { ...market, name, services, need: needOf(services, market) };
}

function readServices(reader: FieldReader, map: MapTree): ComposeService[] | undefined {
  const members = reader.required(map, 'services', 'Name at least one service.', (tree) => reader.map(tree, null));
  if (members === undefined) return undefined;
  const all = [...members.members.values()];
  if (all.length < 1 || all.length > MAX_SERVICES) {
    const remedy = `Have 1 to ${MAX_SERVICES} services.`;
    reader.problem(members, 'VALUE_INVALID', `services has ${all.length} members`, remedy);
  }
  for (const member of all.filter(({ key }) => parseName(key) === null)) {
    const remedy = 'Use small letters, digits, - and _.';
    reader.problem(member, 'VALUE_INVALID', `"${member.key.slice(0, 80)}" is no name of a service`, remedy);
  }
  const services = all.map((member) => readService(reader, member));
  return services.some((service) => service === undefined)
    ? undefined
    : services.filter((service) => service !== undefined);
}

function needOf(services: ComposeService[], market: ComposeMarket): Need {
  return {
    cpuMillis: services.reduce((sum, service) => sum + service.cpuMillis, 0),
    memoryBytes: services.reduce((sum, service) => sum + service.memoryBytes, 0),
    storageBytes: market.storageBytes,
    bandwidthBps: market.bandwidthBps,
    interfaces: market.interfaces,
  };
}
