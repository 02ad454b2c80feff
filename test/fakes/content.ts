import { randomUUID } from 'node:crypto';
import type { CID } from 'multiformats/cid';
import { EdgeError } from '../../market/errors.ts';
import type { BlockStore } from '../../sdk/content/block-store.ts';
import { matches, parseCid } from '../../sdk/content/cid.ts';
import type { GetOptions } from '../../sdk/content/get.ts';
import { plainBlocks, writeVerified } from '../../sdk/content/get.ts';
import { putBytes, putFile } from '../../sdk/content/put.ts';
import type { Content } from '../../sdk/ports.ts';

/** A content node without disk and network; its blocks can be looked at and spoiled. */
export interface FakeContent extends Content {
  readonly peerId: string;
  readonly blocks: Map<string, Uint8Array>;
  allowed: ReadonlySet<string>;
}

/** Content nodes that reach each other in memory. Encryption and checks are the real ones. */
export interface FakeContentNetwork {
  node(peerId?: string): FakeContent;
  /** Cuts a peer off (or lets it back): it serves nobody meanwhile. */
  setOnline(peerId: string, online: boolean): void;
}

function corrupt(cid: string): EdgeError {
  return new EdgeError('BLOCK_CORRUPT', 'the bytes are not what the CID names', { context: { cid } });
}

function mapStore(blocks: Map<string, Uint8Array>): BlockStore {
  return {
    has: async (cid) => blocks.has(cid.toString()),
    async read(cid) {
      const block = blocks.get(cid.toString()) ?? null;
      if (block !== null && !matches(cid, block)) throw corrupt(cid.toString());
      return block;
    },
    async write(cid, block) {
      blocks.set(cid.toString(), Uint8Array.from(block));
    },
    async remove(cid) {
      blocks.delete(cid.toString());
    },
  };
}

function ask(nodes: Map<string, FakeContent>, offline: Set<string>, from: string, asker: string, cid: CID): Uint8Array {
  const peer = nodes.get(from);
  const block = peer?.allowed.has(asker) ? peer.blocks.get(cid.toString()) : undefined;
  if (block === undefined || offline.has(from)) {
    throw new EdgeError('BLOCK_UNAVAILABLE', 'the peer does not serve this block', { context: { from } });
  }
  if (!matches(cid, block)) throw corrupt(cid.toString());
  return block;
}

function makeNode(nodes: Map<string, FakeContent>, offline: Set<string>, peerId: string): FakeContent {
  const blocks = new Map<string, Uint8Array>();
  const store = mapStore(blocks);
  const plain = (cids: string[], key: Uint8Array, options: GetOptions & { from: string }) =>
    plainBlocks(cids, key, store, async (cid) => ask(nodes, offline, options.from, peerId, cid), options);
  return {
    peerId,
    blocks,
    allowed: new Set(),
    put: (file, key, options) => putFile(file, key, store, options),
    putBytes: (bytes, key) => putBytes(bytes, key, store),
    get: (cids, key, file, options) => writeVerified(file, plain(cids, key, options)),
    async getBytes(cids, key, options) {
      const parts: Uint8Array[] = [];
      for await (const part of plain(cids, key, options)) parts.push(part);
      return Buffer.concat(parts);
    },
    block: async (cid) => store.read(parseCid(cid)),
    allow(peerIds) {
      this.allowed = new Set(peerIds);
    },
    async drop(cids) {
      for (const cid of cids) blocks.delete(cid);
    },
  };
}

/** Makes an empty network. */
export function fakeContentNetwork(): FakeContentNetwork {
  const nodes = new Map<string, FakeContent>();
  const offline = new Set<string>();
  return {
    node(peerId = randomUUID()) {
      const node = makeNode(nodes, offline, peerId);
      nodes.set(peerId, node);
      return node;
    },
    setOnline(peerId, online) {
      if (online) offline.delete(peerId);
      else offline.add(peerId);
    },
  };
}
