/**
 * A batch of rows of a sparse matrix through an autoencoder, column by column (tensor/kernels/kernels.ts has the conventions of all kernels).
 * A row of the batch has a slot. A column has a row of V and one of W. All of its cells in the batch are visited at once.
 * So its gradient needs no table. After the last cell it is complete, and Adam steps the row while it lies in the cache.
 *
 * `job` is a struct (structs/columns.ts). `hyper` has Adam's hyperparameters (tensor/structs/hyper.ts): `scale` multiplies every gradient.
 * Columns without a cell step, too: weight decay and moments move them. Columns first ≤ c < first + count are independent but for
 * `hidden` and `slopes`, to which they add in their order.
 */
export type ColumnKernels = {
  /** hidden[slot] += input · V[c], for each cell. */
  encodeColumns(job: number, first: number, count: number): void;
  /**
   * The decoder of AutoRec, by the squared error of the cells.
   *
   *   e = W[c] · hidden[slot] + b[c] − value;  slopes[slot] += e · W[c]
   *
   * Then Adam on W[c] with Σ e · hidden[slot], and on b[c] with Σ e. b has no decay. Returns Σ e².
   */
  stepDecoderColumns(job: number, first: number, count: number, hyper: number): number;
  /** Adam on V[c] with Σ input · slopes[slot]. */
  stepEncoderColumns(job: number, first: number, count: number, hyper: number): void;
};
