/**
 * The kernels of a device's local model, float32 (tensor/kernels/kernels.ts has the conventions of all kernels). `model` is a struct
 * (structs/rated.ts), row[r] (u32) the item row of the r-th rating.
 */
export type RatingKernels = {
  /** Predictions of ratings: x = items[row] ⊙ user (d)   h = ReLU(w1·x + b1) (f)   out[r] = w2·h + b2. */
  predictRatings(model: number, count: number, row: number, out: number): void;
  /** One pass of minibatch descent over the ratings in the given order, `batch` of them in a step: weights −= rate · gradient.
   * The gradient is that of a batch's mean of (ŷ − value)², with respect to the item rows and to `w`.
   * The gradients (gItems, g) have the layout of items and w. They are zero before and after.
   * Returns Σ (ŷ − value)² in float64, with each ŷ from before the step of its batch. */
  descendRatings(model: number, count: number, batch: number, row: number, value: number, rate: number): number;
};
