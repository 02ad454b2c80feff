import loraPacket from 'lora-packet';
import type { DeviceKeys, MoteKeys } from './keys.ts';

// CommonJS that replaces its exports: at run time the default import is what its types call `default`.
const lora = loraPacket as unknown as typeof loraPacket.default;

const F_PORT = 1;

/** A real LoRaWAN 1.0 uplink: encrypted, with its MIC over the 32-bit counter of which 16 bits are sent. */
export function buildFrame(mote: MoteKeys, fCnt: number, payload: Buffer): Buffer {
  const packet = lora.fromFields(
    {
      MType: 'Unconfirmed Data Up',
      DevAddr: Buffer.from(mote.devAddr, 'hex'),
      FCnt: fCnt & 0xffff,
      FPort: F_PORT,
      payload,
    },
    Buffer.from(mote.appSKey, 'hex'),
    Buffer.from(mote.nwkSKey, 'hex'),
    undefined,
    highBytes(fCnt >>> 16),
  );
  const bytes = packet.getPHYPayload();
  if (!bytes) throw new Error('lora-packet built no frame');
  return bytes;
}

/** An uplink that a device's keys have verified. */
export interface OpenedFrame {
  /** 32 bits. */
  fCnt: number;
  payload: Buffer;
}

/**
 * Verifies and decrypts a PHYPayload. `highs` are the upper halves of the frame counter to try, likeliest first: the
 * frame does not say, its MIC does. Null when none fits (wrong keys, damaged or forged) or when it is no data frame.
 */
export function openFrame(keys: DeviceKeys, phyPayload: Buffer, highs: number[]): OpenedFrame | null {
  const nwkSKey = Buffer.from(keys.nwkSKey, 'hex');
  try {
    const packet = lora.fromWire(phyPayload);
    const fCnt16 = packet.getFCnt();
    if (!packet.isDataMessage() || packet.getDir() !== 'up' || fCnt16 === null) return null;
    const high = highs.find((candidate) => lora.verifyMIC(packet, nwkSKey, undefined, highBytes(candidate)));
    if (high === undefined) return null;
    const empty = !packet.FRMPayload || packet.FRMPayload.length === 0;
    const payload = empty
      ? Buffer.alloc(0)
      : lora.decrypt(packet, Buffer.from(keys.appSKey, 'hex'), nwkSKey, highBytes(high));
    return { fCnt: high * 65536 + fCnt16, payload };
  } catch {
    // The library throws on lengths that no frame has.
    return null;
  }
}

function highBytes(high: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(high);
  return bytes;
}
