import type { Random } from '../../base/random.js';
import type { Ordered } from '../port/orders.js';

/** What a cell of row r counts in the input of a corrupted row: scaleOf(r), or NaN, which leaves it out, with probability `dropout`. */
export type Corruption = (source: Random) => Float32Array;

/**
 * Multiplicative masking noise (Vincent et al., 2008): kept cells count scaleOf(row) / (1 − dropout), so that the expected sum is that without
 * noise. Cells are drawn in the order of the matrix. The array is used again by the next call.
 */
export const createCorruption = ({ ids }: Ordered, dropout: number, scaleOf: (row: number) => number): Corruption => {
  const values = new Float32Array(ids.length);
  return (source) => {
    for (let cell = 0; cell < ids.length; cell++) {
      values[cell] = dropout > 0 && source.uniform() < dropout ? Number.NaN : scaleOf(ids[cell]!) / (1 - dropout);
    }
    return values;
  };
};

/** 1 / √(cells of a row): rows of binary cells then have length 1. */
export const unitLength =
  ({ offsets }: Ordered) =>
  (row: number): number =>
    1 / Math.sqrt(Math.max(1, offsets[row + 1]! - offsets[row]!));
