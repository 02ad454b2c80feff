import {
  cellToLatLng,
  cellToParent,
  getResolution,
  greatCircleDistance,
  gridDisk,
  isValidCell,
  latLngToCell,
  UNITS,
} from 'h3-js';
import { EdgeError } from './errors.ts';

/** Resolution of the cells that orders and duties name: edge about 1.4 km, coarse enough not to give an address away. */
export const PLACE_RESOLUTION = 7;
/** Resolution of the cells that gossip topics name: edge about 9.9 km. */
export const TOPIC_RESOLUTION = 5;

/** True for an H3 cell that has a topic: resolution 5 or finer. */
export function isPlaceCell(cell: string): boolean {
  return isValidCell(cell) && getResolution(cell) >= TOPIC_RESOLUTION;
}

/** The H3 cell of a point, in degrees (WGS 84). Throws `PLACE_INVALID`. */
export function cellAt(lat: number, lng: number, resolution: number = PLACE_RESOLUTION): string {
  const inRange = Math.abs(lat) <= 90 && Math.abs(lng) <= 180;
  const fineEnough = Number.isInteger(resolution) && resolution >= TOPIC_RESOLUTION && resolution <= 15;
  if (!inRange || !fineEnough) {
    throw new EdgeError('PLACE_INVALID', `no cell for latitude ${lat}, longitude ${lng}, resolution ${resolution}`, {
      context: { lat, lng, resolution },
      remedy: 'Use degrees (latitude -90 to 90, longitude -180 to 180) and a resolution from 5 to 15.',
    });
  }
  return latLngToCell(lat, lng, resolution);
}

/** The cell whose topic carries the orders of `cell`. Throws `PLACE_INVALID`. */
export function topicCell(cell: string): string {
  return cellToParent(placeCell(cell), TOPIC_RESOLUTION);
}

/** Topics to listen to from `cell`: its own first, then the (six, five around a pentagon) neighbours, sorted. Throws `PLACE_INVALID`. */
export function topicCellsAround(cell: string): string[] {
  const own = topicCell(cell);
  const neighbours = gridDisk(own, 1).filter((around) => around !== own);
  return [own, ...neighbours.sort()];
}

/** Great-circle metres between the centres of two cells: off by up to about one cell edge at each end. Throws `PLACE_INVALID`. */
export function distanceM(cellA: string, cellB: string): number {
  if (cellA === cellB) return 0;
  return greatCircleDistance(cellToLatLng(placeCell(cellA)), cellToLatLng(placeCell(cellB)), UNITS.m);
}

function placeCell(cell: string): string {
  if (isPlaceCell(cell)) return cell;
  throw new EdgeError('PLACE_INVALID', `"${cell}" is no H3 cell of resolution 5 or finer`, {
    context: { cell },
    remedy: 'Take the cell from `eaas init`, or give a latitude and a longitude.',
  });
}
