import type { Interactions } from '../algorithms/port/client.js';
import { type Dataset, PARTS, type Part } from '../data/dataset.js';
import type { Names } from './ids.js';
import type { UserModel } from './model/recommender.js';
import { topPositions } from './ranking.js';
import { coRatings, cosines, effectiveRank, nearestRated, type Similarity } from './reasons.js';

/** Below it, vectors say whether an item is good, and not which items are alike. */
const LEAST_RANK = 2;

export type RecommendOptions = {
  /** Items a user gets. */
  readonly top: number;
  /** Rated items that explain one of them. 0: none. */
  readonly reasons: number;
  /** Parts whose items are left out, as the user has rated them. */
  readonly seen: readonly Part[];
};

/** Original ids. `title` is null where the data has none. */
export type NamedItem = { readonly item: string; readonly title: string | null };
export type Because = NamedItem & { readonly rating: number; readonly similarity: number };
export type Recommendation = NamedItem & { readonly rank: number; readonly prediction: number; readonly because: readonly Because[] };

/** The user's ratings of some parts, one part behind the other. */
export const ratingsIn = ({ parts }: Pick<Dataset, 'parts'>, user: number, chosen: readonly Part[]): Interactions => {
  const spans = chosen.map((part) => {
    const { offsets, items, values } = parts[part];
    const [from, to] = [offsets[user]!, offsets[user + 1]!];
    return { items: items.subarray(from, to), values: values.subarray(from, to) };
  });
  const count = spans.reduce((sum, { items }) => sum + items.length, 0);
  const all = { items: new Uint32Array(count), values: new Float32Array(count) };
  let at = 0;
  for (const { items, values } of spans) {
    all.items.set(items, at);
    all.values.set(values, at);
    at += items.length;
  }
  return all;
};

export const SEEN: Readonly<Record<'all' | 'train', readonly Part[]>> = { all: PARTS, train: ['train'] };

/** Recommends from models of one run. What it needs once for all users is kept. */
export type Recommending = {
  /** The best items that are not among `rated`, and why: which of `rated` are similar. */
  best(model: UserModel, rated: Interactions, options: Pick<RecommendOptions, 'top' | 'reasons'>): readonly Recommendation[];
  /** The same from predictions of all items that are known already. */
  ranked(
    predictions: Float32Array,
    model: Pick<UserModel, 'vectors'>,
    rated: Interactions,
    options: Pick<RecommendOptions, 'top' | 'reasons'>,
  ): readonly Recommendation[];
  /** Every item, in order. */
  readonly items: Uint32Array;
};

export const createRecommending = (dataset: Dataset, names: Names): Recommending => {
  const items = Uint32Array.from({ length: dataset.items }, (_, item) => item);
  let common: Similarity | undefined;
  const named = (item: number): NamedItem => ({ item: names.items.idOf(item), title: names.title(item) });
  const similarityOf = (model: Pick<UserModel, 'vectors'>): Similarity => {
    const vectors = model.vectors();
    if (vectors !== null && effectiveRank(vectors) >= LEAST_RANK) return cosines(vectors);
    common ??= coRatings(dataset);
    return common;
  };
  const ranked: Recommending['ranked'] = (predictions, model, rated, { top, reasons }) => {
    const skip = new Uint8Array(dataset.items);
    for (const item of rated.items) skip[item] = 1;
    const similarity = reasons === 0 ? undefined : similarityOf(model);
    return topPositions(predictions, top, skip).map((item, index) => ({
      rank: index + 1,
      ...named(item),
      prediction: predictions[item]!,
      because:
        similarity === undefined
          ? []
          : nearestRated(item, rated, similarity, reasons).map(({ item: other, ...rest }) => ({ ...named(other), ...rest })),
    }));
  };
  return { items, ranked, best: (model, rated, options) => ranked(model.predict(items), model, rated, options) };
};
