import { median } from '../base/median.js';
import { entryOfFolder, findEntry } from './catalogue/catalogue.js';
import { type Dataset, type Feedback, PARTS, type Part } from './dataset.js';
import { hasFeature } from './features/described.js';
import type { Feature } from './features/feature.js';
import { ratingCount } from './splits/split.js';

export type CountSpread = { readonly min: number; readonly median: number; readonly mean: number; readonly max: number };

export type DatasetDescription = {
  readonly name: string;
  readonly users: number;
  readonly items: number;
  readonly ratings: number;
  /** Share of user-item pairs without a rating, 0 … 1. */
  readonly sparsity: number;
  readonly sizes: Readonly<Record<Part, number>>;
  /** Ratings of all parts. */
  readonly perUser: CountSpread;
  readonly perItem: CountSpread;
  /** Items that no model can have learnt from ratings. */
  readonly itemsWithoutTrain: number;
  readonly scale: Dataset['scale'];
  readonly meanRating: number;
  /** Ratings per value, or per tenth of the scale when there are more than twenty values; a range is [from, to), the last closed. */
  readonly histogram: readonly { readonly from: number; readonly to: number; readonly count: number }[];
  readonly feedback: Feedback;
  /** Seconds since 1970 of the first and the last record with a time. */
  readonly times?: { readonly from: number; readonly to: number };
  /** Items with a title. */
  readonly titles: number;
  readonly itemFeatures: readonly DescribedFeature[];
  readonly userFeatures: readonly DescribedFeature[];
  /** Users and items that take no part in training. */
  readonly cold?: { readonly users: number; readonly items: number };
  readonly bestMse?: number;
  readonly licence?: string;
  readonly citation?: string;
};

/** `words` of a vocabulary, or `width` numbers; `known`: users or items of which it says anything. */
export type DescribedFeature = { readonly name: string; readonly words?: number; readonly width?: number; readonly known: number };

const MOST_VALUES = 20;
const BINS = 10;

const spread = (counts: Uint32Array): CountSpread => {
  if (counts.length === 0) return { min: 0, median: 0, mean: 0, max: 0 };
  const { length } = counts;
  const [min, max] = [counts.reduce((least, count) => Math.min(least, count)), counts.reduce((most, count) => Math.max(most, count))];
  return { min, median: median(counts), mean: counts.reduce((total, count) => total + count, 0) / length, max };
};

const histogramOf = ({ parts, scale: { lowest, highest } }: Dataset): DatasetDescription['histogram'] => {
  const values = new Map<number, number>();
  for (const part of PARTS) {
    for (const value of parts[part].values) {
      if (values.size > MOST_VALUES) break;
      values.set(value, (values.get(value) ?? 0) + 1);
    }
  }
  if (values.size <= MOST_VALUES) {
    return [...values].sort(([a], [b]) => a - b).map(([value, count]) => ({ from: value, to: value, count }));
  }
  const counts = new Array<number>(BINS).fill(0);
  const width = (highest - lowest) / BINS;
  for (const part of PARTS) {
    for (const value of parts[part].values) {
      const bin = Math.max(0, Math.min(BINS - 1, Math.floor((value - lowest) / width)));
      counts[bin]!++;
    }
  }
  return counts.map((count, bin) => ({ from: lowest + bin * width, to: lowest + (bin + 1) * width, count }));
};

const describeFeature = (feature: Feature, count: number): DescribedFeature => {
  let known = 0;
  for (let at = 0; at < count; at++) known += Number(hasFeature(feature, at));
  return { name: feature.name, known, ...(feature.kind === 'dense' ? { width: feature.width } : { words: feature.vocabulary.length }) };
};

const timesOf = ({ parts }: Dataset): DatasetDescription['times'] => {
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const part of PARTS) {
    for (const time of parts[part].times ?? []) {
      if (time < from) from = time;
      if (time > to) to = time;
    }
  }
  return from > to ? undefined : { from, to };
};

const aside = (dataset: Dataset) => {
  const { feedback, itemTitles = [], itemFeatures = [], userFeatures = [], roles, users, items } = dataset;
  const times = timesOf(dataset);
  const coldOf = (list: Uint8Array): number => list.reduce((count, role) => count + Number(role !== 0), 0);
  return {
    feedback,
    ...(times && { times }),
    titles: itemTitles.filter((title) => title !== '').length,
    itemFeatures: itemFeatures.map((feature) => describeFeature(feature, items)),
    userFeatures: userFeatures.map((feature) => describeFeature(feature, users)),
    ...(roles && { cold: { users: coldOf(roles.users), items: coldOf(roles.items) } }),
  };
};

/** Counts of a dataset. Two passes over the ratings; 4 B per user and item. */
export const describeDataset = (dataset: Dataset): DatasetDescription => {
  const { name, users, items, parts, scale, bestMse } = dataset;
  const perUser = new Uint32Array(users);
  const perItem = new Uint32Array(items);
  let itemsWithoutTrain = 0;
  let sum = 0;
  for (const part of PARTS) {
    const { offsets, items: rated, values } = parts[part];
    for (let user = 0; user < users; user++) perUser[user]! += offsets[user + 1]! - offsets[user]!;
    for (const item of rated) perItem[item]!++;
    for (const value of values) sum += value;
    if (part === 'train') for (const count of perItem) if (count === 0) itemsWithoutTrain++;
  }
  const sizes = { train: ratingCount(parts.train), valid: ratingCount(parts.valid), test: ratingCount(parts.test) };
  const ratings = sizes.train + sizes.valid + sizes.test;
  const entry = findEntry(name) ?? entryOfFolder(name);
  return {
    name,
    users,
    items,
    ratings,
    sparsity: 1 - ratings / (users * items),
    sizes,
    perUser: spread(perUser),
    perItem: spread(perItem),
    itemsWithoutTrain,
    scale,
    meanRating: sum / ratings,
    histogram: histogramOf(dataset),
    ...aside(dataset),
    ...(bestMse !== undefined && { bestMse }),
    ...(entry && { licence: entry.licence, citation: entry.citation }),
  };
};
