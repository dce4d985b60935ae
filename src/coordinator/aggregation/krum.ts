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

/** ‖a − b‖²; a row that an update does not have is zero, which is what the update does to it. */
const squaredDistance = (a: ClientUpdate, b: ClientUpdate, up: readonly TensorSpec[]): number => {
  let sum = 0;
  const add = (x: number, y: number): void => {
    sum += (x - y) * (x - y);
  };
  up.forEach(({ perRow, shape }, index) => {
    const [left, right] = [a.tensors[index]!, b.tensors[index]!];
    if (!perRow) {
      for (let e = 0; e < left.length; e++) add(left[e]!, right[e]!);
      return;
    }
    const width = elements(shape);
    for (let i = 0, j = 0; i < a.rows.length || j < b.rows.length; ) {
      const [row, other] = [a.rows[i] ?? Number.POSITIVE_INFINITY, b.rows[j] ?? Number.POSITIVE_INFINITY];
      for (let e = 0; e < width; e++) add(row <= other ? left[i * width + e]! : 0, other <= row ? right[j * width + e]! : 0);
      if (row <= other) i += 1;
      if (other <= row) j += 1;
    }
  });
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
