import type { Interactions } from '../algorithms/port/client.js';
import type { Dataset } from '../data/dataset.js';
import type { ItemVectors } from './model/recommender.js';
import { topPositions } from './ranking.js';

/** An item that the user rated, and how similar it is to a recommended one, from −1 to 1. */
export type Reason = { readonly item: number; readonly rating: number; readonly similarity: number };

/** Of a mean of equal ratings. */
const ROUNDING = 1e-6;

/** Similarity of two items. */
export type Similarity = (a: number, b: number) => number;

/** Cosines of vectors, from which the mean over all items is taken away: what all items have in common makes none of them similar. */
export const cosines = ({ values, width }: ItemVectors): Similarity => {
  const count = values.length / width;
  const mean = new Float64Array(width);
  for (let at = 0; at < values.length; at++) mean[at % width]! += values[at]! / count;
  return (a, b) => {
    let [dot, one, other] = [0, 0, 0];
    for (let e = 0; e < width; e++) {
      const x = values[a * width + e]! - mean[e]!;
      const y = values[b * width + e]! - mean[e]!;
      dot += x * y;
      one += x * x;
      other += y * y;
    }
    return one === 0 || other === 0 ? 0 : dot / Math.sqrt(one * other);
  };
};

/** Items whose vectors decide on the effective rank. */
const MOST_SAMPLED = 1000;

/**
 * (Σ λ)² / Σ λ² of the eigenvalues λ of the vectors' covariance: in how many directions items differ. 1: they lie on a line, and any two on
 * the same side of the mean have the cosine 1.
 */
export const effectiveRank = ({ values, width }: ItemVectors): number => {
  const count = values.length / width;
  const step = Math.ceil(count / MOST_SAMPLED);
  const rows = Math.ceil(count / step);
  const mean = new Float64Array(width);
  for (let item = 0; item < count; item += step) for (let e = 0; e < width; e++) mean[e]! += values[item * width + e]! / rows;
  const covariance = new Float64Array(width * width);
  const centred = new Float64Array(width);
  for (let item = 0; item < count; item += step) {
    for (let e = 0; e < width; e++) centred[e] = values[item * width + e]! - mean[e]!;
    for (let a = 0; a < width; a++) for (let b = 0; b < width; b++) covariance[a * width + b]! += centred[a]! * centred[b]!;
  }
  let [trace, squares] = [0, 0];
  for (let e = 0; e < width; e++) trace += covariance[e * width + e]!;
  for (const value of covariance) squares += value * value;
  return squares === 0 ? 0 : (trace * trace) / squares;
};

/** Fewer common users say little: similarities shrink by n / (n + this). */
const SHRINK = 10;

/**
 * For models without item vectors: the adjusted cosine of two items over the users who rated both (Sarwar et al., WWW 2001).
 * It is shrunk where these are few. It reads training ratings of all users.
 */
export const coRatings = ({ users, items, parts: { train } }: Dataset): Similarity => {
  const starts = new Uint32Array(items + 1);
  for (const item of train.items) starts[item + 1]! += 1;
  for (let item = 0; item < items; item++) starts[item + 1]! += starts[item]!;
  const raters = new Uint32Array(train.items.length);
  const offsets = new Float32Array(train.items.length);
  const next = starts.slice();
  for (let user = 0; user < users; user++) {
    const [from, to] = [train.offsets[user]!, train.offsets[user + 1]!];
    let sum = 0;
    for (let at = from; at < to; at++) sum += train.values[at]!;
    for (let at = from; at < to; at++) {
      const place = next[train.items[at]!]!++;
      raters[place] = user;
      offsets[place] = train.values[at]! - sum / (to - from);
    }
  }
  return (a, b) => {
    let [i, j] = [starts[a]!, starts[b]!];
    let [dot, one, other, common] = [0, 0, 0, 0];
    while (i < starts[a + 1]! && j < starts[b + 1]!) {
      if (raters[i]! < raters[j]!) i++;
      else if (raters[i]! > raters[j]!) j++;
      else {
        const [x, y] = [offsets[i++]!, offsets[j++]!];
        dot += x * y;
        one += x * x;
        other += y * y;
        common += 1;
      }
    }
    return one === 0 || other === 0 ? 0 : (dot / Math.sqrt(one * other)) * (common / (common + SHRINK));
  };
};

/**
 * The `count` rated items that are most similar to `item`. Only items with a similarity above 0 are reasons, and only those that the user rated
 * no lower than its own mean.
 */
export const nearestRated = (item: number, rated: Interactions, similarity: Similarity, count: number): Reason[] => {
  const mean = rated.values.reduce((sum, value) => sum + value, 0) / rated.values.length;
  const similarities = Float64Array.from(rated.items, (other, at) =>
    other === item || rated.values[at]! < mean - ROUNDING ? Number.NaN : similarity(item, other),
  );
  return topPositions(similarities, count)
    .filter((at) => similarities[at]! > 0)
    .map((at) => ({ item: rated.items[at]!, rating: rated.values[at]!, similarity: similarities[at]! }));
};
