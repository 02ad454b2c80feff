import type { Socket } from 'node:net';
import { z } from 'zod';
import type { Log } from '../../sdk/log.ts';
import type { Frame } from '../ports.ts';
import { Fifo } from '../south/fifo.ts';
import { lineSplitter } from './lines.ts';

export const DOOR_VERSION = 1;
/** An acknowledgement has about 30 bytes. */
const MAX_ACK_BYTES = 256;

const ackSchema = z.strictObject({ type: z.literal('ack'), seq: z.int().min(1) });

interface Queued {
  seq: number;
  line: string;
}

/**
 * Frames on their way into the workload: numbered, kept until acknowledged, sent again on every new connection.
 * One workload at a time: a new connection replaces the one before (that is how a restarted workload comes back).
 */
export class FrameStream {
  private readonly maxFrames: number;
  private readonly log: Log;
  private readonly queue = new Fifo<Queued>();
  /** How many frames at the head of the queue the present connection has been given. */
  private sent = 0;
  private lastSeq = 0;
  private socket: Socket | null = null;
  private blocked = false;
  private droppedCount = 0;

  constructor(maxFrames: number, log: Log) {
    this.maxFrames = maxFrames;
    this.log = log;
  }

  get queued(): number {
    return this.queue.size;
  }

  get dropped(): number {
    return this.droppedCount;
  }

  push(frame: Frame): void {
    this.lastSeq += 1;
    this.queue.push({ seq: this.lastSeq, line: `${JSON.stringify({ type: 'frame', seq: this.lastSeq, frame })}\n` });
    if (this.queue.size > this.maxFrames) {
      this.queue.shift();
      this.sent = Math.max(0, this.sent - 1);
      this.droppedCount += 1;
    }
    this.pump();
  }

  connect(socket: Socket, hello: { epoch: number; devices: string[] }): void {
    this.disconnect();
    this.socket = socket;
    this.sent = 0;
    this.blocked = false;
    const split = lineSplitter(MAX_ACK_BYTES);
    socket.on('data', (chunk) => this.onChunk(socket, split(chunk)));
    socket.on('drain', () => this.onDrain(socket));
    socket.on('error', (error) => this.log.debug({ error }, 'the workload connection failed'));
    socket.on('close', () => this.onClose(socket));
    socket.write(`${JSON.stringify({ type: 'hello', version: DOOR_VERSION, ...hello })}\n`);
    this.pump();
  }

  disconnect(): void {
    this.socket?.destroy();
    this.socket = null;
  }

  private onDrain(socket: Socket): void {
    if (socket !== this.socket) return;
    this.blocked = false;
    this.pump();
  }

  private onClose(socket: Socket): void {
    if (socket === this.socket) this.socket = null;
  }

  private onChunk(socket: Socket, lines: string[] | null): void {
    if (socket !== this.socket) return;
    for (const line of lines ?? ['a line that never ends']) {
      const ack = ackSchema.safeParse(parseJson(line));
      if (!ack.success) {
        this.log.warn({}, 'the workload broke the protocol of south.sock and is disconnected');
        this.disconnect();
        return;
      }
      this.acknowledge(ack.data.seq);
    }
  }

  /** Cumulative; a number that was never sent acknowledges no more than what was. */
  private acknowledge(seq: number): void {
    for (
      let head = this.queue.peek();
      this.sent > 0 && head !== undefined && head.seq <= seq;
      head = this.queue.peek()
    ) {
      this.queue.shift();
      this.sent -= 1;
    }
  }

  /** Writes until the socket's own buffer is full, so that a slow workload costs no memory twice. */
  private pump(): void {
    while (this.socket && !this.blocked) {
      const next = this.queue.at(this.sent);
      if (next === undefined) return;
      this.sent += 1;
      this.blocked = !this.socket.write(next.line);
    }
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
