import { readdir, readFile, statfs } from 'node:fs/promises';
import { cpus, freemem, loadavg, uptime } from 'node:os';
import { join } from 'node:path';
import type { Resources } from '../market/resources.ts';

/** What a device cannot measure about itself and its owner states in the configuration. */
export interface Stated {
  bandwidthBps: number;
  interfaces: string[];
}

/** Days of uptime after which a device counts as always there; younger ones count in proportion. */
const TRUSTED_UPTIME_SEC = 86_400;
const POWER_DIR = '/sys/class/power_supply';

/** Charge of the first battery in thousandths; 1000 for a device without one. */
async function batteryPermille(): Promise<number> {
  const supplies = await readdir(POWER_DIR).catch(() => [] as string[]);
  for (const supply of supplies) {
    const capacity = await readFile(join(POWER_DIR, supply, 'capacity'), 'utf8').catch(() => null);
    if (capacity !== null) return Math.min(1000, Math.max(0, Number(capacity.trim()) * 10));
  }
  return 1000;
}

/** `MemAvailable` where the kernel tells it (it counts caches that can be given back), else the free memory. */
async function availableMemory(): Promise<number> {
  const meminfo = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const kib = /^MemAvailable:\s+(\d+) kB/m.exec(meminfo)?.[1];
  return kib === undefined ? freemem() : Number(kib) * 1024;
}

/** Idle cores; on a busy device the share that the scheduler gives to one more task, which is never nothing. */
export function spareCores(cores: number, load: number): number {
  return Math.max(cores - load, cores / (load + 1));
}

/** The resource vector R' of this device now: what is spare, not what is built in. */
export async function measureDevice(dataDir: string, stated: Stated): Promise<Resources> {
  const disk = await statfs(dataDir);
  return {
    cpuMillis: Math.round(spareCores(cpus().length, loadavg()[0] ?? 0) * 1000),
    memoryBytes: await availableMemory(),
    storageBytes: disk.bavail * disk.bsize,
    bandwidthBps: stated.bandwidthBps,
    interfaces: stated.interfaces,
    uptimePermille: Math.min(1000, Math.round((uptime() / TRUSTED_UPTIME_SEC) * 1000)),
    batteryPermille: await batteryPermille(),
  };
}
