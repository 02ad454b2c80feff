import { getAddress, isAddress } from 'ethers';
import { between, type FieldReader, integerBetween, matching, oneOf } from './compose-fields.ts';
import type { MapTree, Tree } from './compose-tree.ts';
import { cellAt, isPlaceCell } from './place.ts';
import { interfaceSchema } from './resources.ts';
import { activationSchema, type Duties, tierSchema } from './terms.ts';
import { parseBitsPerSec, parseBytes, parseDurationMs, parseMetres, parseMoney, perHourToPerSec } from './units.ts';

/** The market's part of a workload file: the `x-eaas` section, with defaults filled in. */
export interface ComposeMarket {
  /** H3 cell of resolution 7, or the one the file names. */
  cell: string;
  maxDistanceM: number;
  interfaces: string[];
  /** LoRaWAN device addresses, 8 hex digits each. */
  devices: string[];
  tier: Duties['tier'];
  activation: Duties['activation'];
  /** How many witnesses to name, and how many of them decide. */
  witnesses: { count: number; quorum: number };
  termSec: number;
  heartbeatIntervalMs: number;
  suspectAfterMissed: number;
  frameBufferSec: number;
  maxStandbyWeiPerSec: bigint;
  maxActiveWeiPerSec: bigint;
  /** The least that the provider must put at stake, wei. */
  minProviderStake: bigint;
  cloud: Duties['cloud'];
  storageBytes: number;
  bandwidthBps: number;
}

const KEYS = [
  'place',
  'maxDistance',
  'interfaces',
  'devices',
  'tier',
  'activation',
  'witnesses',
  'term',
  'heartbeat',
  'suspectAfterMissed',
  'frameBuffer',
  'price',
  'stake',
  'cloud',
  'storage',
  'bandwidth',
] as const;

/** Undefined when a problem was found that leaves a member without a value. */
export function readMarket(reader: FieldReader, tree: Tree): ComposeMarket | undefined {
  const map = reader.map(tree, { allowed: KEYS });
  if (map === undefined) return undefined;
  const found = {
    ...readPlace(reader, map),
    ...readDuties(reader, map),
    ...readTimes(reader, map),
    ...readMoney(reader, map),
  };
  return Object.values(found).some((value) => value === undefined) ? undefined : (found as ComposeMarket);
}

type Found = { [Key in keyof ComposeMarket]?: ComposeMarket[Key] | undefined };

function readPlace(reader: FieldReader, map: MapTree): Found {
  return {
    cell: reader.required(map, 'place', 'Say where: `place: { lat: -22.87, lng: -43.17 }`, or an H3 cell.', (tree) =>
      tree.kind === 'map'
        ? readPoint(reader, tree)
        : reader.value(tree, 'an H3 cell of resolution 5 or finer', parseCell),
    ),
    maxDistanceM: reader.optional(map, 'maxDistance', 10_000, (tree) =>
      reader.value(tree, 'a distance such as "5km" or "800m"', between(parseMetres, 0, 20_000_000)),
    ),
    storageBytes: reader.optional(map, 'storage', 256 * 1024 ** 2, (tree) =>
      reader.value(tree, 'a size such as "256Mi"', parseBytes),
    ),
    bandwidthBps: reader.optional(map, 'bandwidth', 0, (tree) =>
      reader.value(tree, 'a rate such as "1Mbps"', parseBitsPerSec),
    ),
  };
}

function readPoint(reader: FieldReader, tree: Tree): string | undefined {
  const map = reader.map(tree, { allowed: ['lat', 'lng'] });
  if (map === undefined) return undefined;
  const degrees = (key: string, limit: number): number | undefined =>
    reader.required(map, key, `Give ${key} in degrees.`, (value) =>
      reader.value(value, `degrees from -${limit} to ${limit}`, between(parseDegrees, -limit, limit)),
    );
  const lat = degrees('lat', 90);
  const lng = degrees('lng', 180);
  return lat === undefined || lng === undefined ? undefined : cellAt(lat, lng);
}

function readDuties(reader: FieldReader, map: MapTree): Found {
  return {
    interfaces: reader.optional(map, 'interfaces', [], (tree) =>
      reader.items(tree, 16, (item) =>
        reader.value(
          item,
          'an interface such as "lorawan-eu868"',
          (text) => interfaceSchema.safeParse(text).data ?? null,
        ),
      ),
    ),
    devices: reader.optional(map, 'devices', [], (tree) =>
      reader.items(tree, 1024, (item) =>
        reader.value(item, 'a device address of 8 hex digits', (text) => parseDevice(text.toLowerCase())),
      ),
    ),
    tier: reader.required(map, 'tier', 'Say how ready: `tier: warm`.', (tree) =>
      reader.value(tree, `one of ${tierSchema.options.join(', ')}`, oneOf(tierSchema.options)),
    ),
    activation: reader.required(map, 'activation', 'Say when it runs: `activation: failure`.', (tree) =>
      reader.value(tree, `one of ${activationSchema.options.join(', ')}`, oneOf(activationSchema.options)),
    ),
    witnesses: reader.optional(map, 'witnesses', { count: 0, quorum: 0 }, (tree) => readWitnesses(reader, tree)),
    cloud: reader.optional(map, 'cloud', null, (tree) => readCloud(reader, tree)),
  };
}

function readTimes(reader: FieldReader, map: MapTree): Found {
  return {
    termSec: reader.required(map, 'term', 'Say how long: `term: 24h`.', (tree) =>
      reader.value(
        tree,
        'a duration from 1s to 366d in whole seconds, such as "24h"',
        between(parseSeconds, 1, 31_622_400),
      ),
    ),
    heartbeatIntervalMs: reader.optional(map, 'heartbeat', 1000, (tree) =>
      reader.value(tree, 'a duration from 50ms to 10m, such as "1s"', between(parseDurationMs, 50, 600_000)),
    ),
    suspectAfterMissed: reader.optional(map, 'suspectAfterMissed', 2, (tree) =>
      reader.value(tree, 'a number from 1 to 100', integerBetween(1, 100)),
    ),
    frameBufferSec: reader.optional(map, 'frameBuffer', 60, (tree) =>
      reader.value(tree, 'a duration up to 10m in whole seconds, such as "60s"', between(parseSeconds, 0, 600)),
    ),
  };
}

function readMoney(reader: FieldReader, map: MapTree): Found {
  const example = 'Give both ceilings: `price: { standbyPerHourMax: "0.01", activePerHourMax: "0.1" }`.';
  const price = reader.required(map, 'price', example, (tree) =>
    reader.map(tree, { allowed: ['standbyPerHourMax', 'activePerHourMax'] }),
  );
  const ceiling = (key: string): bigint | undefined =>
    price && reader.required(price, key, example, (tree) => readCeiling(reader, tree));
  return {
    maxStandbyWeiPerSec: ceiling('standbyPerHourMax'),
    maxActiveWeiPerSec: ceiling('activePerHourMax'),
    minProviderStake: reader.required(map, 'stake', 'Say what the provider must risk: `stake: "5"`.', (tree) =>
      reader.value(tree, 'an amount such as "5"', parseAmount),
    ),
  };
}

function readCeiling(reader: FieldReader, tree: Tree): bigint | undefined {
  const perHour = reader.value(tree, 'an amount such as "0.02"', parseAmount);
  return perHour === undefined ? undefined : perHourToPerSec(perHour, 'down');
}

function readWitnesses(reader: FieldReader, tree: Tree): ComposeMarket['witnesses'] | undefined {
  const map = reader.map(tree, { allowed: ['count', 'quorum'] });
  if (map === undefined) return undefined;
  const number = (key: string): number | undefined =>
    reader.required(map, key, 'Give both: `witnesses: { count: 2, quorum: 1 }`.', (value) =>
      reader.value(value, 'a number from 0 to 16', integerBetween(0, 16)),
    );
  const count = number('count');
  const quorum = number('quorum');
  if (count === undefined || quorum === undefined) return undefined;
  if (quorum <= count && (quorum > 0 || count === 0)) return { count, quorum };
  const remedy = `Choose a quorum from 1 to ${count}, or leave witnesses out.`;
  reader.problem(tree, 'VALUE_INVALID', `a quorum of ${quorum} among ${count} witnesses cannot decide`, remedy);
  return undefined;
}

function readCloud(reader: FieldReader, tree: Tree): Duties['cloud'] | undefined {
  const map = reader.map(tree, { allowed: ['url', 'address'] });
  if (map === undefined) return undefined;
  const remedy = 'Give both: `cloud: { url: "https://…", address: "0x…" }`, or leave cloud out.';
  const url = reader.required(map, 'url', remedy, (value) => reader.value(value, 'an http or https address', parseUrl));
  const address = reader.required(map, 'address', remedy, (value) =>
    reader.value(value, 'an account of 0x and 40 hex digits', parseAccount),
  );
  return url === undefined || address === undefined ? undefined : { url, address };
}

const parseDevice = matching(/^[0-9a-f]{8}$/);

function parseCell(text: string): string | null {
  return isPlaceCell(text) ? text : null;
}

function parseAccount(text: string): string | null {
  return isAddress(text) && text.startsWith('0x') ? getAddress(text) : null;
}

function parseDegrees(text: string): number | null {
  return /^-?\d{1,3}(\.\d{1,15})?$/.test(text) ? Number(text) : null;
}

function parseSeconds(text: string): number | null {
  const ms = parseDurationMs(text);
  return ms === null || ms % 1000 !== 0 ? null : ms / 1000;
}

/** What terms can hold. */
function parseAmount(text: string): bigint | null {
  const wei = parseMoney(text);
  return wei === null || wei >= 2n ** 104n ? null : wei;
}

function parseUrl(text: string): string | null {
  const { protocol } = URL.parse(text) ?? {};
  return (protocol === 'http:' || protocol === 'https:') && text.length <= 256 ? text : null;
}
