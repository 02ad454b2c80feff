/**
 * Cuts a byte stream into lines (NDJSON). Returns the lines that a chunk completes, or null when a line grows over
 * `maxBytes`: the peer is broken or hostile and must be disconnected.
 */
export function lineSplitter(maxBytes: number): (chunk: Buffer) => string[] | null {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  return (chunk) => {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      if (pendingBytes + end - start > maxBytes) return null;
      lines.push(Buffer.concat([...pending, chunk.subarray(start, end)]).toString('utf8'));
      pending = [];
      pendingBytes = 0;
      start = end + 1;
    }
    if (start < chunk.length) {
      pending.push(chunk.subarray(start));
      pendingBytes += chunk.length - start;
    }
    return pendingBytes > maxBytes ? null : lines;
  };
}
