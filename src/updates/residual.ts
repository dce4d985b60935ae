import { normOf } from '../base/norm.js';
import { elements } from '../messages/wire-tensor.js';
import type { SentUpdate, UpdateWire } from './update-step.js';

/**
 * What a device has not sent yet: the memory of error feedback (Stich et al., "Sparsified SGD with memory", NeurIPS 2018, algorithm 1).
 * It is numbers of a step's state:
 *
 *   for each slot: the item of a row, plus one (as bits; 0: an empty slot), and its row of each row tensor
 *   the dense tensors
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

const itemsIn = (state: Float32Array): Uint32Array => new Uint32Array(state.buffer, state.byteOffset, state.length);

/** Adds the row that starts at `from` to a row of the update. */
const addRow = (widths: readonly number[], state: Float32Array, from: number, sums: readonly Float32Array[], row: number): void => {
  let at = from;
  for (let tensor = 0; tensor < widths.length; tensor++) {
    const [sum, size] = [sums[tensor]!, widths[tensor]!];
    for (let i = row * size; i < (row + 1) * size; i++) sum[i]! += state[at++]!;
  }
};

/** Writes a row of the update from `to` on; returns whether anything of it is left. */
const writeRow = (widths: readonly number[], left: readonly Float32Array[], row: number, out: Float32Array, to: number): boolean => {
  let [at, isLeft] = [to, false];
  for (let tensor = 0; tensor < widths.length; tensor++) {
    const [values, size] = [left[tensor]!, widths[tensor]!];
    for (let i = row * size; i < (row + 1) * size; i++) {
      const value = values[i]!;
      if (value !== 0) isLeft = true;
      out[at++] = value;
    }
  }
  return isLeft;
};

/** Which of so many rows, each in a slot, to keep: the longest, and of equal ones the first; ascending. */
const longest = (all: Float32Array, slot: number, count: number, most: number): readonly number[] => {
  const squares = Array.from({ length: count }, (_, index) => normOf([all.subarray(index * slot + 1, (index + 1) * slot)]));
  const order = squares.map((_, index) => index).sort((a, b) => squares[b]! - squares[a]! || a - b);
  return order.slice(0, most).sort((a, b) => a - b);
};

export const createResidual = ({ up, items }: UpdateWire): Residual => {
  const widths = up.map(({ perRow, shape }) => (perRow ? elements(shape) : 0));
  const width = widths.reduce((sum, size) => sum + size, 0);
  const slot = width === 0 ? 0 : 1 + width;
  const dense = up.reduce((sum, { perRow, shape }) => sum + (perRow ? 0 : elements(shape)), 0);

  const slotsIn = (state: Float32Array): number => (slot === 0 ? 0 : (state.length - dense) / slot);

  /** All rows of which something waits, in slots that follow each other, and how many; items ascend in both that they come from. */
  const waiting = (rows: Uint32Array, left: readonly Float32Array[], state: Float32Array) => {
    const [slots, ids] = [slotsIn(state), itemsIn(state)];
    const all = new Float32Array(slot * (slots + rows.length + 1));
    const allIds = itemsIn(all);
    let [count, at] = [0, 0];
    const itemAt = (index: number): number => (index < slots && ids[index * slot]! > 0 ? ids[index * slot]! - 1 : Number.POSITIVE_INFINITY);
    for (let row = 0; row <= rows.length; row++) {
      const item = row < rows.length ? rows[row]! : Number.POSITIVE_INFINITY;
      for (; itemAt(at) < item; at++) all.set(state.subarray(at * slot, (at + 1) * slot), slot * count++);
      if (row === rows.length) break;
      if (itemAt(at) === item) at += 1;
      if (!writeRow(widths, left, row, all, slot * count + 1)) continue;
      allIds[slot * count++] = item + 1;
    }
    return { all, count };
  };

  return {
    size: (records) => slot * Math.min(items, records) + dense,
    added: ({ rows, tensors }, state) => {
      const sums = tensors.map((values) => values.slice());
      const [slots, ids] = [slotsIn(state), itemsIn(state)];
      for (let at = 0, row = 0; at < slots && ids[at * slot]! > 0; at++) {
        const item = ids[at * slot]! - 1;
        while (row < rows.length && rows[row]! < item) row += 1;
        if (rows[row] === item) addRow(widths, state, at * slot + 1, sums, row);
      }
      let at = state.length - dense;
      up.forEach(({ perRow }, tensor) => {
        if (perRow) return;
        const sum = sums[tensor]!;
        for (let i = 0; i < sum.length; i++) sum[i]! += state[at++]!;
      });
      return sums;
    },
    keep: ({ rows }, left, state) => {
      const most = slotsIn(state);
      if (slot > 0) {
        const { all, count } = waiting(rows, left, state);
        state.fill(0);
        if (count <= most) state.set(all.subarray(0, slot * count));
        else longest(all, slot, count, most).forEach((from, to) => state.set(all.subarray(from * slot, (from + 1) * slot), to * slot));
      }
      let at = state.length - dense;
      up.forEach(({ perRow }, tensor) => {
        if (perRow) return;
        state.set(left[tensor]!, at);
        at += left[tensor]!.length;
      });
    },
  };
};
