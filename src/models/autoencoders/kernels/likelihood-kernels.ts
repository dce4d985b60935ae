/**
 * Losses of a whole row of scores, of a decoder that scores every column. Row r of `logits` (count, columns) is that of row rows[r] (u32)
 * of a sparse matrix. Its positives are the columns ids[offsets[row]] … ids[offsets[row + 1] − 1] (u32). x = 1 there and 0 elsewhere.
 * Both replace the logits by the gradient of the loss, and return the loss of all rows, summed in float64.
 */
export type LikelihoodKernels = {
  /** Multinomial: −Σ x log p with p = softmax(logits). The gradient is Σ x · p − x. */
  softmaxLoss(count: number, columns: number, rows: number, offsets: number, ids: number, logits: number): number;
  /** Bernoulli: −Σ (x log p + (1 − x) log(1 − p)) with p = σ(logits). The gradient is p − x. */
  logisticLoss(count: number, columns: number, rows: number, offsets: number, ids: number, logits: number): number;
};
