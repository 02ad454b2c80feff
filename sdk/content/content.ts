import type { Libp2p } from '@libp2p/interface';
import type { Log } from '../log.ts';
import { silentLog } from '../log.ts';
import type { Content } from '../ports.ts';
import { openBlockStore } from './block-store.ts';
import { parseCid } from './cid.ts';
import type { Download, Exchange } from './exchange.ts';
import { startExchange } from './exchange.ts';
import type { GetOptions } from './get.ts';
import { plainBlocks, writeVerified } from './get.ts';
import { putBytes, putFile } from './put.ts';

export interface ContentInit {
  /** A started node; it stays the caller's, `stop` leaves it running. */
  libp2p: Libp2p;
  /** Where the encrypted blocks are kept; created when absent. */
  dir: string;
  /** A peer that sends no block for that long is asked again, and the third time counts as mute. Default 15,000. */
  stallTimeoutMs?: number;
  log?: Log;
}

/** The real `Content`. */
export interface ContentNode extends Content {
  stop(): Promise<void>;
}

/** Opens a download at the first block that is missing here, so that what is complete needs no peer. */
function lazyDownload(exchange: Exchange, from: string): Download {
  let download: Download | null = null;
  return {
    async fetch(cid, signal) {
      download ??= exchange.download(from);
      return download.fetch(cid, signal);
    },
    close: () => download?.close(),
  };
}

/**
 * Encrypted content over bitswap: blocks on disk under `dir`, served to allowed peers only (to nobody at first).
 *
 * @example
 * const content = await startContent({ libp2p, dir: '/var/lib/eaas/content' });
 * content.allow(new Set([providerPeerId]));
 * const cids = await content.put('layer.tar', agreementKey);
 */
export async function startContent(init: ContentInit): Promise<ContentNode> {
  const store = await openBlockStore(init.dir);
  let allowed: ReadonlySet<string> = new Set();
  const exchange = await startExchange({
    libp2p: init.libp2p,
    store,
    serves: (peerId) => allowed.has(peerId),
    stallTimeoutMs: init.stallTimeoutMs ?? 15_000,
    log: init.log ?? silentLog(),
  });

  async function* download(cids: string[], key: Uint8Array, options: GetOptions & { from: string }) {
    const source = lazyDownload(exchange, options.from);
    try {
      yield* plainBlocks(cids, key, store, source.fetch, options);
    } finally {
      source.close();
    }
  }

  return {
    put: (file, key, options) => putFile(file, key, store, options),
    putBytes: (bytes, key) => putBytes(bytes, key, store),
    get: (cids, key, file, options) => writeVerified(file, download(cids, key, options)),
    async getBytes(cids, key, options) {
      const parts: Uint8Array[] = [];
      for await (const plain of download(cids, key, options)) parts.push(plain);
      return Buffer.concat(parts);
    },
    block: async (cid) => store.read(parseCid(cid)),
    allow: (peerIds) => {
      allowed = new Set(peerIds);
    },
    drop: async (cids) => {
      for (const cid of cids) await store.remove(parseCid(cid));
    },
    stop: () => exchange.stop(),
  };
}
