import { describe, expect, it } from 'vitest';
import type { Feature } from '../../../src/data/features/feature.js';
import { fm } from '../../../src/models/factors/fm.js';
import { createFields } from '../../../src/models/interaction/fields.js';
import { smallFeatures } from '../../support/models/small-features.js';
import {
  createSmall,
  denseRatings,
  expectSameAfterResume,
  expectSameAsReference,
  ITEMS,
  scoresOf,
  smallRatings,
  USERS,
} from '../../support/models/small-model.js';

type Options = ReturnType<typeof fm.options.parse>;
const SMALL = { factors: 4, deviation: 0.3 };
const { userFeatures, itemFeatures } = smallFeatures();
const createFeatured = (options: Parameters<typeof createSmall<Options>>[1]) => createSmall(fm, options, 'simd', smallFeatures());

/** x as a dense row: one-hot user and item, then words by 1/n and numbers. */
const inputOf = (user: number, item: number): number[] => {
  const oneHot = (count: number, at: number): number[] => Array.from({ length: count }, (_, index) => (index === at ? 1 : 0));
  const encode = (feature: Feature, row: number): number[] => {
    if (feature.kind === 'dense')
      return Array.from(feature.values.subarray(row * feature.width, (row + 1) * feature.width), (value) =>
        Number.isNaN(value) ? 0 : value,
      );
    const words = [...feature.values.subarray(feature.offsets[row]!, feature.offsets[row + 1]!)];
    return feature.vocabulary.map((_, word) => (words.includes(word) ? 1 / words.length : 0));
  };
  return [
    ...oneHot(USERS, user),
    ...userFeatures.flatMap((feature) => encode(feature, user)),
    ...oneHot(ITEMS, item),
    ...itemFeatures.flatMap((feature) => encode(feature, item)),
  ];
};

/** Equation 1, pair by pair. */
const naive = (w: Float64Array, v: Float64Array, x: readonly number[]): number => {
  let sum = 3;
  for (let f = 0; f < x.length; f++) {
    sum += w[f]! * x[f]!;
    for (let g = f + 1; g < x.length; g++) for (let e = 0; e < 4; e++) sum += v[4 * f + e]! * v[4 * g + e]! * x[f]! * x[g]!;
  }
  return sum;
};

describe('the factorization machine', () => {
  it('predicts all pairs of a user, an item and their features', async () => {
    const small = await createFeatured(SMALL);
    await small.train(3);
    const [w, v] = ['linear', 'vectors'].map((name) => Float64Array.from(small.tensors[name]!.values));
    for (const user of [0, 3, 6]) {
      const scores = await scoresOf(small, user, [8, 4, 0]);
      [8, 4, 0].forEach((item, at) => expect(scores[at]).toBeCloseTo(naive(w!, v!, inputOf(user, item)), 4));
    }
  });

  it('goes down the gradient of ½ Σ e² with L2 of the cells that a rating has, by central differences', async () => {
    const rate = 1e-4;
    const small = await createFeatured({ ...SMALL, rate, decay: 0.3, biasDecay: 0.2 });
    const { linear, vectors } = small.tensors;
    linear!.values.forEach((_, at, values) => (values[at] = ((at % 7) - 3) / 5));
    const [w, v] = [Float64Array.from(linear!.values), Float64Array.from(vectors!.values)];
    const ratings = denseRatings(smallRatings()).flatMap((row, user) =>
      row.flatMap((value, item) => (value === 0 ? [] : [{ value, x: inputOf(user, item) }])),
    );
    const objective = (): number =>
      ratings.reduce((sum, { value, x }) => {
        const l2 = x.reduce((all, cell, f) => {
          if (cell === 0) return all;
          return all + 0.2 * w[f]! ** 2 + 0.3 * [0, 1, 2, 3].reduce((squares, e) => squares + v[4 * f + e]! ** 2, 0);
        }, 0);
        return sum + ((value - naive(w, v, x)) ** 2 + l2) / 2;
      }, 0);
    await small.train(1);
    for (const [before, after] of [
      [w, linear!.values],
      [v, vectors!.values],
    ] as const)
      before.forEach((value, at) => {
        const slope = [1e-4, -1e-4].map((step) => {
          before[at] = value + step;
          return objective();
        });
        before[at] = value;
        const expected = (slope[1]! - slope[0]!) / 2e-4;
        expect(Math.abs((after[at]! - value) / rate - expected)).toBeLessThan(0.02 * (1 + Math.abs(expected)));
      });
  });

  it('has users and items alone with features none', async () => {
    const { tensors } = await createFeatured({ ...SMALL, features: 'none' });
    expect(tensors['linear']!.shape).toEqual([USERS + ITEMS]);
  });

  it('gives each cell its field, users first, and none to what is unknown', () => {
    const facts = { users: USERS, items: ITEMS, lowest: 1, highest: 5, mean: 3, train: smallRatings(), ...smallFeatures() };
    const { fields, users, items, words } = createFields(facts, 'all');
    const widths = [...userFeatures, ...itemFeatures].map((feature) =>
      feature.kind === 'dense' ? feature.width : feature.vocabulary.length,
    );
    expect(words).toBe(USERS + ITEMS + widths.reduce((sum, width) => sum + width, 0));
    expect(fields).toBe(2 + widths.length);
    expect([...users.fields.subarray(users.offsets[1]!, users.offsets[2]!)]).toEqual([0, 1, 2]);
    // The first number of user 1 is 0. The second one of user 0 is unknown, item 0 no genre.
    expect([...users.fields.subarray(0, users.offsets[1]!)]).toEqual([0, 1, 2]);
    expect([...items.fields.subarray(0, items.offsets[1]!)]).toEqual([3]);
  });

  it('has the same bits after a resume', () => expectSameAfterResume(fm, SMALL));

  it('trains alike on both implementations of the kernels', () => expectSameAsReference(fm, SMALL));
});
