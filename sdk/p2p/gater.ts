import type { Connection, ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import { CONNECTION_LIMITS, type NetworkPreset, PRESETS } from './limits.ts';

/**
 * Refuses connections that libp2p's own limits let through: inbound ones beyond the reserved slots and too many from
 * one network. Every connection also gets its write bound here, the earliest place that sees it.
 */
export function createGater(preset: NetworkPreset, connections: () => Connection[]): ConnectionGater {
  const { maxPerSubnet } = PRESETS[preset];
  const admit = (peerId: PeerId, maConn: MultiaddrConnection): boolean => {
    maConn.maxWriteBufferLength = CONNECTION_LIMITS.maxWriteBufferBytes;
    closeOldest(connections().filter((open) => open.remotePeer.equals(peerId)));
    return false;
  };
  return {
    denyInboundConnection: (maConn) => {
      const inbound = connections().filter((open) => open.direction === 'inbound');
      if (inbound.length >= CONNECTION_LIMITS.maxInbound) return true;
      const subnet = subnetOf(maConn.remoteAddr);
      return inbound.filter((open) => subnetOf(open.remoteAddr) === subnet).length >= maxPerSubnet;
    },
    denyInboundEncryptedConnection: admit,
    denyOutboundEncryptedConnection: admit,
  };
}

/** A peer that dials again usually lost its old connection without our noticing (power cut): the newest is the live one. */
function closeOldest(ofPeer: Connection[]): void {
  const open = ofPeer.sort((a, b) => a.timeline.open - b.timeline.open);
  const excess = open.slice(0, Math.max(0, open.length + 1 - CONNECTION_LIMITS.maxPerPeer));
  for (const connection of excess) connection.abort(new Error('replaced by a newer connection of the same peer'));
}

/** The /24 of an IPv4 address, the /64 of an IPv6 address, the whole text of anything else. */
export function subnetOf(address: Multiaddr): string {
  const [first] = address.getComponents();
  const value = first?.value ?? '';
  if (first?.name === 'ip4') return value.split('.').slice(0, 3).join('.');
  if (first?.name === 'ip6') return expandIp6(value).slice(0, 4).join(':');
  return address.toString();
}

function expandIp6(address: string): string[] {
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array<string>(zeros).fill('0'), ...right].map((group) => group.padStart(4, '0'));
}
