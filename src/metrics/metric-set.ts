import { badInput } from '../base/errors.js';
import type { Held, Metric, RankingMetric, RatingMetric } from './metric.js';
import { rank, type Scores } from './ranks.js';
import { metricOf } from './registry.js';

/** Some metrics whose sums lie in one array, in the order of their names. Devices add and send it; the coordinator merges and reads it. */
export type MetricSet = {
  readonly metrics: readonly Metric[];
  /** Length of the sums, in float64 numbers; an array of zeros is a measure of nothing. */
  readonly size: number;
  /** Whether devices have to predict held-out ratings, and to score candidate items. */
  readonly needsRating: boolean;
  readonly needsRanking: boolean;
  /** Adds one user's contribution to the metrics of held.task. Throws RangeError unless there is one score for each held entry. */
  readonly add: (sums: Float64Array, scores: Scores, held: Held) => void;
  /** Adds `from` to `into`. Throws RangeError if one of them is not of this set's size. */
  readonly merge: (into: Float64Array, from: Float64Array) => void;
  /** Every metric's value by its name, in order; null where nothing was measured. */
  readonly values: (sums: Float64Array) => Readonly<Record<string, number | null>>;
};

/** A metric and where its sums begin. */
type Placed<M extends Metric> = { readonly metric: M; readonly at: number };

/** Throws CONFIG for a name that is unknown or occurs twice; `place` is the key or flag that holds the names. */
export const createMetricSet = (names: readonly string[], place = 'metrics'): MetricSet => {
  const metrics = names.map((name) => metricOf(name, place));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw badInput('CONFIG', place, 'each metric once', `${twice} twice`);

  let size = 0;
  const all: Placed<Metric>[] = [];
  const ratings: Placed<RatingMetric>[] = [];
  const rankings: Placed<RankingMetric>[] = [];
  for (const metric of metrics) {
    all.push({ metric, at: size });
    if (metric.task === 'rating') ratings.push({ metric, at: size });
    else rankings.push({ metric, at: size });
    size += metric.size;
  }

  const add = (sums: Float64Array, scores: Scores, held: Held): void => {
    const entries = held.task === 'rating' ? held.values.length : held.relevant.length;
    if (scores.length !== entries) throw new RangeError(`${held.task} metrics: expected ${entries} scores, found ${scores.length}`);
    if (held.task === 'rating') for (const { metric, at } of ratings) metric.add(sums, at, scores, held);
    else if (rankings.length > 0) {
      const ranks = rank(scores, held.relevant);
      for (const { metric, at } of rankings) metric.add(sums, at, ranks);
    }
  };

  const merge = (into: Float64Array, from: Float64Array): void => {
    for (const { length } of [into, from]) if (length !== size) throw new RangeError(`metrics: expected ${size} sums, found ${length}`);
    for (let i = 0; i < size; i++) into[i]! += from[i]!;
  };

  const values = (sums: Float64Array) => Object.fromEntries(all.map(({ metric, at }) => [metric.name, metric.value(sums, at)]));

  return { metrics, size, needsRating: ratings.length > 0, needsRanking: rankings.length > 0, add, merge, values };
};
