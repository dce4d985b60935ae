import type { RatingMetric } from './metric.js';

/**
 * A mean over all held-out ratings of all users. Sums: ratings, Σ loss(prediction − rating).
 * One user's losses are summed first, in order, and then added: the same bits as merging the sums of one device after another.
 */
const meanOf = (name: string, loss: (error: number) => number, finish: (mean: number) => number): RatingMetric => ({
  name,
  task: 'rating',
  better: 'lower',
  size: 2,
  add: (sums, at, scores, { values }) => {
    let total = 0;
    for (let i = 0; i < values.length; i++) total += loss(scores[i]! - values[i]!);
    sums[at]! += values.length;
    sums[at + 1]! += total;
  },
  value: (sums, at) => (sums[at] === 0 ? null : finish(sums[at + 1]! / sums[at]!)),
});

const squared = (error: number): number => error * error;
const same = (mean: number): number => mean;

/** Mean absolute error (Lin et al., SIGIR 2020, eq. 11), mean squared error (eq. 12) and its root, all in rating units or their square. */
export const RATING_METRICS: readonly RatingMetric[] = [
  meanOf('mae', Math.abs, same),
  meanOf('mse', squared, same),
  meanOf('rmse', squared, Math.sqrt),
];
