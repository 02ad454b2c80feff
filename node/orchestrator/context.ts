import type { Domain, Signer } from '../../market/eip712.ts';
import type { Clock, PeerRef, Streams } from '../../market/ports.ts';
import type { Chain, Content } from '../../sdk/ports.ts';
import type { Logger } from '../logger.ts';
import type { NorthRelayService } from '../north/relay.ts';
import type { Records } from './records.ts';
import type { RunnerParts } from './runner.ts';

/** Something that happened to an agreement: for the API's event stream, the CLI's progress and the log. */
export interface NodeEvent {
  atMs: number;
  agreementId: string | null;
  kind: string;
  /** Plain data, no secrets. */
  data: Record<string, unknown>;
}

/** This node's own network identity. */
export interface PeerIdentity {
  peerId: string;
  addrs(): string[];
  /** Ed25519 signature, 0x-hex. */
  sign(bytes: Uint8Array): string;
  verify(peerId: string, bytes: Uint8Array, signature: string): boolean;
}

/** What the orchestrator works with; built once, in node/node.ts. */
export interface Context extends RunnerParts {
  clock: Clock;
  log: Logger;
  dataDir: string;
  domain: Domain;
  signer: Signer;
  peer: PeerIdentity;
  streams: Streams;
  north: NorthRelayService;
  content: Content;
  chain: Chain;
  records: Records;
  randomBytes(length: number): Uint8Array;
  emit(kind: string, agreementId: string | null, data?: Record<string, unknown>): void;
  /** Aborts when the node stops. */
  signal: AbortSignal;
}

export function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString('hex')}`;
}

export function unhex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.slice(2), 'hex'));
}

export function peerOf(party: { peerId: string; addrs: string[] }): PeerRef {
  return { peerId: party.peerId, addrs: party.addrs };
}
