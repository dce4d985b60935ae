import { hashBytes } from '../../import/id-hash.js';

/**
 * Which partition of the import a user belongs to. With splitters, partition p holds the integers of [splitters[p−1], splitters[p]):
 * the sorted partitions one behind the other are sorted. Without them, and for texts, a hash decides.
 */
export type Partitioning = { readonly count: number; readonly splitters: Float64Array | null };

export type PartitionOf = {
  readonly ofInteger: (id: number) => number;
  readonly ofText: (bytes: Uint8Array, from: number, to: number) => number;
};

const BUCKETS = 4096;

/** Splitters that cut a sample of user ids into `count` parts of like size. */
export const splittersOf = (sample: Float64Array, count: number): Float64Array => {
  const sorted = sample.slice().sort();
  return Float64Array.from({ length: count - 1 }, (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / count)] ?? 0);
};

const byRange = (splitters: Float64Array): PartitionOf['ofInteger'] => {
  const { length } = splitters;
  if (length === 0) return () => 0;
  const lowest = splitters[0]!;
  const perUnit = BUCKETS / Math.max(1, splitters[length - 1]! - lowest);
  const bucketOf = (id: number): number => Math.max(0, Math.min(BUCKETS - 1, Math.floor((id - lowest) * perUnit)));
  // The first partition that a number of the bucket can be in.
  const starts = new Uint16Array(BUCKETS);
  for (let bucket = 0, p = 0; bucket < BUCKETS; bucket++) {
    while (p < length && bucketOf(splitters[p]!) < bucket) p++;
    starts[bucket] = p;
  }
  return (id) => {
    let p = starts[bucketOf(id)]!;
    while (p < length && id >= splitters[p]!) p++;
    return p;
  };
};

export const partitionOf = ({ count, splitters }: Partitioning): PartitionOf => ({
  ofInteger: splitters === null ? (id) => Math.abs(id) % count : byRange(splitters),
  ofText: (bytes, from, to) => hashBytes(bytes, from, to) % count,
});
