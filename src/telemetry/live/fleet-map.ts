import type { RoundMap } from '../../events/round.js';
import type { FleetMap } from './frame.js';

export type FleetMapBuilder = {
  add(map: RoundMap): void;
  /** The counts of the whole run so far, and those since the last call. */
  take(): FleetMap;
};

/** The fleet as a grid of cells of neighbouring devices. A million devices take no more bytes than a thousand. */
export const createFleetMap = (devices: number): FleetMapBuilder => {
  let asked = new Float64Array(0);
  let answered = new Float64Array(0);
  let recent = new Float64Array(0);
  return {
    add: (map) => {
      const cells = map.asked.length;
      if (asked.length !== cells) {
        asked = new Float64Array(cells);
        answered = new Float64Array(cells);
        recent = new Float64Array(cells);
      }
      for (let cell = 0; cell < cells; cell++) {
        asked[cell]! += map.asked[cell]!;
        recent[cell]! += map.asked[cell]!;
        answered[cell]! += map.answered[cell]!;
      }
    },
    take: () => {
      const cells = asked.length;
      const perCell = Math.max(1, devices / Math.max(1, cells));
      const rates = asked.map((times) => times / perCell);
      const most = rates.reduce((highest, rate) => Math.max(highest, rate), 0);
      const busiest = recent.reduce((highest, times) => Math.max(highest, times), 0);
      const missed = asked.map((times, cell) => (times === 0 ? 0 : Math.max(0, 1 - answered[cell]! / times)));
      const taken = { cells, devices, most, asked: packed(rates, most), missed: packed(missed, 1), now: packed(recent, busiest) };
      recent.fill(0);
      return taken;
    },
  };
};

/** Bytes 0 … 255 of 0 … `most`. Any value above 0 is at least 1. */
const packed = (values: Float64Array, most: number): string =>
  Buffer.from(Uint8Array.from(values, (value) => (most === 0 || value === 0 ? 0 : Math.max(1, Math.round((255 * value) / most))))).toString(
    'base64',
  );
