import type { Facts } from '../port/definition.js';

/** The values that a rating takes, in ascending order, and the index of the one that is nearest to a value. */
export type RatingLevels = { readonly values: Float32Array; levelOf(value: number): number };

/** More distinct ratings than this are no list of levels. */
const MOST = 20;
/** Then the scale has so many levels, equally far apart. */
const BINS = 10;

const levelValues = ({ lowest, highest, train }: Pick<Facts, 'lowest' | 'highest' | 'train'>): Float32Array => {
  const distinct = new Set<number>();
  for (const value of train.values) {
    distinct.add(value);
    if (distinct.size > MOST) return Float32Array.from({ length: BINS }, (_, k) => lowest + ((k + 0.5) * (highest - lowest)) / BINS);
  }
  return distinct.size === 0 ? Float32Array.of((lowest + highest) / 2) : Float32Array.from(distinct).sort();
};

/** The distinct training ratings; ten bins of the scale where there are more than 20 of them. */
export const ratingLevels = (facts: Pick<Facts, 'lowest' | 'highest' | 'train'>): RatingLevels => {
  const values = levelValues(facts);
  const levelOf = (value: number): number => {
    let nearest = 0;
    for (let k = 1; k < values.length; k++) if (Math.abs(values[k]! - value) < Math.abs(values[nearest]! - value)) nearest = k;
    return nearest;
  };
  return { values, levelOf };
};

/** Writes softmax(logits) in their place. */
export const softmax = (logits: Float32Array): void => {
  let most = Number.NEGATIVE_INFINITY;
  for (const logit of logits) most = Math.max(most, logit);
  let total = 0;
  for (let k = 0; k < logits.length; k++) {
    logits[k] = Math.exp(logits[k]! - most);
    total += logits[k]!;
  }
  for (let k = 0; k < logits.length; k++) logits[k]! /= total;
};
