import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Clock } from '../../../market/ports.ts';
import { decodeDatagram, encodePushData } from '../../../node/south/semtech-udp.ts';

export interface GatewayAddress {
  /** EUI, 16 hex digits. */
  id: string;
  host: string;
  port: number;
}

/** Reads `eui@host:port,…`. Throws with the part that is wrong. */
export function parseGateways(text: string): GatewayAddress[] {
  return text.split(',').map((part) => {
    const match = /^([0-9a-f]{16})@([^@:]+|\[[0-9a-f:]+\]):(\d{1,5})$/.exec(part.trim());
    const [, id, host, port] = match ?? [];
    if (id === undefined || host === undefined || Number(port) > 65_535) {
      throw new Error(`a gateway is written eui@host:port, not "${part}"`);
    }
    return { id, host, port: Number(port) };
  });
}

export interface GatewayStats {
  id: string;
  sent: number;
  acknowledged: number;
  repeated: number;
  /** Given up: nobody listened there. */
  lost: number;
}

/** A datagram is sent at most this often; radio gateways have little memory and newer frames to send. */
const ATTEMPTS = 3;
const ACK_TIMEOUT_MS = 200;

export interface Forwarder {
  forward(frame: Buffer, rssi: number): Promise<void>;
  stats(): GatewayStats;
  close(): void;
}

/** The packet forwarder of one gateway: hands frames to its server and repeats what is not acknowledged. */
export async function startForwarder(gateway: GatewayAddress, clock: Clock): Promise<Forwarder> {
  const socket = createSocket(gateway.host.startsWith('[') ? 'udp6' : 'udp4');
  const waiting = new Map<number, AbortController>();
  const stats: GatewayStats = { id: gateway.id, sent: 0, acknowledged: 0, repeated: 0, lost: 0 };
  socket.on('message', (bytes) => {
    const datagram = decodeDatagram(bytes);
    if (datagram?.kind === 'pushAck') waiting.get(datagram.token)?.abort();
  });
  // A dead server answers with ICMP "port unreachable"; the missing acknowledgement says the same.
  socket.on('error', () => undefined);
  socket.bind(0);
  await once(socket, 'listening');
  let lastToken = 0;
  return {
    async forward(frame, rssi) {
      lastToken = (lastToken + 1) % 65_536;
      const token = lastToken;
      const acked = new AbortController();
      waiting.set(token, acked);
      const datagram = encodePushData(token, gateway.id, { rxpk: [rxpkOf(frame, rssi)] });
      stats.sent += 1;
      for (let attempt = 1; attempt <= ATTEMPTS && !acked.signal.aborted; attempt += 1) {
        if (attempt > 1) stats.repeated += 1;
        send(socket, datagram, gateway);
        await clock.sleep(ACK_TIMEOUT_MS, acked.signal).catch(() => undefined);
      }
      waiting.delete(token);
      if (acked.signal.aborted) stats.acknowledged += 1;
      else stats.lost += 1;
    },
    stats: () => ({ ...stats }),
    close: () => socket.close(),
  };
}

function send(socket: Socket, datagram: Buffer, { host, port }: GatewayAddress): void {
  socket.send(datagram, port, host.replace(/^\[|\]$/g, ''), () => undefined);
}

/** Metadata as the reference forwarder sends it: EU868, spreading factor 7. */
function rxpkOf(frame: Buffer, rssi: number): object {
  return {
    tmst: 0,
    chan: 0,
    rfch: 0,
    freq: 868.1,
    stat: 1,
    modu: 'LORA',
    datr: 'SF7BW125',
    codr: '4/5',
    rssi,
    lsnr: 8.5,
    size: frame.length,
    data: frame.toString('base64'),
  };
}
