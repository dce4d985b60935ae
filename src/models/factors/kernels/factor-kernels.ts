/**
 * The kernels of factor models, float32 (tensor/kernels/kernels.ts has the conventions of all kernels). `model` is a struct
 * (structs/factors.ts), `hyper` another one (structs/descent.ts). Rows are padded to k, a multiple of 4.
 */
export type FactorKernels = {
  /**
   * One pass of stochastic gradient descent over the ratings of `count` users (u32 at `order`), user by user, each in the order of its rows.
   * N are the user's items. Without implicit vectors, the sum of y is 0. It is that of before the user's first rating.
   *
   *   x = p + |N|^(−1/2) Σ y_j                e = value − (mean [+ b_u + b_i] + q·x)
   *   b += rate·(e − biasDecay·b)             p += rate·(e·q − decay·p)             q += rate·(e·x − decay·q)
   *
   * After the user's last rating, each y_j of N takes the steps of all its ratings at once, with the q that each rating met:
   *
   *   y_j = max(0, 1 − rate·|N|·implicitDecay)·y_j + rate·|N|^(−1/2)·Σ e·q
   *
   * With weights, a rating of weight w = w_u·w_i steps at the rate w·rate, and one of weight 0 does nothing.
   *
   * Returns Σ e² in float64, each e from before its step; with weights Σ w·e².
   */
  descendFactors(model: number, count: number, order: number, hyper: number): number;
  /** x = p + |N|^(−1/2) Σ y_j of `count` users from `first` on, as rows of `out` (count, k). */
  implicitUsers(model: number, first: number, count: number, out: number): void;
  /**
   * One pass of Bayesian personalized ranking over `count` triples (u32 each): user, an item that it has, an item that it has not.
   *
   *   s = 1 / (1 + exp(p·(q_i − q_j) [+ b_i − b_j]))
   *   p += rate·(s·(q_i − q_j) − decay·p)   q_i += rate·(s·p − decay·q_i)   q_j += rate·(−s·p − decay·q_j)   b likewise, by biasDecay
   *
   * Returns Σ −ln(1 − s) in float64.
   */
  descendPairs(model: number, count: number, user: number, positive: number, negative: number, hyper: number): number;
  /**
   * Multiplicative updates of `count` rows of `own`, from row `first` on, with `other` fixed. Row r has the ratings offsets[r] … of other rows.
   *
   *   p ⊙= Σ value·q / (Σ (p·q)·q + decay·p + 1e-9), elementwise
   *
   * Returns Σ (value − p·q)² in float64, from before the updates. `own`, `other`, `offsets`, `ids`, `values` and `work` are those of `model`,
   * where `users` is own and `items` is other.
   */
  multiplyFactors(model: number, first: number, count: number, decay: number): number;
};
