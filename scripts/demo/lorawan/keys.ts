import { createHash } from 'node:crypto';

/** Session keys of one mote, fixed when it was made (activation by personalisation), hex. */
export interface DeviceKeys {
  /** Checks integrity. */
  nwkSKey: string;
  /** Encrypts the application's payload. */
  appSKey: string;
}

export interface MoteKeys extends DeviceKeys {
  /** 8 hex digits. */
  devAddr: string;
}

/** Addresses that start with 0x00 to 0x03 belong to nobody: NetIDs 0 and 1 are for experiments (LoRaWAN 1.0.4, 6.1.1). */
const EXPERIMENTAL_PREFIX = '01';

/** Keys of mote `index` (0 to 255) of a demo: the same seed gives the same motes. Not for real motes. */
export function moteKeys(seed: string, index: number): MoteKeys {
  if (!(Number.isInteger(index) && index >= 0 && index <= 255)) throw new RangeError(`no mote has the index ${index}`);
  const derive = (name: string, bytes: number) =>
    createHash('sha256')
      .update(`eaas-demo-mote ${name} ${seed} ${index}`)
      .digest('hex')
      .slice(0, bytes * 2);
  // The index is part of the address, so that two motes of one seed never share one.
  const site = createHash('sha256').update(`eaas-demo-site ${seed}`).digest('hex').slice(0, 4);
  const devAddr = `${EXPERIMENTAL_PREFIX}${site}${index.toString(16).padStart(2, '0')}`;
  return { devAddr, nwkSKey: derive('nwkSKey', 16), appSKey: derive('appSKey', 16) };
}

/** The value of `EAAS_DEVICE_KEYS` for these motes: device address → keys. */
export function deviceKeysEnv(motes: MoteKeys[]): string {
  return JSON.stringify(Object.fromEntries(motes.map(({ devAddr, ...keys }) => [devAddr, keys])));
}
