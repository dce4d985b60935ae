import { type Dataset, PARTS, type Part, type Ratings, trainOffsetsOf } from './dataset.js';

/** The records of users first … end − 1, without times. They lie in memory of their own, from which no other record can be reached. */
export type UserRange = {
  readonly first: number;
  readonly end: number;
  readonly parts: Readonly<Record<Part, Ratings>>;
};

/** The rows of users first … end − 1, copied. */
const slice = ({ offsets, items, values }: Ratings, first: number, end: number): Ratings => {
  const from = offsets[first]!;
  const to = offsets[end]!;
  const column: Ratings = {
    offsets: new Uint32Array(new SharedArrayBuffer(4 * (end - first + 1))),
    items: new Uint32Array(new SharedArrayBuffer(4 * (to - from))),
    values: new Float32Array(new SharedArrayBuffer(4 * (to - from))),
  };
  for (let i = first; i <= end; i++) column.offsets[i - first] = offsets[i]! - from;
  column.items.set(items.subarray(from, to));
  column.values.set(values.subarray(from, to));
  return column;
};

/** Ends of `count` contiguous ranges of users with about equally many training records, none of them empty. */
const boundaries = (offsets: Uint32Array, users: number, count: number): number[] => {
  const ends: number[] = [];
  for (let shard = 1; shard <= count; shard++) {
    const target = (offsets[users]! * shard) / count;
    let end = ends.at(-1) ?? 0;
    const latest = users - (count - shard);
    do end += 1;
    while (end < latest && offsets[end]! < target);
    ends.push(shard === count ? users : end);
  }
  return ends;
};

const held = new WeakMap<Dataset['parts'], { readonly count: number; readonly ranges: readonly UserRange[] }>();

/**
 * Cuts a dataset into `count` ranges of users, or fewer where there are fewer users. The last cut of a dataset is kept.
 * A dataset with a source is never in memory as a whole: each range is read by itself.
 */
export const cutByUsers = (dataset: Dataset, count: number): readonly UserRange[] => {
  const { parts, users } = dataset;
  const known = held.get(parts);
  if (known?.count === count) return known.ranges;
  const ends = boundaries(trainOffsetsOf(dataset), users, Math.min(count, users));
  const ranges = ends.map((end, index): UserRange => {
    const first = ends[index - 1] ?? 0;
    const read = parts.source?.read(first, end, 'none');
    const [train, valid, test] = PARTS.map((part) => read?.[part] ?? slice(parts[part], first, end));
    return { first, end, parts: { train: train!, valid: valid!, test: test! } };
  });
  held.set(parts, { count, ranges });
  return ranges;
};
