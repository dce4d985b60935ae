/**
 * The kernels of a device's local model, float32 (tensor/kernels/kernels.ts has the conventions of all kernels). `model` is a struct
 * (structs/rated.ts), row[r] (u32) the item row of the r-th rating.
 */
export type RatingKernels = {
  /** Predictions of ratings: x = items[row] ⊙ user (d)   h = ReLU(w1·x + b1) (f)   out[r] = w2·h + b2. */
  predictRatings(model: number, count: number, row: number, out: number): void;
  /** One pass of minibatch descent, `batch` ratings at a time in the order given, on the mean of (ŷ − value)² over each batch, of the
   * item rows and of `w`: weights −= rate · gradient. gItems and g are laid out as items and w, zero before and zero again after.
   * Returns Σ (ŷ − value)², each as predicted for its own batch, in float64. */
  descendRatings(model: number, count: number, batch: number, row: number, value: number, rate: number): number;
};
