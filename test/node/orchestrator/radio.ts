import type { Reading } from '../../../arbitrator/types.ts';
import type { Frame, South, WorkloadDoor } from '../../../node/ports.ts';

export const DEVICE = '26011f22';

/** Gateways that hear the same device, and keep what they heard. */
export class TestRadio {
  private readonly heard: Frame[] = [];
  private readonly listeners = new Set<(frame: Frame) => void>();
  private count = 0;

  /** One more frame of the device, in the air now. */
  send(nowMs: number): void {
    this.count += 1;
    const frame = { data: '', devAddr: DEVICE, fCnt16: this.count, gatewayId: 'aa', rssi: -80, lsnr: 5 };
    this.heard.push({ ...frame, receivedAtMs: nowMs });
    for (const listener of this.listeners) listener({ ...frame, receivedAtMs: nowMs });
  }

  get sent(): number {
    return this.count;
  }

  /** The radio of one run of a node: what was heard before it started is not in its buffer. */
  south(sinceMs: number): South {
    const own = new Set<(frame: Frame) => void>();
    return {
      port: 1700,
      buffered: (devices, fromMs) =>
        this.heard.filter((frame) => devices.has(frame.devAddr) && frame.receivedAtMs >= Math.max(fromMs, sinceMs)),
      subscribe: (devices, listener) => {
        const filtered = (frame: Frame): void => {
          if (devices.has(frame.devAddr)) listener(frame);
        };
        own.add(filtered);
        this.listeners.add(filtered);
        return () => this.listeners.delete(filtered);
      },
      stats: () => ({ received: this.heard.length, malformed: 0, buffered: this.heard.length, dropped: 0 }),
      stop: async () => {
        for (const listener of own) this.listeners.delete(listener);
      },
    };
  }
}

/** A door with a workload behind it that turns each frame into a reading, while its container runs. */
export function testDoor(socketsDir: string, isRunning: () => boolean): WorkloadDoor {
  let epoch: number | null = null;
  let listener: Parameters<WorkloadDoor['onReadings']>[0] | null = null;
  const queue: Reading[] = [];
  return {
    socketsDir,
    open: async (next) => {
      epoch = next;
    },
    push: ({ devAddr, fCnt16, receivedAtMs }) => {
      if (epoch === null) return;
      queue.push({ devAddr, fCnt: fCnt16, payload: '0a', receivedAtMs });
      if (isRunning()) void listener?.(epoch, queue.splice(0));
    },
    onReadings: (next) => {
      listener = next;
    },
    connected: () => epoch !== null && isRunning(),
    close: async () => {
      epoch = null;
      queue.length = 0;
    },
  };
}
