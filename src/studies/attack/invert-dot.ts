import { rowOf } from '../../algorithms/port/rows.js';
import { shrinkOf } from './invert-metamf.js';
import type { Observation } from './observation.js';
import type { Shifted } from './offset.js';

/** FedAvg's dot model. d: numbers of an item row. rate, ownRate: of item rows, of the private part. decay: of item rows. localBatch: ratings in a step. */
export type DotShape = {
  readonly d: number;
  readonly rate: number;
  readonly ownRate: number;
  readonly decay: number;
  readonly localBatch: number;
};

type Step = { readonly item: Float32Array; readonly error: number; readonly own: Float64Array };

/** Devices with more ratings in a round keep the order of their steps. */
const MOST_ORDERED = 1000;

const distance = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, e) => sum + (value - b[e]!) ** 2, 0);

/**
 * For each step the one before it, or −1. A step moves the private vector to p_u − 2·rate·e·E[i]. So the next step is the one whose vector lies there.
 * Only pairs that choose each other count.
 */
const stepsBefore = (steps: readonly Step[], { ownRate }: DotShape): Int32Array => {
  const before = new Int32Array(steps.length).fill(-1);
  if (steps.length > MOST_ORDERED) return before;
  const nearest = new Float64Array(steps.length).fill(Number.POSITIVE_INFINITY);
  steps.forEach(({ item, error, own }, from) => {
    const moved = own.map((value, e) => value - 2 * ownRate * error * item[e]!);
    let [found, least] = [-1, Number.POSITIVE_INFINITY];
    steps.forEach((other, to) => {
      const apart = to === from ? Number.POSITIVE_INFINITY : distance(moved, other.own);
      if (apart < least) [found, least] = [to, apart];
    });
    if (found === -1 || least >= nearest[found]!) return;
    nearest[found] = least;
    before[found] = from;
  });
  // The first step has none before it. Its match is the farthest one.
  const first = nearest.reduce((farthest, apart, index) => (apart > nearest[farthest]! ? index : farthest), 0);
  before[first] = -1;
  return before;
};

/** How far the private bias has moved before each step, from where it was before the first. */
const driftOf = (steps: readonly Step[], shape: DotShape): Float64Array => {
  const before = stepsBefore(steps, shape);
  const drift = new Float64Array(steps.length).fill(Number.NaN);
  for (let start = 0; start < steps.length; start++) {
    const path: number[] = [];
    const seen = new Set<number>();
    let at = start;
    while (at !== -1 && Number.isNaN(drift[at]!) && !seen.has(at)) {
      seen.add(at);
      path.push(at);
      at = before[at]!;
    }
    let sum = at === -1 || Number.isNaN(drift[at]!) ? 0 : drift[at]! - 2 * shape.ownRate * steps[at]!.error;
    for (const step of path.toReversed()) {
      drift[step] = sum;
      sum -= 2 * shape.ownRate * steps[step]!.error;
    }
  }
  return drift;
};

/**
 * FedAvg's dot model after one pass over the batch: ΔB[i] = −2·rate·(e + λ·B[i]) gives the error e, and ΔE[i] = −2·rate·(e·p_u + λ·E[i]) the private vector p_u.
 * Together they give r − c_u − b_u. Where a local step is one rating, b_u moves between them, and the order of steps says how far.
 */
export const invertDot = (seen: Observation, items: Uint32Array, shape: DotShape, noise: number): Shifted => {
  const { d, rate, decay, localBatch } = shape;
  const [embeddings, offsets] = seen.model.tensors;
  const factor = (2 * rate) / Math.max(1, Math.min(localBatch, items.length));
  const raw = Float64Array.from(items, (item) => -seen.tensors[1]![rowOf(seen.rows, item)]! / factor);
  const shrink = shrinkOf(raw, seen.said);
  const steps = Array.from(items, (item, index): Step => {
    const [at, row] = [rowOf(seen.model.rows, item), rowOf(seen.rows, item)];
    const error = raw[index]! / shrink - decay * offsets![at]!;
    const embedding = embeddings!.subarray(at * d, (at + 1) * d);
    const change = seen.tensors[0]!.subarray(row * d, (row + 1) * d);
    const own = Float64Array.from(embedding, (value, e) => (error === 0 ? 0 : (-change[e]! / (factor * shrink) - decay * value) / error));
    return { item: embedding, error, own };
  });
  const drift = localBatch === 1 && noise === 0 ? driftOf(steps, shape) : new Float64Array(steps.length);
  const values = Float64Array.from(steps, ({ item, error, own }, index) => {
    const product = item.reduce((sum, value, e) => sum + value * own[e]!, 0);
    return offsets![rowOf(seen.model.rows, items[index]!)]! + product - error + drift[index]!;
  });
  return { values, deviations: new Float64Array(items.length).fill(noise / factor) };
};
