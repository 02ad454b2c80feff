import type { Frame } from '../ports.ts';
import { Fifo } from './fifo.ts';

export interface ReplayBufferInit {
  /** Frames older than this are forgotten. */
  maxAgeMs: number;
  /** Frames kept at most; the oldest goes first. */
  maxFrames: number;
}

/**
 * The last frames of all devices, bounded by age and count. Both bounds take the globally oldest frame, which is also
 * the oldest of its device, so adding and forgetting cost the same however many frames are kept.
 */
export class ReplayBuffer {
  private readonly init: ReplayBufferInit;
  private readonly all = new Fifo<Frame>();
  private readonly byDevice = new Map<string, Fifo<Frame>>();
  private readonly keys = new Set<string>();
  private droppedCount = 0;

  constructor(init: ReplayBufferInit) {
    this.init = init;
  }

  get size(): number {
    return this.all.size;
  }

  /** Frames pushed out by `maxFrames` before their time. */
  get dropped(): number {
    return this.droppedCount;
  }

  /** False for a frame that this gateway has already delivered: forwarders repeat a datagram that was not acknowledged. */
  add(frame: Frame): boolean {
    this.expire(frame.receivedAtMs);
    const key = keyOf(frame);
    if (this.keys.has(key)) return false;
    this.keys.add(key);
    this.all.push(frame);
    const ofDevice = this.byDevice.get(frame.devAddr);
    if (ofDevice) ofDevice.push(frame);
    else this.byDevice.set(frame.devAddr, new Fifo([frame]));
    if (this.all.size > this.init.maxFrames) {
      this.forgetOldest();
      this.droppedCount += 1;
    }
    return true;
  }

  /** Frames of these devices received at `sinceMs` or later, oldest first. */
  since(devices: Set<string>, sinceMs: number, nowMs: number): Frame[] {
    this.expire(nowMs);
    const found: Frame[] = [];
    for (const device of devices) {
      for (const frame of this.byDevice.get(device) ?? []) if (frame.receivedAtMs >= sinceMs) found.push(frame);
    }
    return found.sort((a, b) => a.receivedAtMs - b.receivedAtMs);
  }

  private expire(nowMs: number): void {
    const oldestMs = nowMs - this.init.maxAgeMs;
    for (let head = this.all.peek(); head !== undefined && head.receivedAtMs < oldestMs; head = this.all.peek()) {
      this.forgetOldest();
    }
  }

  private forgetOldest(): void {
    const frame = this.all.shift();
    if (frame === undefined) return;
    this.keys.delete(keyOf(frame));
    const ofDevice = this.byDevice.get(frame.devAddr);
    ofDevice?.shift();
    if (ofDevice?.size === 0) this.byDevice.delete(frame.devAddr);
  }
}

function keyOf(frame: Frame): string {
  return `${frame.gatewayId} ${frame.data}`;
}
