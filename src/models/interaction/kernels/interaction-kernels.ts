/**
 * Embeddings of pairs of user and item, and the output on top of them (tensor/kernels/kernels.ts has the conventions of all kernels).
 * `job` is a struct (structs/pairs.ts), which has the shapes. p and q are the embeddings to multiply, s and t those to concatenate.
 */
export type InteractionKernels = {
  /** product[r] = p ⊙ q;  joined[r] = [s, t]. */
  gatherPairs(job: number, count: number): void;
  /** out[r] = w · [product[r], hidden[r]] + b + b_user + b_item. */
  outputPairs(job: number, count: number, out: number): void;
  /** Of errors ∂loss/∂out[r]: outputSlopes += error · [product[r], hidden[r], 1];  hiddenSlopes[r] = error · w_hidden. */
  outputPairsBackward(job: number, count: number, errors: number): void;
  /**
   * Adds the gradients of each pair to those of its rows: p: error · w_product ⊙ q, and q likewise;  [s, t]: joinedSlopes[r];  biases: error.
   */
  scatterPairs(job: number, count: number, errors: number): void;
  /** Adam on `count` rows (u32 at `ids`, distinct) of `size` elements, and their gradients are zero again. No other row moves. `state`: w, m, v and g (u32). */
  stepRows(count: number, ids: number, size: number, state: number, hyper: number): void;
};
