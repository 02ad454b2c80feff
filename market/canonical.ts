/** A value that has one canonical JSON form. Bigints become decimal strings; undefined members are left out. */
export type Plain = null | boolean | number | string | bigint | Plain[] | { [key: string]: Plain | undefined };

/**
 * JSON with sorted keys, no white space and bigints as decimal strings: equal values give equal bytes, so it can be
 * hashed and signed. Numbers must be safe integers (fractions have no single spelling across languages).
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'bigint') return `"${value}"`;
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new TypeError(`no canonical form for the number ${value}`);
    return String(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`no canonical form for ${typeof value}`);
  return text;
}

/** Turns bigints into decimal strings and leaves the rest, so that `JSON.stringify` works. */
export function toPlainJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_key, member) => (typeof member === 'bigint' ? member.toString() : member)));
}
