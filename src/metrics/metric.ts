import type { Ranks, Scores } from './ranks.js';

/**
 * A metric is a few float64 sums over users. A device adds its user's contribution and sends the sums, never scores or ratings.
 * Sums merge by addition, in DeviceId order, so that every run gives the same bits.
 * A rating metric compares predictions with ratings; a ranking metric says how high scores place held-out items among candidates.
 */
export type Metric = RatingMetric | RankingMetric;

export type RatingMetric = Common & {
  readonly task: 'rating';
  /** Adds one user's contribution to sums[at … at + size − 1]; scores are predictions, aligned with held.values. */
  readonly add: (sums: Float64Array, at: number, scores: Scores, held: HeldRatings) => void;
};

export type RankingMetric = Common & {
  readonly task: 'ranking';
  /** Adds one user's contribution to sums[at … at + size − 1]; a user that cannot be measured adds nothing. */
  readonly add: (sums: Float64Array, at: number, ranks: Ranks) => void;
};

type Common = {
  /** What the registry, configurations and reports call it: `mse`, `ndcg@10`. */
  readonly name: string;
  readonly better: 'lower' | 'higher';
  /** How many float64 sums it keeps. */
  readonly size: number;
  /** Its value, or null where nothing was measured; NaN where a rating metric's predictions were no numbers. */
  readonly value: (sums: Float64Array, at: number) => number | null;
};

/** What one user's scores are measured against. */
export type Held = HeldRatings | HeldItems;
/** The user's held-out ratings, in the order of the scores. */
export type HeldRatings = { readonly task: 'rating'; readonly values: Float32Array };
/** One byte a candidate, in the order of the scores: other than 0 where the candidate is a held-out item. */
export type HeldItems = { readonly task: 'ranking'; readonly relevant: Uint8Array };

/** Whether `a` is strictly better than `b`. Every number is better than null and NaN; neither of these is better than anything. */
export const isBetter = ({ better }: Pick<Metric, 'better'>, a: number | null, b: number | null): boolean => {
  if (a === null || Number.isNaN(a)) return false;
  if (b === null || Number.isNaN(b)) return true;
  return better === 'lower' ? a < b : a > b;
};
