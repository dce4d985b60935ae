import { z } from 'zod';
import { startsByItem } from '../../algorithms/port/rows.js';
import type { ClientUpdate, UpdateSum } from '../../algorithms/port/server.js';
import { elements } from '../../messages/wire-tensor.js';
import type { Aggregator, AggregatorContext } from './aggregator.js';
import { clipRows } from './clip-rows.js';

export const rowClip = z
  .number()
  .min(0)
  .default(2)
  .describe("a row is scaled down to this multiple of the usual row norm of the round's updates; 0: never");

/** One number for the values of a coordinate, ascending; at least one. */
export type Centre = (sorted: Float64Array) => number;

/** By item: the updates that have its row, and the row's place in each, in the order of the updates. */
type Owners = { readonly starts: Uint32Array; readonly update: Uint32Array; readonly place: Uint32Array };

const ownersOf = (updates: readonly ClientUpdate[], items: number): Owners => {
  const lists = updates.map(({ rows }) => rows);
  const starts = startsByItem(lists, 0, items);
  const next = starts.slice();
  const [update, place] = [new Uint32Array(starts[items]!), new Uint32Array(starts[items]!)];
  lists.forEach((rows, index) => {
    for (let at = 0; at < rows.length; at++) {
      const entry = next[rows[at]!]!++;
      update[entry] = index;
      place[entry] = at;
    }
  });
  return { starts, update, place };
};

/**
 * Replaces each coordinate's mean by another centre of the updates' values, each update counted once. A row's coordinates are those of the
 * updates that have the row. Rows are clipped first (clip-rows.ts), as the centre of one or two values is no defence. What is left is that
 * centre times the weight of the updates it stands for, in the place of Σ weight · value. Values are float64 until they are stored.
 */
export const createCentres = ({ wire: { up }, items }: AggregatorContext, rowClip: number, centre: Centre): Aggregator => {
  const widths = up.map(({ shape }) => elements(shape));
  const tensors = up.map(({ perRow }, index) => new Float32Array(widths[index]! * (perRow ? items : 1)));
  const rowWeights = new Float32Array(items);

  const fillRows = (out: Float32Array, width: number, values: readonly Float32Array[], { starts, update, place }: Owners): void => {
    const room = new Float64Array(values.length);
    for (let item = 0; item < items; item++) {
      const [start, end] = [starts[item]!, starts[item + 1]!];
      const sorted = room.subarray(0, end - start);
      for (let e = 0; e < width && end > start; e++) {
        for (let entry = start; entry < end; entry++) sorted[entry - start] = values[update[entry]!]![place[entry]! * width + e]!;
        out[item * width + e] = rowWeights[item]! * centre(sorted.sort());
      }
    }
  };
  const fillDense = (out: Float32Array, values: readonly Float32Array[], weight: number): void => {
    const sorted = new Float64Array(values.length);
    for (let e = 0; e < out.length; e++) {
      for (let index = 0; index < values.length; index++) sorted[index] = values[index]![e]!;
      out[e] = weight * centre(sorted.sort());
    }
  };
  const sumOf = (updates: readonly ClientUpdate[]): UpdateSum => {
    for (const values of [...tensors, rowWeights]) values.fill(0);
    let weight = 0;
    for (const { count, rows } of updates) {
      weight += count;
      for (const row of rows) rowWeights[row]! += count;
    }
    const owners = ownersOf(updates, items);
    up.forEach(({ perRow }, index) => {
      const values = updates.map((update) => update.tensors[index]!);
      if (perRow) fillRows(tensors[index]!, widths[index]!, values, owners);
      else fillDense(tensors[index]!, values, weight);
    });
    return { updates: updates.length, weight, tensors, rowWeights };
  };
  return { combine: (updates) => ({ kind: 'sum', sum: sumOf(clipRows(updates, up, rowClip)) }) };
};
