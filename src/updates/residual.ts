import { elements } from '../messages/wire-tensor.js';
import type { SentUpdate, UpdateWire } from './update-step.js';

/**
 * What a device has not sent yet: the memory of error feedback (Stich et al., "Sparsified SGD with memory", NeurIPS 2018, algorithm 1), as numbers
 * of a step's state:
 *
 *   for each slot: the item of a row and one (as bits; 0: an empty slot), and the row of each row tensor;   the dense tensors
 *
 * A device has as many slots as training records: no more items are rated. A row waits until an update has the row again.
 * An algorithm whose updates have other rows may need more. Then the shortest rows are forgotten.
 */
export type Residual = {
  size(records: number): number;
  /** The update and what was not sent: new tensors. */
  added(update: SentUpdate, state: Float32Array): Float32Array[];
  /** Takes up what is not sent this time. */
  keep(update: SentUpdate, left: readonly Float32Array[], state: Float32Array): void;
};

/** A row with its item, and Σ of its squares. */
type Row = { readonly item: number; readonly values: Float32Array; readonly squares: number };

const rowOf = (item: number, values: Float32Array): Row => ({
  item,
  values,
  squares: values.reduce((sum, value) => sum + value * value, 0),
});

export const createResidual = ({ up, items }: UpdateWire): Residual => {
  const widths = up.map(({ perRow, shape }) => (perRow ? elements(shape) : 0));
  const width = widths.reduce((sum, size) => sum + size, 0);
  const slot = width === 0 ? 0 : 1 + width;
  const dense = up.reduce((sum, { perRow, shape }) => sum + (perRow ? 0 : elements(shape)), 0);

  const itemsIn = (state: Float32Array): Uint32Array => new Uint32Array(state.buffer, state.byteOffset, state.length);
  const slotsIn = (state: Float32Array): number => (slot === 0 ? 0 : (state.length - dense) / slot);
  const rowAt = (state: Float32Array, index: number): Float32Array => state.subarray(index * slot + 1, (index + 1) * slot);

  const keptRows = (state: Float32Array): Row[] => {
    const ids = itemsIn(state);
    const rows: Row[] = [];
    for (let index = 0; index < slotsIn(state); index++) {
      const id = ids[index * slot]!;
      if (id > 0) rows.push(rowOf(id - 1, rowAt(state, index).slice()));
    }
    return rows;
  };

  /** Rows of the update of which something is left. */
  const leftRows = ({ rows }: SentUpdate, left: readonly Float32Array[]): Row[] =>
    Array.from(rows, (item, index) => {
      const values = new Float32Array(width);
      let at = 0;
      widths.forEach((size, tensor) => {
        values.set(left[tensor]!.subarray(index * size, (index + 1) * size), at);
        at += size;
      });
      return rowOf(item, values);
    }).filter(({ squares }) => squares !== 0);

  return {
    size: (records) => slot * Math.min(items, records) + dense,
    added: ({ rows, tensors }, state) => {
      const sums = tensors.map((values) => values.slice());
      const positions = new Map(Array.from(rows, (item, index) => [item, index]));
      for (const { item, values } of keptRows(state)) {
        const position = positions.get(item);
        if (position === undefined) continue;
        let at = 0;
        widths.forEach((size, tensor) => {
          const start = position * size;
          for (let i = 0; i < size; i++) sums[tensor]![start + i]! += values[at++]!;
        });
      }
      let at = state.length - dense;
      up.forEach(({ perRow }, tensor) => {
        if (perRow) return;
        const sum = sums[tensor]!;
        for (let i = 0; i < sum.length; i++) sum[i]! += state[at++]!;
      });
      return sums;
    },
    keep: (update, left, state) => {
      const named = new Set(update.rows);
      const rows = [...keptRows(state).filter(({ item }) => !named.has(item)), ...leftRows(update, left)];
      const most = slotsIn(state);
      const kept = rows.length <= most ? rows : rows.sort((a, b) => b.squares - a.squares || a.item - b.item).slice(0, most);
      state.fill(0);
      const ids = itemsIn(state);
      kept
        .sort((a, b) => a.item - b.item)
        .forEach(({ item, values }, index) => {
          ids[index * slot] = item + 1;
          state.set(values, index * slot + 1);
        });
      let at = state.length - dense;
      up.forEach(({ perRow }, tensor) => {
        if (perRow) return;
        state.set(left[tensor]!, at);
        at += left[tensor]!.length;
      });
    },
  };
};
