import jstat from 'jstat';

export type Spread = { readonly mean: number; readonly deviation: number | null; readonly count: number };

/** Mean and sample deviation (n − 1); of one value there is no deviation. */
export const spreadOf = (values: readonly number[]): Spread => {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: count < 2 ? null : Math.sqrt(squares / (count - 1)), count };
};

export type PairedTest = {
  readonly pairs: number;
  /** Mean of first − second. */
  readonly difference: number;
  readonly t: number;
  /** Two-sided. */
  readonly p: number;
};

/**
 * Student's two-sided paired t-test: t = d̄ / (s_d / √n) with n − 1 degrees of freedom. NaN for fewer than two pairs.
 * p is the regularized incomplete beta function I(ν / (ν + t²); ν/2, 1/2). It keeps its precision in the tails. 1 − CDF has none there.
 */
export const pairedTTest = (first: ArrayLike<number>, second: ArrayLike<number>): PairedTest => {
  if (first.length !== second.length) throw new Error(`pairs of ${first.length} and ${second.length} values`);
  const { mean, deviation, count } = spreadOf(Array.from(first, (value, i) => value - second[i]!));
  if (deviation === null) return { pairs: count, difference: mean, t: Number.NaN, p: Number.NaN };
  if (deviation === 0)
    return { pairs: count, difference: mean, t: mean === 0 ? 0 : Math.sign(mean) * Number.POSITIVE_INFINITY, p: mean === 0 ? 1 : 0 };
  const t = mean / (deviation / Math.sqrt(count));
  const freedom = count - 1;
  return { pairs: count, difference: mean, t, p: jstat.ibeta(freedom / (freedom + t * t), freedom / 2, 0.5) as number };
};
