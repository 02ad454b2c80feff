import type { Need } from './resources.ts';
import type { Tier } from './terms.ts';

/** A workload that a provider stands by for. */
export interface StandbyLoad {
  need: Need;
  tier: Tier;
  /** Loads of one fault domain (same cell, same uplink) are taken to fail together. */
  faultDomain: string;
}

export interface OvercommitLimits {
  /** Chance that a fault domain is down at some moment; domains fail independently. */
  failureProbability: number;
  /** Highest accepted chance that more is needed at once than there is. */
  maxTogetherProbability: number;
}

export interface OvercommitResult {
  fits: boolean;
  /** Upper bound of the chance that the capacity does not suffice; 1 when something can never be served. */
  probability: number;
  /** What stands in the way, in plain words; null when it fits. */
  message: string | null;
}

/** Capacity is divided into this many parts for the calculation; loads are rounded up to whole parts. */
const PARTS = 1000;

/**
 * Whether stand-by capacity may be sold to all these loads, as an insurer sells more cover than it could pay at once.
 *
 * What a tier holds all the time is never sold twice: the storage of every load and the memory of hot ones. The rest
 * is needed by the fault domains that are down. A domain's load is the largest share it takes of any one resource, so
 * one sum bounds all resources at once and the result is never better than the truth. Cost: domains times 1,000 steps.
 */
export function standbyOvercommit(capacity: Need, loads: StandbyLoad[], limits: OvercommitLimits): OvercommitResult {
  if (Math.min(capacity.cpuMillis, capacity.memoryBytes, capacity.storageBytes, capacity.bandwidthBps) < 0) {
    return never('there is nothing left');
  }
  const left = withoutHeld(capacity, loads);
  if (left === null) return never('storage, or memory of hot workloads, would be sold twice');
  const alone = loads.find((load) => partsOf(callOf(load), left) > PARTS);
  if (alone !== undefined) return never('one workload alone needs more than there is');

  const probability = overflowProbability(domainParts(loads, left), limits.failureProbability);
  if (probability <= limits.maxTogetherProbability) return { fits: true, probability, message: null };
  const message =
    `the chance that more is needed at once than there is would be ${probability.toPrecision(2)}, ` +
    `at most ${limits.maxTogetherProbability} is allowed`;
  return { fits: false, probability, message };
}

/** Null when what is held all the time exceeds the capacity. */
function withoutHeld(capacity: Need, loads: StandbyLoad[]): Need | null {
  const held = loads.reduce((sum, load) => sum + load.need.storageBytes, 0);
  const resident = loads.reduce((sum, load) => sum + (load.tier === 'hot' ? load.need.memoryBytes : 0), 0);
  if (held > capacity.storageBytes || resident > capacity.memoryBytes) return null;
  return { ...capacity, storageBytes: capacity.storageBytes - held, memoryBytes: capacity.memoryBytes - resident };
}

/** What a load takes in addition when its customer fails. */
function callOf({ need, tier }: StandbyLoad): Need {
  return { ...need, storageBytes: 0, memoryBytes: tier === 'hot' ? 0 : need.memoryBytes };
}

function domainParts(loads: StandbyLoad[], left: Need): number[] {
  const domains = new Map<string, Need>();
  for (const load of loads) {
    const call = callOf(load);
    const sum = domains.get(load.faultDomain);
    domains.set(load.faultDomain, sum === undefined ? call : add(sum, call));
  }
  return [...domains.values()].map((call) => partsOf(call, left));
}

/** Largest share of any one resource, in parts, rounded up. */
function partsOf(call: Need, left: Need): number {
  const share = (needed: number, there: number): number => {
    if (needed === 0) return 0;
    return there === 0 ? PARTS + 1 : Math.min(PARTS + 1, Math.ceil((needed * PARTS) / there));
  };
  return Math.max(
    share(call.cpuMillis, left.cpuMillis),
    share(call.memoryBytes, left.memoryBytes),
    share(call.bandwidthBps, left.bandwidthBps),
  );
}

/** Chance that the parts of the domains that are down exceed the whole, by adding one domain after the other. */
function overflowProbability(domains: number[], down: number): number {
  let chances = new Float64Array(PARTS + 1);
  chances[0] = 1;
  let over = 0;
  for (const parts of domains) {
    const next = new Float64Array(PARTS + 1);
    for (const [used, chance] of chances.entries()) {
      if (chance === 0) continue;
      next[used] = (next[used] ?? 0) + chance * (1 - down);
      if (used + parts > PARTS) over += chance * down;
      else next[used + parts] = (next[used + parts] ?? 0) + chance * down;
    }
    chances = next;
  }
  return over;
}

function add(a: Need, b: Need): Need {
  return {
    cpuMillis: a.cpuMillis + b.cpuMillis,
    memoryBytes: a.memoryBytes + b.memoryBytes,
    storageBytes: a.storageBytes + b.storageBytes,
    bandwidthBps: a.bandwidthBps + b.bandwidthBps,
    interfaces: [...new Set([...a.interfaces, ...b.interfaces])],
  };
}

function never(message: string): OvercommitResult {
  return { fits: false, probability: 1, message };
}
