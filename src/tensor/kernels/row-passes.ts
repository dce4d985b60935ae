import { read, readAt, sizeOf } from '../memory/struct.js';
import * as Hyper from '../structs/hyper.js';
import * as Kept from '../structs/kept-steps.js';
import * as Rows from '../structs/rows.js';

/** One row of a sparse tensor, with pointers to its weights and moments. A second moment of the whole row is at `rowVariance`. */
export type Row = {
  readonly size: number;
  readonly trained: number;
  readonly w: number;
  readonly m: number;
  readonly v: number;
  readonly rowVariance: number;
};

export type RowPasses = {
  /** Calls `step` once for each row first … first + count − 1, with its gradient in `g` or the null pointer. */
  readonly eachItem: (rows: number, first: number, count: number, g: number, step: (row: Row, gradient: number) => void) => void;
  /** Calls `step` once for each pending step of a row, in order, with the step's hyperparameters. */
  readonly eachPending: (rows: number, first: number, count: number, last: number, step: (row: Row, hyper: number) => void) => void;
};

/** In `stepsApplied`: a caller is stepping the row. */
const TAKEN = -1;

/** Hyperparameters, by name. */
export const hyperAt = ({ buffer }: WebAssembly.Memory, pointer: number) => read(new Float64Array(buffer, pointer, sizeOf(Hyper)), Hyper);

/** Reference of the common part of passes over rows (assembly/items.ts). */
export const createRowPasses = (memory: WebAssembly.Memory): RowPasses => {
  const rowOf = ({ size, trained, weights, moment, variance }: ReturnType<typeof readAt<typeof Rows>>, item: number): Row => {
    const at = 4 * item * size;
    return { size, trained, w: weights + at, m: moment + at, v: variance + at, rowVariance: variance + 4 * item };
  };
  return {
    eachItem: (rows, first, count, g, step) => {
      const all = readAt(memory, rows, Rows);
      const end = first + count;
      const slots = new Int32Array(memory.buffer, all.slotOf, end);
      for (let i = first; i < end; i++) step(rowOf(all, i), slots[i]! < 0 ? 0 : g + 4 * slots[i]! * all.size);
    },
    eachPending: (rows, first, count, last, step) => {
      const all = readAt(memory, rows, Rows);
      const end = first + count;
      const counts = new Int32Array(memory.buffer, all.stepsApplied, end);
      for (let i = first; i < end; i++) {
        const before = Atomics.load(counts, i);
        if (before === TAKEN || before >= last || Atomics.compareExchange(counts, i, before, TAKEN) !== before) continue;
        for (let t = before + 1; t <= last; t++) step(rowOf(all, i), all.steps + 8 * Kept.numbers * (t % Kept.steps));
        Atomics.store(counts, i, last);
      }
    },
  };
};
