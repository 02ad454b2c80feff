import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Reading } from '../../../arbitrator/types.ts';
import type { Clock } from '../../../market/ports.ts';
import { lineSplitter } from '../../../node/workload-door/lines.ts';
import { openFrame } from '../lorawan/frame.ts';
import { FrameCounter } from '../lorawan/frame-counter.ts';
import type { DeviceKeys } from '../lorawan/keys.ts';
import { northClient, type PostResult } from './north-client.ts';
import { parseSouthMessage, type SouthMessage } from './south-messages.ts';

export interface DeviceServiceInit {
  /** Where the node put `south.sock` and `north.sock`. */
  socketsDir: string;
  keys: Map<string, DeviceKeys>;
  clock: Clock;
  /** One event for the container's log. */
  log: (event: Record<string, unknown>) => void;
}

export interface DeviceServiceStats {
  frames: number;
  /** Bad MIC, unknown device, or no data frame. */
  rejected: number;
  /** Heard before, over another gateway or in a replay. */
  repeated: number;
  delivered: number;
  /** Readings the node will never take. */
  refused: number;
}

/** A frame that was dealt with, in the order of arrival: a reading to deliver, or nothing to do but acknowledge. */
interface Item {
  reading: Reading | null;
  seq: number;
  /** The connection it came over: acknowledged there or not at all. */
  socket: Socket;
}

/** Frames read ahead of the deliveries; beyond this the socket waits. */
const MAX_WAITING = 1000;
const MAX_BATCH = 200;
const MAX_LINE_BYTES = 64 * 1024;
const RETRY_MIN_MS = 10;
const RETRY_MAX_MS = 500;

/** The workload of the demo: verifies and decrypts LoRaWAN frames and sends readings north. Runs until aborted. */
export class DeviceService {
  readonly stats: DeviceServiceStats = { frames: 0, rejected: 0, repeated: 0, delivered: 0, refused: 0 };
  private readonly init: DeviceServiceInit;
  private readonly counters = new Map<string, FrameCounter>();
  private readonly north: ReturnType<typeof northClient>;
  /** Survives a connection: the node may be restarted while this process lives on. */
  private waiting: Item[] = [];
  private socket: Socket | null = null;
  private epoch: number | null = null;
  private sending = false;
  private pause = new AbortController();

  constructor(init: DeviceServiceInit) {
    this.init = init;
    this.north = northClient(join(init.socketsDir, 'north.sock'));
  }

  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const greeted = await this.session(signal);
      failures = greeted ? 0 : failures + 1;
      await this.rest(failures, signal);
    }
    this.north.close();
  }

  /** One connection to `south.sock`, until it ends. False when the node never said hello. */
  private session(signal: AbortSignal): Promise<boolean> {
    const socket = connect(join(this.init.socketsDir, 'south.sock'));
    const split = lineSplitter(MAX_LINE_BYTES);
    const stop = () => socket.destroy();
    signal.addEventListener('abort', stop, { once: true });
    this.socket = socket;
    this.epoch = null;
    socket.on('data', (chunk) => this.onLines(socket, split(chunk), signal));
    return new Promise((resolve) => {
      // What went wrong matters less than that the connection is gone: 'close' follows.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        signal.removeEventListener('abort', stop);
        const greeted = this.epoch !== null;
        this.epoch = null;
        resolve(greeted);
      });
    });
  }

  private onLines(socket: Socket, lines: string[] | null, signal: AbortSignal): void {
    for (const line of lines ?? ['']) {
      const message = parseSouthMessage(line);
      if (message === null) {
        this.init.log({ event: 'protocol-error' });
        socket.destroy();
        return;
      }
      if (message.type === 'frame') this.waiting.push({ reading: this.read(message), seq: message.seq, socket });
      else this.onHello(message.epoch);
    }
    if (this.waiting.length >= MAX_WAITING) socket.pause();
    if (!this.sending) void this.send(signal);
  }

  private onHello(epoch: number): void {
    this.epoch = epoch;
    this.pause.abort();
    this.init.log({ event: 'connected', epoch, ...this.stats });
  }

  private read(frame: Extract<SouthMessage, { type: 'frame' }>): Reading | null {
    const { devAddr, fCnt16, data, receivedAtMs } = frame;
    this.stats.frames += 1;
    const keys = this.init.keys.get(devAddr);
    const counter = this.counters.get(devAddr) ?? new FrameCounter();
    const opened = keys ? openFrame(keys, data, counter.candidates(fCnt16)) : null;
    if (opened === null) {
      this.stats.rejected += 1;
      return null;
    }
    this.counters.set(devAddr, counter);
    if (!counter.take(opened.fCnt)) {
      this.stats.repeated += 1;
      return null;
    }
    return { devAddr, fCnt: opened.fCnt, payload: opened.payload.toString('hex'), receivedAtMs };
  }

  /** One batch after the other until nothing waits: the first leaves at once, the rest gather meanwhile. */
  private async send(signal: AbortSignal): Promise<void> {
    this.sending = true;
    let failures = 0;
    while (this.waiting.length > 0 && !signal.aborted) {
      const batch = this.waiting.slice(0, MAX_BATCH);
      const result = await this.deliver(batch);
      if (result === 'taken' || result === 'refused') {
        failures = 0;
        this.waiting.splice(0, batch.length);
        this.acknowledge(batch);
        continue;
      }
      failures += 1;
      this.pause = new AbortController();
      await this.rest(failures, AbortSignal.any([signal, this.pause.signal]));
    }
    this.sending = false;
  }

  private async deliver(batch: Item[]): Promise<PostResult> {
    const readings = batch.flatMap((item) => (item.reading ? [item.reading] : []));
    if (readings.length === 0) return 'taken';
    if (this.epoch === null) return 'later';
    const result = await this.north.post(this.epoch, readings);
    if (result === 'taken') this.stats.delivered += readings.length;
    if (result === 'refused') {
      this.stats.refused += readings.length;
      this.init.log({ event: 'refused', count: readings.length });
    }
    return result;
  }

  private acknowledge(batch: Item[]): void {
    const { socket } = this;
    const last = batch.findLast((item) => item.socket === socket);
    if (last && socket?.writable) socket.write(`${JSON.stringify({ type: 'ack', seq: last.seq })}\n`);
    if (this.waiting.length < MAX_WAITING) socket?.resume();
  }

  private async rest(failures: number, signal: AbortSignal): Promise<void> {
    const pauseMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(failures, 10));
    // Aborted is as good as slept: the loops look at the signal.
    await this.init.clock.sleep(pauseMs, signal).catch(() => undefined);
  }
}
