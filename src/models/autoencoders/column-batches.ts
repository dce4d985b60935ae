import type { Arena, Pointer } from '../../tensor/memory/arena.js';
import type { Ordered } from '../port/orders.js';

/** One batch of rows, cut by columns: what a job of the column kernels names (kernels/structs/columns.ts). */
export type ColumnBatch = Readonly<Record<'starts' | 'slot' | 'input' | 'value', Pointer>> & { readonly rows: number };

/** Batches of the rows of a sparse matrix, which lies by columns in `matrix`. */
export type ColumnBatches = {
  /**
   * Cuts all rows, in the given order, into batches of `size`. A cell's slot is the place of its row in its batch.
   * `inputs`, aligned with the cells, are encoded instead of their values; NaN leaves a cell out. The result is valid until the next call.
   */
  cut(order: Uint32Array, inputs?: Float32Array): readonly ColumnBatch[];
};

/** It takes two passes over the cells, and no sort: columns ascend in the matrix, so they do in each batch. */
export const createColumnBatches = (arena: Arena, matrix: Ordered, rows: number, size: number): ColumnBatches => {
  const { offsets, ids } = matrix;
  const columns = offsets.length - 1;
  const [count, stride] = [Math.ceil(rows / size), columns + 1];
  const starts = arena.allocate(count * stride);
  const [slot, input, value] = [arena.allocate(ids.length), arena.allocate(ids.length), arena.allocate(ids.length)];
  const place = new Uint32Array(rows);
  const next = new Uint32Array(count);

  /** Makes `next` the first cell of each batch. */
  const countCells = (inputs: Float32Array): void => {
    next.fill(0);
    for (let cell = 0; cell < ids.length; cell++) if (!Number.isNaN(inputs[cell]!)) next[Math.floor(place[ids[cell]!]! / size)]! += 1;
    let cells = 0;
    next.forEach((found, batch) => {
      next[batch] = cells;
      cells += found;
    });
  };

  return {
    cut: (order, inputs = matrix.values) => {
      const [begin, slots] = [arena.u32(starts, count * stride), arena.u32(slot, ids.length)];
      const [encoded, kept] = [arena.f32(input, ids.length), arena.f32(value, ids.length)];
      order.forEach((row, at) => {
        place[row] = at;
      });
      countCells(inputs);
      for (let column = 0; column < columns; column++) {
        for (let batch = 0; batch < count; batch++) begin[batch * stride + column] = next[batch]!;
        for (let cell = offsets[column]!; cell < offsets[column + 1]!; cell++) {
          if (Number.isNaN(inputs[cell]!)) continue;
          const at = place[ids[cell]!]!;
          const batch = Math.floor(at / size);
          const to = next[batch]!++;
          slots[to] = at - batch * size;
          encoded[to] = inputs[cell]!;
          kept[to] = matrix.values[cell]!;
        }
      }
      for (let batch = 0; batch < count; batch++) begin[batch * stride + columns] = next[batch]!;
      return Array.from({ length: count }, (_, batch) => ({
        starts: starts + 4 * batch * stride,
        slot,
        input,
        value,
        rows: Math.min(size, order.length - batch * size),
      }));
    },
  };
};
