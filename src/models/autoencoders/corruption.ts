import type { Random } from '../../base/random.js';
import type { Ordered } from '../port/orders.js';

/** Draws the input of each cell of a matrix anew. The array is used again by the next call. */
export type Corruption = (source: Random) => Float32Array;

/**
 * Masking noise (Vincent et al., 2008): a cell is `dropped` with probability `dropout`. Kept ones count inputOf / (1 − dropout), so that the
 * expected sum is that without noise. `dropped`: 0 for a cell that is still to be decoded, NaN for one that is left out.
 */
export const createCorruption = (
  { ids }: Ordered,
  dropout: number,
  dropped: 0 | typeof Number.NaN,
  inputOf: (row: number, cell: number) => number,
): Corruption => {
  const inputs = new Float32Array(ids.length);
  return (source) => {
    for (let cell = 0; cell < ids.length; cell++) {
      inputs[cell] = dropout > 0 && source.uniform() < dropout ? dropped : inputOf(ids[cell]!, cell) / (1 - dropout);
    }
    return inputs;
  };
};

/** 1 / √(cells of a row): rows of binary cells then have length 1. */
export const unitLength =
  ({ offsets }: Ordered) =>
  (row: number): number =>
    1 / Math.sqrt(Math.max(1, offsets[row + 1]! - offsets[row]!));
