/**
 * The kernels of the item generator, float32, on the pool's threads. The conventions of all kernels are in tensor/kernels/kernels.ts.
 *
 * Item tensors are item-major blocks (n, o, s): the s outputs of one item for each of o hidden units lie together.
 * So a generated row, its gradient and its Adam pass each touch one contiguous block.
 * s is a multiple of 4. Callers pad with zeros, which every kernel keeps zero.
 * A row of generateRows has the same bits as that of generateItems.
 */
export type GenerationKernels = {
  /** Pairs users that share many units of h (users, o), and lists the units of each pair for `generateItems`. `pairs`: room of pairRoom(users, o). */
  pairUnits(users: number, o: number, s: number, h: number, pairs: number): void;
  /**
   * Full generation by a `generator` (structs/generator.ts), for u < users and first ≤ i < first + count:
   *
   *   out[u·outStride + i·s + j] = bias[i·s + j] + Σ_p h[u·o + p] · w[(i·o + p)·s + j]
   *
   * A tile of two users × two items per step fills the registers. `pairs` comes from pairUnits: units that are zero for both users cost nothing.
   * With the null pointer, neighbours are paired, with all units.
   */
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
  /**
   * Sparse generation of the rows of a `list` (structs/row-list.ts). Row r belongs to cohort position user[r] and item item[r], and goes to place[r]:
   *
   *   out[place·s + j] = bias[item·s + j] + Σ_p h[user·o + p] · w[(item·o + p)·s + j]
   *
   * Rows of one item should stand together: then the item comes from memory once.
   */
  generateRows(generator: number, list: number, h: number, out: number): void;
  /**
   * Backward of both, for each row r of the list, in order, with gradient d = upstream[r·s …] and slot = place[r]:
   *
   *   g[(slot·o + p)·s + j] += h[user·o + p]·d[j];  gBias[slot·s + j] += d[j]
   *   dh[user·o + p] = Σ_r Σ_j w[(item·o + p)·s + j]·d[j] for the cohort's `users`, zero where h is zero (behind a ReLU)
   *
   * Slots from `fresh` on may hold any numbers. The rows of each stand together, and the first zeroes it.
   * `units` is room for unitRoom(users, o) elements.
   */
  backwardRows(generator: number, list: number, users: number, h: number, units: number, g: number, gBias: number, dh: number): void;
};
