import type { Dataset, Ratings } from '../../data/dataset.js';

/** Central models that know every rating: what a federated one is measured against. */
export type Predictor = (user: number, item: number) => number;

/** Calls `visit` for every rating of a part, users ascending. */
export const forEachRating = ({ offsets, items, values }: Ratings, visit: (user: number, item: number, rating: number) => void): void => {
  for (let user = 0; user + 1 < offsets.length; user++) {
    for (let row = offsets[user]!; row < offsets[user + 1]!; row++) visit(user, items[row]!, values[row]!);
  }
};

/** What these models minimize: their mean squared error; null over no ratings. */
export const lossOf = (predict: Predictor, part: Ratings): number | null => {
  let total = 0;
  forEachRating(part, (user, item, rating) => {
    const error = predict(user, item) - rating;
    total += error * error;
  });
  return part.values.length === 0 ? null : total / part.values.length;
};

export const globalMean = ({ parts: { train } }: Dataset): number => {
  let sum = 0;
  for (const value of train.values) sum += value;
  return sum / Math.max(1, train.values.length);
};

/** A user's mean training rating; the global mean where the user has none. */
export const userMeans = (dataset: Dataset): Predictor => {
  const { offsets, values } = dataset.parts.train;
  const overall = globalMean(dataset);
  const means = Float64Array.from({ length: dataset.users }, (_, user) => {
    const [start, end] = [offsets[user]!, offsets[user + 1]!];
    let sum = 0;
    for (let row = start; row < end; row++) sum += values[row]!;
    return end > start ? sum / (end - start) : overall;
  });
  return (user) => means[user]!;
};

export type Biases = { readonly mean: number; readonly user: Float64Array; readonly item: Float64Array };

const DAMPING = 5;
const SWEEPS = 15;

/** μ + b_u + b_i, each bias the damped mean of what the other leaves (Koren, 2010, section 2.1), swept until it has settled. */
export const fitBiases = (dataset: Dataset): Biases => {
  const mean = globalMean(dataset);
  const biases: Biases = { mean, user: new Float64Array(dataset.users), item: new Float64Array(dataset.items) };
  const sweep = (own: Float64Array, index: (user: number, item: number) => number, other: Predictor): void => {
    const sums = new Float64Array(own.length);
    const counts = new Float64Array(own.length);
    forEachRating(dataset.parts.train, (user, item, rating) => {
      const at = index(user, item);
      sums[at]! += rating - mean - other(user, item);
      counts[at]! += 1;
    });
    own.forEach((_, at) => {
      own[at] = sums[at]! / (counts[at]! + DAMPING);
    });
  };
  for (let i = 0; i < SWEEPS; i++) {
    sweep(
      biases.item,
      (_, item) => item,
      (user) => biases.user[user]!,
    );
    sweep(
      biases.user,
      (user) => user,
      (_, item) => biases.item[item]!,
    );
  }
  return biases;
};
