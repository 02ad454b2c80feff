/** Amounts of the token are counted in its smallest unit ("wei"); tokens of this market have 18 decimals. */
export const TOKEN_DECIMALS = 18;

const DURATIONS_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZES: Record<string, number> = {
  '': 1,
  b: 1,
  k: 1024,
  kb: 1024,
  ki: 1024,
  m: 1024 ** 2,
  mb: 1024 ** 2,
  mi: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1024 ** 3,
  gi: 1024 ** 3,
};
const BIT_RATES: Record<string, number> = { bps: 1, kbps: 1e3, mbps: 1e6, gbps: 1e9 };
const LENGTHS_M: Record<string, number> = { m: 1, km: 1000 };

/** "200ms", "1s", "30m", "2h", "7d" or several in a row ("1h30m"); null for anything else, also without a unit. */
export function parseDurationMs(text: string): number | null {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return null;
  let totalMs = 0;
  for (const [, value = '', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    totalMs += Number(value) * (DURATIONS_MS[unit] ?? 0);
  }
  return safeInteger(totalMs);
}

/** Sizes as Compose writes them, powers of 1024: "64m", "64Mi", "1g", "4096"; null for anything else. */
export function parseBytes(text: string): number | null {
  return parseScaled(text, SIZES);
}

/** "5Mbps", "250kbps"; null for anything else. */
export function parseBitsPerSec(text: string): number | null {
  return parseScaled(text, BIT_RATES);
}

/** "5km", "800m"; null for anything else. */
export function parseMetres(text: string): number | null {
  return parseScaled(text, LENGTHS_M);
}

/** A decimal amount of the token such as "0.02", in wei; null for anything else, also more decimals than it has. */
export function parseMoney(text: string): bigint | null {
  const [, whole = '', fraction = ''] = /^(\d{1,15})(?:\.(\d{1,18}))?$/.exec(text) ?? [];
  if (whole === '') return null;
  return BigInt(whole) * 10n ** BigInt(TOKEN_DECIMALS) + BigInt(fraction.padEnd(TOKEN_DECIMALS, '0'));
}

/** Wei as a decimal amount with up to six digits after the point, rounded down: "0.02". */
export function formatMoney(wei: bigint): string {
  const unit = 10n ** BigInt(TOKEN_DECIMALS);
  const micros = (wei % unit) / 10n ** BigInt(TOKEN_DECIMALS - 6);
  if (wei > 0n && wei < unit / 1_000_000n) return 'less than 0.000001';
  const fraction = micros.toString().padStart(6, '0').replace(/0+$/, '');
  return fraction === '' ? `${wei / unit}` : `${wei / unit}.${fraction}`;
}

export function formatMoneyPerHour(weiPerSec: bigint): string {
  return `${formatMoney(weiPerSec * 3600n)} per hour`;
}

/** Wei per hour as wei per second, rounded down (for ceilings) or up (for prices). */
export function perHourToPerSec(weiPerHour: bigint, rounding: 'down' | 'up'): bigint {
  return rounding === 'down' ? weiPerHour / 3600n : (weiPerHour + 3599n) / 3600n;
}

/** `amount` times a fraction with a precision of one millionth, rounded down. */
export function scaled(amount: bigint, fraction: number): bigint {
  return (amount * BigInt(Math.round(fraction * 1_000_000))) / 1_000_000n;
}

/** `Math.max` takes no bigints. */
export function maxWei(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

export function minWei(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}

export function formatDistance(metres: number): string {
  return metres < 1000 ? `${Math.round(metres)} m` : `${(metres / 1000).toFixed(1)} km`;
}

export function formatBytes(bytes: number): string {
  if (bytes >= 1024 ** 3) return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
  if (bytes >= 1024 ** 2) return `${(bytes / 1024 ** 2).toFixed(0)} MiB`;
  return bytes >= 1024 ? `${(bytes / 1024).toFixed(0)} KiB` : `${bytes} bytes`;
}

export function formatBitsPerSec(bps: number): string {
  if (bps >= 1e6) return `${(bps / 1e6).toFixed(1)} Mbit/s`;
  return bps >= 1e3 ? `${(bps / 1e3).toFixed(0)} kbit/s` : `${bps} bit/s`;
}

export function formatCores(cpuMillis: number): string {
  return `${(cpuMillis / 1000).toFixed(2)} cores`;
}

export function formatDuration(sec: number): string {
  if (sec >= 172_800) return `${(sec / 86_400).toFixed(1)} days`;
  if (sec >= 7200) return `${(sec / 3600).toFixed(1)} h`;
  return sec >= 120 ? `${(sec / 60).toFixed(1)} min` : `${sec} s`;
}

function parseScaled(text: string, units: Record<string, number>): number | null {
  const [, value = '', unit = ''] = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(text) ?? [];
  const factor = units[unit.toLowerCase()];
  return value === '' || factor === undefined ? null : safeInteger(Number(value) * factor);
}

function safeInteger(value: number): number | null {
  const whole = Math.round(value);
  return Number.isSafeInteger(whole) ? whole : null;
}
