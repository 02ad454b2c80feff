/** A token bucket: `tokens` are left as of `refilledAtMs`. */
export interface Bucket {
  tokens: number;
  refilledAtMs: number;
}

/** Adds what came in since the last refill, up to `capacity`. A clock that steps back adds nothing. */
export function refill(bucket: Bucket, nowMs: number, tokensPerMs: number, capacity: number): void {
  const elapsedMs = Math.max(0, nowMs - bucket.refilledAtMs);
  bucket.tokens = Math.min(capacity, bucket.tokens + elapsedMs * tokensPerMs);
  bucket.refilledAtMs = nowMs;
}

/** Takes one token; false when there is none. */
export function take(bucket: Bucket): boolean {
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

/** A map that forgets the entry which was set longest ago when it is full. */
export class BoundedMap<K, V> {
  private readonly entries = new Map<K, V>();
  private readonly maxSize: number;

  constructor(maxSize: number) {
    this.maxSize = maxSize;
  }

  get size(): number {
    return this.entries.size;
  }

  get(key: K): V | undefined {
    return this.entries.get(key);
  }

  set(key: K, value: V): void {
    this.entries.delete(key);
    this.entries.set(key, value);
    if (this.entries.size <= this.maxSize) return;
    for (const oldest of this.entries.keys()) {
      this.entries.delete(oldest);
      return;
    }
  }

  delete(key: K): void {
    this.entries.delete(key);
  }
}
