/** The kernels of a generated model on its device, float64. The conventions of all kernels are in tensor/kernels/kernels.ts. */
export type FactoredKernels = {
  /**
   * Predictions of a generated `model` (structs/factored.ts), in float64. row[r] (u32) is the row of `low` of the r-th rating's item.
   *
   *   A = rise·w1 (s, f)   h = ReLU(low[row]·A + b1)   out[r] (f32) = centre + (w2·h + b2 [+ low[row, 0] if `offset` is 1])
   *
   * Both implementations do the same operations in the same order, so their results are the same bits.
   */
  predictFactored(model: number, count: number, row: number, centre: number, out: number): void;
  /**
   * The gradient of Σ (ŷ − value)² over the ratings with respect to `low` (`rows` rows of it), rise, w1, b1, w2 and b2.
   * `gradient` (f32) takes them one behind the other in this order. Rows are padded as those of low, rise (s, d), w1, b1 and w2.
   * A row's gradient is rounded to float32 after each added term, the others once, at the end. Returns the sum of squares.
   */
  backwardFactored(model: number, count: number, rows: number, row: number, value: number, centre: number, gradient: number): number;
};
