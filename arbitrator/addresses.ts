/** Addresses compare without regard to case: the checksum spelling is a reader's aid, not part of the value. */
export function sameAddress(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

export function isOneOf(address: string, addresses: readonly string[]): boolean {
  return addresses.some((known) => sameAddress(known, address));
}
