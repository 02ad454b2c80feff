import { once } from 'node:events';
import { chmod, mkdir, rm } from 'node:fs/promises';
import type { Server as HttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import type { Reading } from '../../arbitrator/types.ts';
import { EdgeError } from '../../market/errors.ts';
import type { Clock } from '../../market/ports.ts';
import type { Log } from '../../sdk/log.ts';
import type { Frame, WorkloadDoor } from '../ports.ts';
import { FrameStream } from './frame-stream.ts';
import { createIntake } from './reading-intake.ts';
import { socketPath } from './socket-path.ts';

export interface DoorInit {
  /** A folder of this door alone; made if needed. */
  socketsDir: string;
  /** Device addresses told to the workload. */
  devices?: string[];
  /** Unacknowledged frames kept in memory; the oldest goes first. A frame takes about 500 bytes. */
  maxFrames?: number;
  clock: Clock;
  log: Log;
}

const DEFAULT_MAX_FRAMES = 10_000;

export interface DoorStats {
  queuedFrames: number;
  droppedFrames: number;
  /** When the workload first connected, and first delivered a reading, since `open`; null before. */
  connectedAtMs: number | null;
  firstReadingAtMs: number | null;
}

export interface Door extends WorkloadDoor {
  stats(): DoorStats;
}

/** A closed door. Throws `SOCKET_PATH_TOO_LONG`. */
export function createDoor(init: DoorInit): Door {
  return new SocketDoor(init);
}

class SocketDoor implements Door {
  readonly socketsDir: string;
  private readonly init: DoorInit;
  private readonly southPath: string;
  private readonly northPath: string;
  private readonly frames: FrameStream;
  private servers: { south: Server; north: HttpServer } | null = null;
  private listener: ((epoch: number, readings: Reading[]) => Promise<void>) | null = null;
  private epoch = 0;
  private connectedAtMs: number | null = null;
  private firstReadingAtMs: number | null = null;

  constructor(init: DoorInit) {
    this.init = init;
    this.socketsDir = init.socketsDir;
    this.southPath = socketPath(init.socketsDir, 'south.sock');
    this.northPath = socketPath(init.socketsDir, 'north.sock');
    this.frames = new FrameStream(init.maxFrames ?? DEFAULT_MAX_FRAMES, init.log);
  }

  /** Opened again with another epoch, the workload is disconnected and learns it when it comes back. */
  async open(epoch: number): Promise<void> {
    this.epoch = epoch;
    this.connectedAtMs = null;
    this.firstReadingAtMs = null;
    this.frames.disconnect();
    if (this.servers) return;
    const servers = { south: this.southServer(), north: this.northServer() };
    this.servers = servers;
    try {
      await mkdir(this.socketsDir, { recursive: true });
      // Not listable, but passable: the workload runs as another user and reaches the two sockets by name.
      await chmod(this.socketsDir, 0o711);
      await Promise.all([listen(servers.south, this.southPath), listen(servers.north, this.northPath)]);
    } catch (error) {
      await this.close();
      throw new EdgeError('DOOR_FAILED', `Cannot open the sockets in ${this.socketsDir}.`, {
        context: { socketsDir: this.socketsDir },
        cause: error,
        remedy: 'Check that the data folder is on a local disk and belongs to the node.',
      });
    }
  }

  push(frame: Frame): void {
    this.frames.push(frame);
  }

  onReadings(listener: (epoch: number, readings: Reading[]) => Promise<void>): void {
    this.listener = listener;
  }

  connected(): boolean {
    return this.connectedAtMs !== null;
  }

  stats(): DoorStats {
    const { connectedAtMs, firstReadingAtMs } = this;
    return { queuedFrames: this.frames.queued, droppedFrames: this.frames.dropped, connectedAtMs, firstReadingAtMs };
  }

  async close(): Promise<void> {
    const servers = this.servers;
    this.servers = null;
    this.connectedAtMs = null;
    this.frames.disconnect();
    if (!servers) return;
    servers.north.closeAllConnections();
    await Promise.all([closed(servers.south), closed(servers.north)]);
  }

  private southServer(): Server {
    return createServer((socket) => {
      this.connectedAtMs ??= this.init.clock.nowMs();
      this.frames.connect(socket, { epoch: this.epoch, devices: this.init.devices ?? [] });
    });
  }

  private northServer(): HttpServer {
    const listener = async (epoch: number, readings: Reading[]) => {
      await this.listener?.(epoch, readings);
      this.firstReadingAtMs ??= this.init.clock.nowMs();
    };
    return createIntake({
      epoch: () => this.epoch,
      listener: () => (this.listener ? listener : null),
      log: this.init.log,
    });
  }
}

/** A socket file may be left over from a node that was killed; whoever may enter the folder may connect. */
async function listen(server: Server, path: string): Promise<void> {
  await rm(path, { force: true });
  server.listen(path);
  await once(server, 'listening');
  await chmod(path, 0o666);
}

async function closed(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
