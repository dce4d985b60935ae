import { describe, expect, it } from 'vitest';
import { llorma } from '../../../src/models/factors/llorma.js';
import { kernelWeight } from '../../../src/models/factors/neighbourhoods.js';
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

const SMALL = { models: 3, factors: 4, globalFactors: 2, globalEpochs: 3, deviation: 0.3 };

describe('LLORMA', () => {
  it('weighs rows by the Epanechnikov kernel of their angle', () => {
    const weight = (angle: number, width = 0.8): number =>
      kernelWeight(Float32Array.of(2, 0), Float32Array.of(3 * Math.cos(angle), 3 * Math.sin(angle)), width);
    expect(weight(0)).toBe(1);
    expect(weight(Math.PI / 4)).toBeCloseTo(1 - 0.25, 5);
    expect(weight(0.39 * Math.PI)).toBeCloseTo(1 - 0.78 ** 2, 5);
    expect(weight(0.41 * Math.PI)).toBe(0);
    expect(weight(0.75 * Math.PI, 2)).toBe(0);
    expect(kernelWeight(Float32Array.of(0, 0), Float32Array.of(1, 0), 2)).toBe(0);
  });

  it('has an anchor with weight 1 in each local model, and other weights where rows differ', async () => {
    const { tensors, train } = await createSmall(llorma, SMALL);
    await train(1);
    const ratings = denseRatings(smallRatings());
    for (let t = 0; t < SMALL.models; t++) {
      const users = tensors['userWeights']!.values.subarray(t * USERS, (t + 1) * USERS);
      const items = tensors['itemWeights']!.values.subarray(t * ITEMS, (t + 1) * ITEMS);
      const pairs = [...users.keys()].flatMap((u) => [...items.keys()].map((i) => ({ u, i, near: users[u]! * items[i]! })));
      expect(pairs.some(({ u, i, near }) => ratings[u]![i] !== 0 && near > 0.999)).toBe(true);
      expect(users.every((weight) => weight >= 0 && weight <= 1)).toBe(true);
      expect(new Set(users).size).toBeGreaterThan(1);
    }
  });

  it('goes down the gradient of ½ Σ w (e² + L2 terms): each local model, by loops in float64', async () => {
    const settings = { ...SMALL, rate: 1e-4, rateDecay: 1, decay: 0.3, biasDecay: 0.2 };
    const { tensors, train, model, epoch } = await createSmall(llorma, settings);
    await train(1);
    const names = ['users', 'items', 'userBiases', 'itemBiases', 'userWeights', 'itemWeights'] as const;
    const before = Object.fromEntries(names.map((name) => [name, Float64Array.from(tensors[name]!.values)]));
    const of = (name: (typeof names)[number], at: number): number => before[name]![at]!;
    const slopes = Object.fromEntries(names.map((name) => [name, new Float64Array(before[name]!.length)]));
    const ratings = denseRatings(smallRatings());
    for (let t = 0; t < SMALL.models; t++)
      for (let user = 0; user < USERS; user++)
        for (let item = 0; item < ITEMS; item++) {
          const [u, i] = [t * USERS + user, t * ITEMS + item];
          const weight = of('userWeights', u) * of('itemWeights', i);
          if (ratings[user]![item] === 0 || weight === 0) continue;
          let error = ratings[user]![item]! - 3 - of('userBiases', u) - of('itemBiases', i);
          for (let e = 0; e < 4; e++) error -= of('users', 4 * u + e) * of('items', 4 * i + e);
          slopes['userBiases']![u]! += weight * (error - 0.2 * of('userBiases', u));
          slopes['itemBiases']![i]! += weight * (error - 0.2 * of('itemBiases', i));
          for (let e = 0; e < 4; e++) {
            slopes['users']![4 * u + e]! += weight * (error * of('items', 4 * i + e) - 0.3 * of('users', 4 * u + e));
            slopes['items']![4 * i + e]! += weight * (error * of('users', 4 * u + e) - 0.3 * of('items', 4 * i + e));
          }
        }
    await model.epoch!(epoch(2));
    for (const name of names)
      tensors[name]!.values.forEach((after, at) =>
        expect(Math.abs((after - of(name, at)) / 1e-4 - slopes[name]![at]!), `${name} ${at}`).toBeLessThan(0.02),
      );
    expect(slopes['users']!.some((slope) => Math.abs(slope) > 0.3)).toBe(true);
  });

  it('predicts the weighted mean of its local models, and μ where none has a weight', async () => {
    const small = await createSmall(llorma, SMALL);
    await small.train(2);
    const { users, items, userBiases, itemBiases, userWeights, itemWeights } = small.tensors;
    const [user, item] = [2, 5];
    for (const [t, weight] of [1, 0.5, 0].entries()) {
      userWeights!.values[t * USERS + user] = weight;
      itemWeights!.values[t * ITEMS + item] = 1;
      itemWeights!.values[t * ITEMS + 6] = 0;
    }
    const local = (t: number): number => {
      const [u, i] = [t * USERS + user, t * ITEMS + item];
      return [0, 1, 2, 3].reduce(
        (sum, e) => sum + users!.values[4 * u + e]! * items!.values[4 * i + e]!,
        3 + userBiases!.values[u]! + itemBiases!.values[i]!,
      );
    };
    const scores = await scoresOf(small, user, [item, 6]);
    expect(scores[0]).toBeCloseTo((local(0) + 0.5 * local(1)) / 1.5, 5);
    expect(scores[1]).toBe(3);
  });

  it('has the same bits after a resume', () => expectSameAfterResume(llorma, SMALL));

  it('trains alike on both implementations of the kernels', () => expectSameAsReference(llorma, SMALL));
});
