import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { EdgeError } from '../../market/errors.ts';
import type { Clock } from '../../market/ports.ts';
import type { Log } from '../../sdk/log.ts';
import type { Frame, South } from '../ports.ts';
import { parseLorawanHeader } from './lorawan-header.ts';
import { ReplayBuffer } from './replay-buffer.ts';
import { type Datagram, decodeDatagram, encodePullAck, encodePushAck, type Rxpk } from './semtech-udp.ts';

export interface SouthInit {
  /** UDP port; 0 lets the system choose. Gateways usually send to 1700. */
  port: number;
  host: string;
  /** Gateway EUIs (16 hex digits) that are listened to; null for all. The protocol proves nothing: a fence, not a lock. */
  allowedGateways: string[] | null;
  /** Age of the oldest frame that is kept for replay. */
  bufferMs: number;
  /** Frames kept at most, of all devices together. */
  maxFrames: number;
  /** Frames of other devices are neither kept nor passed on, so that strangers cannot push insured frames out. */
  accepts?: (devAddr: string) => boolean;
  clock: Clock;
  log: Log;
}

/** Room for a burst of frames while the event loop is busy starting containers. */
const RECEIVE_BUFFER_BYTES = 1024 * 1024;

interface Subscription {
  devices: Set<string>;
  listener: (frame: Frame) => void;
}

/** Listens to packet forwarders. Throws `SOUTH_PORT_TAKEN` or `SOUTH_FAILED` when the port cannot be bound. */
export async function startSouth(init: SouthInit): Promise<South> {
  const socket = createSocket({
    type: init.host.includes(':') ? 'udp6' : 'udp4',
    recvBufferSize: RECEIVE_BUFFER_BYTES,
  });
  try {
    socket.bind(init.port, init.host);
    await once(socket, 'listening');
  } catch (error) {
    throw bindError(init, error);
  }
  return new UdpSouth(socket, init);
}

class UdpSouth implements South {
  readonly port: number;
  private readonly socket: Socket;
  private readonly init: SouthInit;
  private readonly allowed: Set<string> | null;
  private readonly buffer: ReplayBuffer;
  private readonly subscriptions = new Set<Subscription>();
  private received = 0;
  private malformed = 0;
  private stopped = false;

  constructor(socket: Socket, init: SouthInit) {
    this.socket = socket;
    this.init = init;
    this.port = socket.address().port;
    this.allowed = init.allowedGateways && new Set(init.allowedGateways.map((id) => id.toLowerCase()));
    this.buffer = new ReplayBuffer({ maxAgeMs: init.bufferMs, maxFrames: init.maxFrames });
    socket.on('message', (bytes, from) => this.onDatagram(bytes, from));
    socket.on('error', (error) => init.log.error({ error }, 'the south socket failed'));
  }

  buffered(devices: Set<string>, sinceMs: number): Frame[] {
    return this.buffer.since(devices, sinceMs, this.init.clock.nowMs());
  }

  subscribe(devices: Set<string>, listener: (frame: Frame) => void): () => void {
    const subscription = { devices, listener };
    this.subscriptions.add(subscription);
    return () => this.subscriptions.delete(subscription);
  }

  stats(): { received: number; malformed: number; buffered: number; dropped: number } {
    const { size, dropped } = this.buffer;
    return { received: this.received, malformed: this.malformed, buffered: size, dropped };
  }

  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    this.subscriptions.clear();
    await new Promise<void>((resolve) => this.socket.close(resolve));
  }

  private onDatagram(bytes: Buffer, from: RemoteInfo): void {
    const datagram = decodeDatagram(bytes);
    if (datagram === null) {
      this.malformed += 1;
      return;
    }
    if (!('gatewayId' in datagram) || (this.allowed && !this.allowed.has(datagram.gatewayId))) return;
    if (datagram.kind === 'pullData') this.answer(encodePullAck(datagram.token), from);
    if (datagram.kind === 'pushData') this.onPushData(datagram, from);
  }

  /** Acknowledged only when the frames are in the buffer: what was not acknowledged comes again. */
  private onPushData(datagram: Extract<Datagram, { kind: 'pushData' }>, from: RemoteInfo): void {
    this.malformed += datagram.malformed;
    for (const packet of datagram.rxpk) this.onPacket(packet, datagram.gatewayId);
    this.answer(encodePushAck(datagram.token), from);
  }

  private onPacket(packet: Rxpk, gatewayId: string): void {
    this.received += 1;
    const phyPayload = Buffer.from(packet.data, 'base64');
    const header = packet.stat === -1 ? null : parseLorawanHeader(phyPayload);
    if (header === null) {
      this.malformed += 1;
      return;
    }
    if (this.init.accepts && !this.init.accepts(header.devAddr)) return;
    const frame: Frame = {
      data: phyPayload.toString('base64'),
      ...header,
      gatewayId,
      receivedAtMs: this.init.clock.nowMs(),
      rssi: packet.rssi ?? 0,
      lsnr: packet.lsnr ?? 0,
    };
    if (this.buffer.add(frame)) this.publish(frame);
  }

  private publish(frame: Frame): void {
    for (const { devices, listener } of this.subscriptions) {
      if (!devices.has(frame.devAddr)) continue;
      try {
        listener(frame);
      } catch (error) {
        this.init.log.error({ error, devAddr: frame.devAddr }, 'a listener to frames failed');
      }
    }
  }

  private answer(bytes: Buffer, to: RemoteInfo): void {
    if (this.stopped) return;
    this.socket.send(bytes, to.port, to.address, (error) => {
      if (error) this.init.log.debug({ error, gateway: to.address }, 'an acknowledgement could not be sent');
    });
  }
}

function bindError(init: SouthInit, error: unknown): EdgeError {
  const { port, host } = init;
  const taken = (error as { code?: unknown }).code === 'EADDRINUSE';
  return new EdgeError(
    taken ? 'SOUTH_PORT_TAKEN' : 'SOUTH_FAILED',
    `Cannot listen for gateways on ${host}:${port}/udp.`,
    {
      context: { port, host },
      cause: error,
      remedy: taken ? 'Stop the other packet-forwarder server, or set another south port.' : 'Check the south host.',
    },
  );
}
