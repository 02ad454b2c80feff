/** Upper halves tried for a device that has not been heard yet: a million frames, or 12 days at one per second. */
const MAX_FIRST_HIGH = 16;
const MAX_HIGH = 0xffff;
const HALF = 0x8000;

/**
 * Upper halves of the 32-bit frame counter that a frame with these lower 16 bits may have, likeliest first, given the
 * highest counter verified so far (null: none). Replays and frames over two gateways come late, so older ones count
 * too. The list is short on purpose: each costs a MIC, and anybody can send frames.
 */
export function highCandidates(lastFCnt: number | null, fCnt16: number): number[] {
  if (lastFCnt === null) return Array.from({ length: MAX_FIRST_HIGH }, (_, high) => high);
  const high = lastFCnt >>> 16;
  const last16 = lastFCnt & 0xffff;
  const likeliest = fCnt16 < last16 - HALF ? high + 1 : fCnt16 > last16 + HALF ? high - 1 : high;
  const others = [high, high + 1, high - 1].filter((candidate) => candidate !== likeliest);
  return [likeliest, ...others].filter((candidate) => candidate >= 0 && candidate <= MAX_HIGH);
}

/** Counters remembered per device. Two gateways deliver a frame within seconds of each other. */
const MEMORY = 256;

/** What one device has sent so far: the highest counter, and which of the last ones were seen. */
export class FrameCounter {
  private last: number | null = null;
  private readonly seen = new Set<number>();

  candidates(fCnt16: number): number[] {
    return highCandidates(this.last, fCnt16);
  }

  /** True for a counter that is seen for the first time, as far as is remembered. Call it for verified frames only. */
  take(fCnt: number): boolean {
    if (this.seen.has(fCnt)) return false;
    this.seen.add(fCnt);
    if (this.seen.size > MEMORY) this.seen.delete(this.seen.values().next().value ?? fCnt);
    this.last = Math.max(this.last ?? 0, fCnt);
    return true;
  }
}
