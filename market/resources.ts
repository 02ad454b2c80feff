import { z } from 'zod';

/** A connectivity interface a device can lend, such as `lorawan-eu868`, `ble`, `ethernet`, `wifi`. */
export const interfaceSchema = z.string().regex(/^[a-z0-9-]{1,32}$/);

/** What a workload needs, or what an offer has to spare. */
export const needSchema = z.strictObject({
  /** Thousandths of one core. */
  cpuMillis: z.int().min(0).max(1_024_000),
  memoryBytes: z.int().min(0),
  storageBytes: z.int().min(0),
  /** Bits per second, the smaller of up and down. */
  bandwidthBps: z.int().min(0),
  interfaces: z.array(interfaceSchema).max(16),
});
export type Need = z.infer<typeof needSchema>;

/** The resource vector R' of a device: its need-shaped spare capacity, and how long it is likely to be there. */
export const resourcesSchema = z.strictObject({
  ...needSchema.shape,
  /** Share of the observed time the device was up, in thousandths. */
  uptimePermille: z.int().min(0).max(1000),
  /** Charge in thousandths; 1000 for a device on mains. */
  batteryPermille: z.int().min(0).max(1000),
});
export type Resources = z.infer<typeof resourcesSchema>;
