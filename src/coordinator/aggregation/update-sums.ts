import type { Wire } from '../../algorithms/port/definition.js';
import type { ClientUpdate, UpdateSum } from '../../algorithms/port/server.js';
import { elements, type TensorSpec } from '../../messages/wire-tensor.js';

/** sum[rows] += weight · values */
const addRows = (sum: Float32Array, rows: Uint32Array, values: Float32Array, width: number, weight: number): void => {
  for (let index = 0; index < rows.length; index++) {
    const [from, to] = [index * width, rows[index]! * width];
    for (let e = 0; e < width; e++) sum[to + e]! += weight * values[from + e]!;
  }
};

/** sum += weight · values */
const add = (sum: Float32Array, values: Float32Array, weight: number): void => {
  for (let i = 0; i < values.length; i++) sum[i]! += weight * values[i]!;
};

/** Sums of client updates in float32, in the order in which they are added. */
export type UpdateSums = {
  /** Weighs each update by the records it stands for (McMahan et al., AISTATS 2017, algorithm 1), or all alike. The sum lasts until the next call. */
  of(updates: readonly ClientUpdate[]): UpdateSum;
};

/** `up`: the tensors of an update, of which those with rows have one for each of `items`. */
export const createUpdateSums = (up: readonly TensorSpec[], items: number, weighting: Wire['weighting'] = 'records'): UpdateSums => {
  const widths = up.map(({ shape }) => elements(shape));
  const tensors = up.map(({ perRow }, index) => new Float32Array(widths[index]! * (perRow ? items : 1)));
  const rowWeights = new Float32Array(items);
  return {
    of: (updates) => {
      for (const values of [...tensors, rowWeights]) values.fill(0);
      let weight = 0;
      for (const { count, rows, tensors: values } of updates) {
        const share = weighting === 'records' ? count : 1;
        weight += share;
        up.forEach(({ perRow }, index) => {
          if (perRow) addRows(tensors[index]!, rows, values[index]!, widths[index]!, share);
          else add(tensors[index]!, values[index]!, share);
        });
        for (const row of rows) rowWeights[row]! += share;
      }
      return { updates: updates.length, weight, tensors, rowWeights };
    },
  };
};
