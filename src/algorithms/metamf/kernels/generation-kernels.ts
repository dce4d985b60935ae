/**
 * The kernels of the item generator, float32, on the pool's threads (tensor/kernels/kernels.ts has the conventions of all kernels).
 *
 * Item tensors are item-major blocks (n, o, s): the s outputs of one item for each of o hidden units lie together, so that a generated row,
 * its gradient and its Adam pass each touch one contiguous block. s is a multiple of 4 (callers pad with zeros, which every kernel keeps zero).
 * A row of generateRows equals that of generateItems, to the bit.
 */
export type GenerationKernels = {
  /** Finds for `generateItems` which units of h (users, o) two users have, and which two share many; `pairs` is room for pairRoom(users, o) elements. */
  pairUnits(users: number, o: number, s: number, h: number, pairs: number): void;
  /** Full generation by a `generator` (structs/generator.ts): out[u·outStride + i·s + j] = bias[i·s + j] + Σ_p h[u·o + p] · w[(i·o + p)·s + j]
   * for u < users and first ≤ i < first + count. Two users × two items per step is the tile that fills the registers. With `pairs`, as pairUnits
   * left them, units that are zero cost nothing where both have them so; the null pointer: all units of neighbours. */
  generateItems(
    generator: number,
    users: number,
    first: number,
    count: number,
    h: number,
    pairs: number,
    out: number,
    outStride: number,
  ): void;
  /** Sparse generation of the rows of a `list` (structs/row-list.ts): row r belongs to cohort position user[r] and item item[r], and goes to place[r]:
   * out[place·s + j] = bias[item·s + j] + Σ_p h[user·o + p] · w[(item·o + p)·s + j]. Rows of one item should stand together, which then
   * comes from memory once. */
  generateRows(generator: number, list: number, h: number, out: number): void;
  /** Backward of both. Slots from `fresh` on may hold anything: the rows of each stand together, and the first zeroes it.
   * For each row r of the list, in order, with gradient d = upstream[r·s …] and slot = place[r]:
   * g[(slot·o + p)·s + j] += h[user·o + p]·d[j];  gBias[slot·s + j] += d[j];
   * dh[user·o + p] = Σ_r Σ_j w[(item·o + p)·s + j]·d[j] for the cohort's `users`, zero where h is: h is behind a ReLU.
   * `units` is room for unitRoom(users, o) elements. */
  backwardRows(generator: number, list: number, users: number, h: number, units: number, g: number, gBias: number, dh: number): void;
};
