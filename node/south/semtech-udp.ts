import { z } from 'zod';

/**
 * Codec of the Semtech UDP packet forwarder protocol, version 2: how LoRaWAN gateways hand frames to a server
 * (PROTOCOL.TXT of Lora-net/packet_forwarder). Datagrams are unauthenticated: every field is hostile.
 */
export const PROTOCOL_VERSION = 2;

/** Eight packets of 255 bytes with their metadata are about 5 KiB; nothing honest comes near this. */
export const MAX_DATAGRAM_BYTES = 16 * 1024;
/** The reference forwarder sends at most 8 packets at a time. */
export const MAX_PACKETS = 32;

const KINDS = { pushData: 0, pushAck: 1, pullData: 2, pullResp: 3, pullAck: 4, txAck: 5 } as const;
const EUI_BYTES = 8;
const HEADER_BYTES = 4;

/** One received radio packet (`rxpk`), the members we use. */
const rxpkSchema = z.object({
  /** PHYPayload, base64; forwarders differ about the padding. */
  data: z.string().regex(/^[A-Za-z0-9+/]{4,344}={0,2}$/),
  /** CRC: 1 good, -1 bad, 0 none. */
  stat: z.int().min(-1).max(1).optional(),
  rssi: z.number().min(-200).max(50).optional(),
  lsnr: z.number().min(-100).max(100).optional(),
});
export type Rxpk = z.infer<typeof rxpkSchema>;

const pushBodySchema = z.object({
  rxpk: z.array(z.unknown()).max(MAX_PACKETS).optional(),
  stat: z.record(z.string(), z.unknown()).optional(),
});

export type Datagram =
  | {
      kind: 'pushData';
      token: number;
      gatewayId: string;
      rxpk: Rxpk[];
      /** Packets of this datagram that were not understood. */
      malformed: number;
      stat: Record<string, unknown> | null;
    }
  | { kind: 'pullData'; token: number; gatewayId: string }
  | { kind: 'txAck'; token: number; gatewayId: string; error: string | null }
  | { kind: 'pushAck' | 'pullAck'; token: number }
  | { kind: 'pullResp'; token: number; txpk: Record<string, unknown> };

/** What a datagram says, or null when it is not version 2 of this protocol. Never throws. */
export function decodeDatagram(bytes: Buffer): Datagram | null {
  if (bytes.length < HEADER_BYTES || bytes.length > MAX_DATAGRAM_BYTES) return null;
  if (bytes[0] !== PROTOCOL_VERSION) return null;
  const token = bytes.readUInt16BE(1);
  const kind = bytes[3];
  if (kind === KINDS.pushAck) return { kind: 'pushAck', token };
  if (kind === KINDS.pullAck) return { kind: 'pullAck', token };
  if (kind === KINDS.pullResp) return decodePullResp(token, bytes.subarray(HEADER_BYTES));
  if (bytes.length < HEADER_BYTES + EUI_BYTES) return null;
  const gatewayId = bytes.toString('hex', HEADER_BYTES, HEADER_BYTES + EUI_BYTES);
  const body = bytes.subarray(HEADER_BYTES + EUI_BYTES);
  if (kind === KINDS.pushData) return decodePushData(token, gatewayId, body);
  if (kind === KINDS.pullData) return { kind: 'pullData', token, gatewayId };
  if (kind === KINDS.txAck) return decodeTxAck(token, gatewayId, body);
  return null;
}

function decodePushData(token: number, gatewayId: string, body: Buffer): Datagram | null {
  const parsed = pushBodySchema.safeParse(parseJson(body));
  if (!parsed.success) return null;
  const packets = parsed.data.rxpk ?? [];
  const rxpk: Rxpk[] = [];
  for (const packet of packets) {
    const item = rxpkSchema.safeParse(packet);
    if (item.success) rxpk.push(item.data);
  }
  const malformed = packets.length - rxpk.length;
  return { kind: 'pushData', token, gatewayId, rxpk, malformed, stat: parsed.data.stat ?? null };
}

function decodePullResp(token: number, body: Buffer): Datagram | null {
  const parsed = z.object({ txpk: z.record(z.string(), z.unknown()) }).safeParse(parseJson(body));
  return parsed.success ? { kind: 'pullResp', token, txpk: parsed.data.txpk } : null;
}

/** The body is optional: no body, or `NONE`, is success. */
function decodeTxAck(token: number, gatewayId: string, body: Buffer): Datagram | null {
  if (body.length === 0) return { kind: 'txAck', token, gatewayId, error: null };
  const schema = z.object({ txpk_ack: z.object({ error: z.string().max(64).optional() }) });
  const parsed = schema.safeParse(parseJson(body));
  if (!parsed.success) return null;
  const { error } = parsed.data.txpk_ack;
  return { kind: 'txAck', token, gatewayId, error: error === undefined || error === 'NONE' ? null : error };
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** A gateway's packets on their way to a server. `token` is 16 bits, drawn by the sender; `gatewayId` 16 hex digits. */
export function encodePushData(token: number, gatewayId: string, body: { rxpk?: object[]; stat?: object }): Buffer {
  return Buffer.concat([header(token, KINDS.pushData), eui(gatewayId), Buffer.from(JSON.stringify(body))]);
}

export function encodePushAck(token: number): Buffer {
  return header(token, KINDS.pushAck);
}

/** Sent now and then by a gateway so that answers find their way through its NAT. */
export function encodePullData(token: number, gatewayId: string): Buffer {
  return Buffer.concat([header(token, KINDS.pullData), eui(gatewayId)]);
}

export function encodePullAck(token: number): Buffer {
  return header(token, KINDS.pullAck);
}

/** A packet for the gateway to send. */
export function encodePullResp(token: number, txpk: object): Buffer {
  return Buffer.concat([header(token, KINDS.pullResp), Buffer.from(JSON.stringify({ txpk }))]);
}

export function encodeTxAck(token: number, gatewayId: string, error: string | null): Buffer {
  const body = error === null ? '' : JSON.stringify({ txpk_ack: { error } });
  return Buffer.concat([header(token, KINDS.txAck), eui(gatewayId), Buffer.from(body)]);
}

function header(token: number, kind: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes[0] = PROTOCOL_VERSION;
  bytes.writeUInt16BE(token, 1);
  bytes[3] = kind;
  return bytes;
}

function eui(gatewayId: string): Buffer {
  const bytes = Buffer.from(gatewayId, 'hex');
  if (bytes.length !== EUI_BYTES) throw new TypeError(`a gateway id has 16 hex digits, not ${gatewayId}`);
  return bytes;
}
