import type { DeviceKeys } from '../lorawan/keys.ts';

const ADDRESS = /^[0-9a-f]{8}$/;
const KEY = /^[0-9a-fA-F]{32}$/;

/** Reads `EAAS_DEVICE_KEYS`: a JSON object, device address → `{nwkSKey, appSKey}` in hex. Throws with what is wrong. */
export function parseDeviceKeys(text: string | undefined): Map<string, DeviceKeys> {
  const found = new Map<string, DeviceKeys>();
  for (const [devAddr, value] of Object.entries(parseObject(text))) {
    const { nwkSKey, appSKey } = Object(value) as Record<string, unknown>;
    if (!ADDRESS.test(devAddr)) throw new Error(`EAAS_DEVICE_KEYS: ${devAddr} is no device address (8 hex digits)`);
    if (typeof nwkSKey !== 'string' || typeof appSKey !== 'string' || !KEY.test(nwkSKey) || !KEY.test(appSKey)) {
      throw new Error(`EAAS_DEVICE_KEYS: ${devAddr} needs nwkSKey and appSKey (32 hex digits each)`);
    }
    found.set(devAddr, { nwkSKey, appSKey });
  }
  return found;
}

function parseObject(text: string | undefined): object {
  let value: unknown = null;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    // Said below; the text holds keys and must not be printed.
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new Error('EAAS_DEVICE_KEYS must hold a JSON object: device address → {nwkSKey, appSKey}');
}
