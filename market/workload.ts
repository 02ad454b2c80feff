import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from './canonical.ts';
import { needSchema } from './resources.ts';

const digestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/);

/** One container of a workload. */
export const serviceSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/),
  /** Digest of the image's OCI manifest: what runs is what was agreed. */
  imageDigest: digestSchema,
  command: z.array(z.string().max(4096)).max(64).nullable(),
  environment: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/), z.string().max(4096)),
  cpuMillis: z.int().min(10).max(1_024_000),
  memoryBytes: z.int().min(4 * 1024 * 1024),
  pids: z.int().min(1).max(4096),
});
export type Service = z.infer<typeof serviceSchema>;

/** The content-addressed description of a workload: what the provider must be able to run. Holds no secrets. */
export const manifestSchema = z.strictObject({
  version: z.literal(1),
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/),
  services: z.array(serviceSchema).min(1).max(8),
  need: needSchema,
  /** LoRaWAN device addresses whose frames the workload reads. */
  devices: z.array(z.string().regex(/^[0-9a-f]{8}$/)).max(1024),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** sha256 of the canonical manifest, 0x-prefixed: `duties.workloadHash`. */
export function workloadHash(manifest: Manifest): string {
  return `0x${createHash('sha256').update(canonicalJson(manifest)).digest('hex')}`;
}
