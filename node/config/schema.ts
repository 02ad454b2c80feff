import { z } from 'zod';
import { cellAt, isPlaceCell } from '../../market/place.ts';
import { customerPolicySchema, providerPolicySchema } from '../../market/policy.ts';
import { interfaceSchema } from '../../market/resources.ts';

const port = z.int().min(0).max(65_535);
const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'is no address (0x and 40 hex digits)');
const multiaddr = z.string().max(256).regex(/^\//, 'is no multiaddr: it begins with /ip4/, /ip6/ or /dns');

const chainSchema = z.strictObject({
  /** JSON-RPC of an Ethereum node. */
  rpcUrl: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// address' }),
  chainId: z.int().min(1),
  escrow: address,
  token: address,
});

/** Coordinates, or the H3 cell that holds them. Parsed into the cell that orders are gossiped under. */
const placeSchema = z
  .strictObject({
    lat: z.number().min(-90).max(90).optional(),
    lng: z.number().min(-180).max(180).optional(),
    cell: z.string().refine(isPlaceCell, 'is no H3 cell of resolution 5 or finer').optional(),
  })
  .transform(({ lat, lng, cell }, context): { cell: string } => {
    if (cell !== undefined && lat === undefined && lng === undefined) return { cell };
    if (cell === undefined && lat !== undefined && lng !== undefined) return { cell: cellAt(lat, lng) };
    context.addIssue({ code: 'custom', message: 'give either lat and lng, or cell' });
    return z.NEVER;
  });

const p2pSchema = z.strictObject({
  listen: z.array(multiaddr).min(1).max(8).default(['/ip4/0.0.0.0/tcp/4401']),
  /** Multiaddrs with `/p2p/` of nodes that know others. */
  bootstrap: z
    .array(multiaddr.regex(/\/p2p\/[1-9A-HJ-NP-Za-km-z]+$/, 'must end in /p2p/ and a peer id'))
    .max(32)
    .default([]),
  mdns: z.boolean().default(true),
});

const southSchema = z.strictObject({
  /** Semtech packet forwarder; null for a device without a radio. */
  udpPort: port.nullable().default(null),
  host: z.string().default('0.0.0.0'),
  /** EUIs (16 hex digits) of gateways that are listened to; empty for all. */
  allowedGateways: z.array(z.string().regex(/^[0-9a-f]{16}$/, 'is no gateway EUI (16 hex digits)')).default([]),
});

const cloudSchema = z.strictObject({
  port: port.default(9490),
  host: z.string().default('127.0.0.1'),
  /** Accounts whose agreements may deliver here; empty for none. */
  customers: z.array(address).default([]),
});

const keystoreSchema = z.strictObject({
  /** Null asks on the terminal. */
  passwordFile: z.string().min(1).nullable().default(null),
  /** Cost of guessing the password: a power of two. Raising it slows every start. */
  scryptN: z
    .int()
    .min(1_024)
    .max(2 ** 20)
    .refine((value) => Number.isInteger(Math.log2(value)), 'must be a power of two')
    .default(131_072),
});

const shape = z.strictObject({
  /** `edge` runs and insures workloads, `cloud` receives what they deliver. */
  role: z.enum(['edge', 'cloud']).default('edge'),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be 1 to 32 of a-z, 0-9 and -'),
  dataDir: z.string().min(1).default('~/.eaas'),
  chain: chainSchema,
  place: placeSchema.optional(),
  p2p: p2pSchema.prefault({}),
  south: southSchema.prefault({}),
  /** Connectivity the device can lend, such as `lorawan-eu868`. */
  interfaces: z.array(interfaceSchema).max(16).default([]),
  /** The local HTTP API, on 127.0.0.1 only; 0 takes a free port. */
  api: z.strictObject({ port: port.default(9477) }).prefault({}),
  cloud: cloudSchema.optional(),
  runtime: z.enum(['auto', 'docker', 'namespaces', 'process']).default('auto'),
  /** Policy for renting out; without it the node offers nothing. */
  offer: providerPolicySchema.optional(),
  /** Policy for insuring own containers. */
  insure: customerPolicySchema.prefault({}),
  /** Of new agreements. Shorter finds a failure sooner and sends more. */
  heartbeatIntervalMs: z.int().min(50).max(600_000).default(1_000),
  log: z.strictObject({ level: z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('info') }).prefault({}),
  keystore: keystoreSchema.prefault({}),
});

/** Everything a node can be told, checked once at start and passed on as it is. */
export const configSchema = shape.superRefine((config, context) => {
  const demand = (key: 'place' | 'cloud', message: string) => {
    if (config[key] === undefined)
      context.addIssue({ code: 'custom', path: [key], message, params: { missing: true } });
  };
  if (config.role === 'edge') demand('place', 'is missing: an edge offers and looks for devices near its place');
  if (config.role === 'cloud') demand('cloud', 'is missing: the role "cloud" needs a port and its customers');
});
export type NodeConfig = z.infer<typeof configSchema>;

/** The schema's plain form, for walking over its keys. */
export function configJsonSchema(): unknown {
  return z.toJSONSchema(shape, { io: 'input', unrepresentable: 'any' });
}
