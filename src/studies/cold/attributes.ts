import type { Dataset } from '../../data/dataset.js';

/** Words of items, as a sparse 0/1 matrix X (items, words), rows one after another. */
export type ItemWords = { readonly count: number; readonly offsets: Uint32Array; readonly words: Uint32Array };

/** Words of all multi-hot features, each feature with numbers of its own. Undefined where items have none. */
export const itemWords = ({ items, itemFeatures = [] }: Dataset): ItemWords | undefined => {
  const features = itemFeatures.filter((feature) => feature.kind === 'multi-hot');
  if (features.length === 0) return undefined;
  const offsets = new Uint32Array(items + 1);
  const words: number[] = [];
  for (let item = 0; item < items; item++) {
    let base = 0;
    for (const feature of features) {
      for (let at = feature.offsets[item]!; at < feature.offsets[item + 1]!; at++) words.push(base + feature.values[at]!);
      base += feature.vocabulary.length;
    }
    offsets[item + 1] = words.length;
  }
  return { count: features.reduce((sum, { vocabulary }) => sum + vocabulary.length, 0), offsets, words: Uint32Array.from(words) };
};

/** Inverse document frequency of each word, ln(n / items with it). */
const rarity = ({ count, offsets, words }: ItemWords): Float64Array => {
  const items = offsets.length - 1;
  const seen = new Float64Array(count);
  for (const word of words) seen[word]! += 1;
  return seen.map((times) => (times === 0 ? 0 : Math.log(items / times)));
};

/** Cosine of each candidate's tf-idf vector with the mean of the normalized vectors of the support set, times the length of that mean. */
export const contentScores = (matrix: ItemWords) => {
  const { count, offsets, words } = matrix;
  const idf = rarity(matrix);
  const lengths = Float64Array.from({ length: offsets.length - 1 }, (_, item) => {
    let sum = 0;
    for (let at = offsets[item]!; at < offsets[item + 1]!; at++) sum += idf[words[at]!]! ** 2;
    return Math.sqrt(sum) || 1;
  });
  return (support: Uint32Array, candidates: Uint32Array, out: Float64Array): void => {
    const taste = new Float64Array(count);
    for (const item of support)
      for (let at = offsets[item]!; at < offsets[item + 1]!; at++) taste[words[at]!]! += idf[words[at]!]! / lengths[item]! / support.length;
    candidates.forEach((item, i) => {
      let score = 0;
      for (let at = offsets[item]!; at < offsets[item + 1]!; at++) score += taste[words[at]!]! * idf[words[at]!]!;
      out[i] = score / lengths[item]!;
    });
  };
};

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, at) => sum + value * b[at]!, 0);

const STEPS = 300;
const PRECISION = 1e-12;

/**
 * Ridge regression of a target on the words of the chosen items: (XᵀX + λI) w = Xᵀ(y − ȳ), by conjugate gradients.
 * Returns ȳ + X w for every item, those that were not chosen, too.
 */
export const ridgeOnWords = ({ count, offsets, words }: ItemWords, chosen: Uint32Array, target: Float64Array, lambda: number) => {
  const mean = chosen.reduce((sum, item) => sum + target[item]!, 0) / chosen.length;
  const predict = (weights: Float64Array, item: number): number => {
    let sum = 0;
    for (let at = offsets[item]!; at < offsets[item + 1]!; at++) sum += weights[words[at]!]!;
    return sum;
  };
  const backward = (of: (item: number) => number): Float64Array => {
    const sums = new Float64Array(count);
    for (const item of chosen) {
      const value = of(item);
      for (let at = offsets[item]!; at < offsets[item + 1]!; at++) sums[words[at]!]! += value;
    }
    return sums;
  };
  const weights = new Float64Array(count);
  const residual = backward((item) => target[item]! - mean);
  let direction = residual.slice();
  let left = dot(residual, residual);
  const enough = PRECISION * left;
  for (let step = 0; step < STEPS && left > enough; step++) {
    const along = direction;
    const image = backward((item) => predict(along, item));
    for (let e = 0; e < count; e++) image[e]! += lambda * along[e]!;
    const rate = left / dot(along, image);
    for (let e = 0; e < count; e++) {
      weights[e]! += rate * along[e]!;
      residual[e]! -= rate * image[e]!;
    }
    const now = dot(residual, residual);
    direction = residual.map((value, e) => value + (now / left) * along[e]!);
    left = now;
  }
  return Float64Array.from({ length: offsets.length - 1 }, (_, item) => mean + predict(weights, item));
};
