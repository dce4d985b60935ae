/** The kernels of a generated model on its device, float64 (tensor/kernels/kernels.ts has the conventions of all kernels). */
export type FactoredKernels = {
  /** Predictions by a generated `model` (structs/factored.ts), in float64: row[r] (u32) is the row of `low` of the r-th rating's item.
   * A = rise·w1 (s, f)   h = ReLU(low[row]·A + b1)   out[r] (f32) = centre + (w2·h + b2 [+ low[row, 0] where `offset` is 1])
   * Both implementations do the same operations in the same order: their results are the same bits. */
  predictFactored(model: number, count: number, row: number, centre: number, out: number): void;
  /** The gradient of Σ (ŷ − value)² over the ratings with respect to `low` (`rows` rows of it), rise, w1, b1, w2 and b2: in `gradient`
   * (f32), one behind the other in this order, rows padded as those of low, rise (s, d), w1, b1 and w2. A row's gradient is rounded to float32 after
   * each term that is added, the others once, at the end. Returns the sum. */
  backwardFactored(model: number, count: number, rows: number, row: number, value: number, centre: number, gradient: number): number;
};
