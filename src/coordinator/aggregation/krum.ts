import { z } from 'zod';
import type { ClientUpdate } from '../../algorithms/port/server.js';
import { elements, type TensorSpec } from '../../messages/wire-tensor.js';
import type { Aggregator, AggregatorDefinition } from './aggregator.js';
import { countOfShare } from './share.js';

const byzantine = z
  .union([z.number().min(0).lt(1), z.int().min(1)])
  .default(0.2)
  .describe("updates of a round that may be an attacker's: a share, rounded up, or a whole number of them");

const krumOptions = z.strictObject({ byzantine });
const multiOptions = z.strictObject({
  byzantine,
  keep: z
    .union([z.literal('auto'), z.int().min(1)])
    .default('auto')
    .describe("updates that are kept; auto: all but those that may be an attacker's"),
});

/** Σ of squares of so many numbers. */
const squares = (values: Float32Array, start: number, count: number): number => {
  let sum = 0;
  for (let at = start; at < start + count; at++) sum += values[at]! * values[at]!;
  return sum;
};

const squaredGap = (a: Float32Array, from: number, b: Float32Array, other: number, count: number): number => {
  let sum = 0;
  for (let e = 0; e < count; e++) {
    const gap = a[from + e]! - b[other + e]!;
    sum += gap * gap;
  }
  return sum;
};

/** ‖a − b‖²; a row that an update does not have is zero, which is what the update does to it. */
const squaredDistance = (a: ClientUpdate, b: ClientUpdate, up: readonly TensorSpec[]): number => {
  let sum = 0;
  for (const [index, { perRow, shape }] of up.entries()) {
    const [left, right, width] = [a.tensors[index]!, b.tensors[index]!, elements(shape)];
    if (!perRow) {
      sum += squaredGap(left, 0, right, 0, width);
      continue;
    }
    let [i, j] = [0, 0];
    while (i < a.rows.length && j < b.rows.length) {
      const [row, other] = [a.rows[i]!, b.rows[j]!];
      if (row === other) sum += squaredGap(left, width * i++, right, width * j++, width);
      else sum += row < other ? squares(left, width * i++, width) : squares(right, width * j++, width);
    }
    sum += squares(left, width * i, left.length - width * i) + squares(right, width * j, right.length - width * j);
  }
  return sum;
};

/** s(i) = Σ ‖xᵢ − xⱼ‖² over the n − f − 2 updates j that are closest to i (at least one). */
const scoresOf = (updates: readonly ClientUpdate[], up: readonly TensorSpec[], attackers: number): readonly number[] => {
  const count = updates.length;
  const distances = updates.map(() => new Float64Array(count));
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < i; j++) {
      const distance = squaredDistance(updates[i]!, updates[j]!, up);
      distances[i]![j] = distance;
      distances[j]![i] = distance;
    }
  }
  const neighbours = Math.max(1, count - attackers - 2);
  // Its distance to itself, 0, is the first.
  return distances.map((row) =>
    row
      .sort()
      .subarray(1, 1 + neighbours)
      .reduce((sum, distance) => sum + distance, 0),
  );
};

const createKrum = (up: readonly TensorSpec[], share: number, keep: number | 'auto'): Aggregator => ({
  combine: (updates) => {
    const attackers = Math.min(updates.length - 1, share < 1 ? countOfShare(share, updates.length) : share);
    const kept = keep === 'auto' ? updates.length - attackers : keep;
    if (kept >= updates.length) return { kind: 'updates', updates };
    const scores = scoresOf(updates, up, attackers);
    const best = updates.map((_, index) => index).sort((a, b) => scores[a]! - scores[b]! || a - b);
    const chosen = new Set(best.slice(0, kept));
    return { kind: 'updates', updates: updates.filter((_, index) => chosen.has(index)) };
  },
});

/**
 * Krum (Blanchard et al., "Machine learning with adversaries: Byzantine tolerant gradient descent", NeurIPS 2017, section 4): the one update with
 * the least s(i) = Σ_{i→j} ‖Vᵢ − Vⱼ‖², over its n − f − 2 closest ones. It withstands f attackers as long as 2f + 2 < n. Distances are of the
 * tensors as they are sent; ties go to the lowest DeviceId. A round costs n² distances.
 */
export const krum: AggregatorDefinition<z.infer<typeof krumOptions>> = {
  name: 'krum',
  version: '1',
  options: krumOptions,
  traits: { leaves: 'updates' },
  create: ({ byzantine: share }, { wire }) => createKrum(wire.up, share, 1),
};

/** Multi-Krum (the same, section 4, "m-Krum" in its experiments): the `keep` updates of the least scores, which the algorithm then takes as ever. */
export const multiKrum: AggregatorDefinition<z.infer<typeof multiOptions>> = {
  name: 'multi-krum',
  version: '1',
  options: multiOptions,
  traits: { leaves: 'updates' },
  create: ({ byzantine: share, keep }, { wire }) => createKrum(wire.up, share, keep),
};
