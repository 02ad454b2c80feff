/** The unencrypted header of an uplink data frame. Not authenticated: only the holder of the keys can check the MIC. */
export interface LorawanHeader {
  /** 8 hex digits, most significant byte first (the wire has it the other way round). */
  devAddr: string;
  /** Low 16 bits of the frame counter. */
  fCnt16: number;
}

/** LoRaWAN 1.0.4 section 4.2.1, message types 2 and 4. */
const UNCONFIRMED_UP = 0b010;
const CONFIRMED_UP = 0b100;
/** MHDR 1, DevAddr 4, FCtrl 1, FCnt 2, MIC 4. */
const MIN_BYTES = 12;
/** Longest physical payload of LoRa. */
const MAX_BYTES = 255;

/** Reads a LoRaWAN PHYPayload; null for anything but an uplink data frame (joins and downlinks have no DevAddr to serve). */
export function parseLorawanHeader(phyPayload: Buffer): LorawanHeader | null {
  if (phyPayload.length < MIN_BYTES || phyPayload.length > MAX_BYTES) return null;
  const mhdr = phyPayload.readUInt8(0);
  const messageType = mhdr >> 5;
  const major = mhdr & 0b11;
  if (major !== 0 || (messageType !== UNCONFIRMED_UP && messageType !== CONFIRMED_UP)) return null;
  const optionBytes = phyPayload.readUInt8(5) & 0x0f;
  if (phyPayload.length < MIN_BYTES + optionBytes) return null;
  const devAddr = phyPayload.readUInt32LE(1).toString(16).padStart(8, '0');
  return { devAddr, fCnt16: phyPayload.readUInt16LE(6) };
}
