import type { Arena, Pointer } from '../../tensor/memory/arena.js';
import type { Ordered } from '../port/orders.js';

/** One batch of rows, cut by columns: what a job of the column kernels names (kernels/structs/columns.ts). */
export type ColumnBatch = { readonly starts: Pointer; readonly slot: Pointer; readonly value: Pointer; readonly rows: number };

/** Batches of the rows of a sparse matrix, which lies by columns in `matrix`. */
export type ColumnBatches = {
  /**
   * Cuts all rows, in the given order, into batches of `size`. A cell's slot is the place of its row in its batch.
   * `values`, aligned with the cells, replace theirs; NaN leaves a cell out. The result is valid until the next call.
   */
  cut(order: Uint32Array, values?: Float32Array): readonly ColumnBatch[];
};

/** It takes two passes over the cells, and no sort: columns ascend in the matrix, so they do in each batch. */
export const createColumnBatches = (arena: Arena, matrix: Ordered, rows: number, size: number): ColumnBatches => {
  const { offsets, ids } = matrix;
  const columns = offsets.length - 1;
  const [count, stride] = [Math.ceil(rows / size), columns + 1];
  const [starts, slot, value] = [arena.allocate(count * stride), arena.allocate(ids.length), arena.allocate(ids.length)];
  const place = new Uint32Array(rows);
  const next = new Uint32Array(count);

  /** Makes `next` the first cell of each batch. */
  const countCells = (values: Float32Array): void => {
    next.fill(0);
    for (let cell = 0; cell < ids.length; cell++) if (!Number.isNaN(values[cell]!)) next[Math.floor(place[ids[cell]!]! / size)]! += 1;
    let cells = 0;
    next.forEach((found, batch) => {
      next[batch] = cells;
      cells += found;
    });
  };

  return {
    cut: (order, values = matrix.values) => {
      const [begin, slots, kept] = [arena.u32(starts, count * stride), arena.u32(slot, ids.length), arena.f32(value, ids.length)];
      order.forEach((row, at) => {
        place[row] = at;
      });
      countCells(values);
      for (let column = 0; column < columns; column++) {
        for (let batch = 0; batch < count; batch++) begin[batch * stride + column] = next[batch]!;
        for (let cell = offsets[column]!; cell < offsets[column + 1]!; cell++) {
          if (Number.isNaN(values[cell]!)) continue;
          const at = place[ids[cell]!]!;
          const batch = Math.floor(at / size);
          const to = next[batch]!++;
          slots[to] = at - batch * size;
          kept[to] = values[cell]!;
        }
      }
      for (let batch = 0; batch < count; batch++) begin[batch * stride + columns] = next[batch]!;
      return Array.from({ length: count }, (_, batch) => ({
        starts: starts + 4 * batch * stride,
        slot,
        value,
        rows: Math.min(size, order.length - batch * size),
      }));
    },
  };
};
