import { z } from 'zod';

/**
 * Percentiles of any number of positive values in bounded memory: counts in logarithmic buckets (DDSketch; Masson, Rim &
 * Lee, VLDB 2019). Bucket i holds values in (γ^(i−1), γ^i], γ = (1+α)/(1−α); its midpoint 2γ^i/(γ+1) is within α of every one
 * of them. The histogram of node:perf_hooks has a state that can neither be saved nor restored, and a resumed run continues.
 */
export const RELATIVE_ERROR = 0.01;

const GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
const LOG_GAMMA = Math.log(GAMMA);
/** Values are clamped to [LOWEST, HIGHEST]: as milliseconds, a nanosecond to 31 years. 2,073 buckets, 16 kB. */
const LOWEST = 1e-6;
const HIGHEST = 1e12;
const FIRST = Math.ceil(Math.log(LOWEST) / LOG_GAMMA);
const BUCKETS = Math.ceil(Math.log(HIGHEST) / LOG_GAMMA) - FIRST + 1;
/** Buckets in a bin of a histogram: a factor of 1.22, eleven to a power of ten. */
const BIN = 10;

export const SketchStateSchema = z.object({
  count: z.number(),
  sum: z.number(),
  min: z.number(),
  max: z.number(),
  /** [bucket, count] of the buckets that are not empty. */
  buckets: z.array(
    z.tuple([
      z
        .number()
        .int()
        .min(0)
        .max(BUCKETS - 1),
      z.number(),
    ]),
  ),
});
export type SketchState = z.infer<typeof SketchStateSchema>;

export type Bin = { readonly from: number; readonly to: number; readonly count: number };

export type Sketch = {
  /** NaN and negative values are not counted. Cost: one logarithm. */
  add(value: number): void;
  /** Value at rank ⌈q·count⌉, within RELATIVE_ERROR of the true one; 0 when empty. 0 ≤ q ≤ 1. */
  quantile(q: number): number;
  count(): number;
  /** Exact; 0 when empty. */
  mean(): number;
  /** Exact; 0 when empty. */
  max(): number;
  /** How many values are where, ascending, empty bins left out. The same bins for any values, so that two sketches can be laid over each other. */
  bins(): readonly Bin[];
  /** Plain JSON. */
  state(): SketchState;
};

export const createSketch = (from?: SketchState): Sketch => {
  const counts = new Float64Array(BUCKETS);
  let { count, sum, min, max } = from ?? { count: 0, sum: 0, min: 0, max: 0 };
  for (const [bucket, held] of from?.buckets ?? []) counts[bucket] = held;

  return {
    add(value) {
      if (!(value >= 0)) return;
      const clamped = Math.min(Math.max(value, LOWEST), HIGHEST);
      const bucket = Math.min(Math.max(Math.ceil(Math.log(clamped) / LOG_GAMMA) - FIRST, 0), BUCKETS - 1);
      counts[bucket]! += 1;
      min = count === 0 ? value : Math.min(min, value);
      max = count === 0 ? value : Math.max(max, value);
      count++;
      sum += value;
    },
    quantile(q) {
      const rank = Math.max(1, Math.ceil(q * count));
      let seen = 0;
      for (let bucket = 0; bucket < BUCKETS; bucket++) {
        seen += counts[bucket]!;
        if (seen >= rank) return Math.min(Math.max((2 * GAMMA ** (bucket + FIRST)) / (GAMMA + 1), min), max);
      }
      return max;
    },
    count: () => count,
    mean: () => (count === 0 ? 0 : sum / count),
    max: () => max,
    bins() {
      const edge = (bucket: number): number => GAMMA ** (bucket + FIRST - 1);
      const bins: Bin[] = [];
      for (let from = 0; from < BUCKETS; from += BIN) {
        const held = counts.subarray(from, from + BIN).reduce((sum, some) => sum + some, 0);
        if (held > 0) bins.push({ from: edge(from), to: edge(from + BIN), count: held });
      }
      return bins;
    },
    state() {
      const buckets: [number, number][] = [];
      counts.forEach((held, bucket) => {
        if (held > 0) buckets.push([bucket, held]);
      });
      return { count, sum, min, max, buckets };
    },
  };
};
