/** The lines that `south.sock` sends (node/workload-door/README.md), checked without a library: this code is bundled. */
export type SouthMessage =
  | { type: 'hello'; epoch: number }
  | { type: 'frame'; seq: number; devAddr: string; fCnt16: number; data: Buffer; receivedAtMs: number };

/** Null for a line that is not understood. */
export function parseSouthMessage(line: string): SouthMessage | null {
  const message = parseObject(line);
  if (message?.type === 'hello') return isCount(message.epoch) ? { type: 'hello', epoch: message.epoch } : null;
  const frame = message?.type === 'frame' && isObject(message.frame) ? message.frame : null;
  if (message === null || frame === null) return null;
  const { devAddr, fCnt16, data, receivedAtMs } = frame;
  if (typeof devAddr !== 'string' || typeof data !== 'string') return null;
  if (!isCount(message.seq) || !isCount(fCnt16) || !isCount(receivedAtMs)) return null;
  return { type: 'frame', seq: message.seq, devAddr, fCnt16, data: Buffer.from(data, 'base64'), receivedAtMs };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
