import { cellAt, distanceM, topicCell, topicCellsAround } from '../../market/place.ts';
import type { Site } from '../devnet/edge-node.ts';

/** The places of the bridge scenario, around Guanabara Bay, Rio de Janeiro; this is the customer's. */
export const BRIDGE: Site = { name: 'bridge', title: 'Rio–Niterói bridge', lat: -22.8716, lng: -43.1387 };

/** In radio range of the motes on the bridge: candidates, and witnesses for each other. */
export const NEIGHBOURS: Site[] = [
  { name: 'university', title: 'university', lat: -22.8958, lng: -43.1255 },
  { name: 'harbour', title: 'harbour', lat: -22.8832, lng: -43.1199 },
  { name: 'pump-station', title: 'pump station', lat: -22.8789, lng: -43.1262 },
];

/** Hears the market, but none of the motes. */
export const FAR: Site = { name: 'far', title: 'far depot', lat: -22.7858, lng: -43.3117 };

export function distanceFromBridgeM(site: Site): number {
  return distanceM(cellAt(BRIDGE.lat, BRIDGE.lng), cellAt(site.lat, site.lng));
}

/** True when offers made at the site reach the bridge's market. */
export function hearsTheMarket(site: Site): boolean {
  const around = topicCellsAround(cellAt(BRIDGE.lat, BRIDGE.lng));
  return around.includes(topicCell(cellAt(site.lat, site.lng)));
}
