import { describe, expect, it } from 'vitest';
import { random, shuffle } from '../../../src/base/random.js';
import type { Dataset, Ratings } from '../../../src/data/dataset.js';
import { synthesize } from '../../../src/data/synthetic.js';
import { syntheticOptions } from '../../../src/data/synthetic-options.js';
import { fitBiases, forEachRating, globalMean, lossOf, userMeans } from '../../../src/models/baselines/bias-models.js';
import { fitMatrixFactorization } from '../../../src/models/baselines/matrix-factorization.js';
import { configSchema } from '../../../src/runs/config/config.js';
import { measureBaselines, measurePredictor } from '../../../src/runs/trainer/baselines.js';

type Triple = readonly [user: number, item: number, rating: number];

/** A part of ratings given user by user. */
const partOf = (users: number, triples: readonly Triple[]): Ratings => {
  const offsets = new Uint32Array(new SharedArrayBuffer(4 * (users + 1)));
  const items = new Uint32Array(new SharedArrayBuffer(4 * triples.length));
  const values = new Float32Array(new SharedArrayBuffer(4 * triples.length));
  triples.forEach(([user, item, rating], row) => {
    items[row] = item;
    values[row] = rating;
    offsets.fill(row + 1, user + 1);
  });
  return { offsets, items, values };
};

const datasetOf = (users: number, items: number, train: readonly Triple[], test: readonly Triple[] = []): Dataset => ({
  name: 'by hand',
  users,
  items,
  scale: { lowest: 1, highest: 5, step: 1 },
  feedback: 'explicit',
  parts: { train: partOf(users, train), valid: partOf(users, []), test: partOf(users, test) },
});

/** r̂ = μ + b_u + b_i + p_u·q_i by stochastic gradient descent, written down as plainly as can be; the mean squared error of each epoch. */
const descended = (dataset: Dataset, seed: number) => {
  const { train, valid } = dataset.parts;
  const source = random(seed, 'matrix-factorization');
  const normals = (count: number) =>
    Array.from({ length: count }, () => Array.from({ length: 16 }, () => Math.fround(0.05 * source.normal())));
  const biases = fitBiases(dataset);
  const users = normals(dataset.users);
  const items = normals(dataset.items);
  const [ofUser, ofItem] = [[...biases.user], [...biases.item]];
  const predict = (u: number, i: number): number =>
    biases.mean + ofUser[u]! + ofItem[i]! + users[u]!.reduce((sum, value, k) => sum + value * items[i]![k]!, 0);
  const triples: Triple[] = [];
  forEachRating(train, (u, i, rating) => triples.push([u, i, rating]));
  const order = Uint32Array.from(triples, (_, index) => index);
  const epochs: { readonly mse: number; readonly predictions: readonly number[] }[] = [];
  for (let epoch = 0; epoch < 60; epoch++) {
    for (const index of shuffle(order, source)) {
      const [u, i, rating] = triples[index]!;
      const error = rating - predict(u, i);
      ofUser[u]! += 0.01 * (error - 0.06 * ofUser[u]!);
      ofItem[i]! += 0.01 * (error - 0.06 * ofItem[i]!);
      const before = [...users[u]!];
      users[u] = before.map((value, k) => value + 0.01 * (error * items[i]![k]! - 0.06 * value));
      items[i] = items[i]!.map((value, k) => value + 0.01 * (error * before[k]! - 0.06 * value));
    }
    const predictions: number[] = [];
    forEachRating(dataset.parts.test, (u, i) => predictions.push(predict(u, i)));
    epochs.push({ mse: lossOf(predict, valid)!, predictions });
  }
  return epochs;
};

describe('the baselines', () => {
  const byHand = datasetOf(
    4,
    3,
    [
      [0, 0, 5],
      [0, 2, 4],
      [1, 1, 1],
      [3, 0, 2],
      [3, 1, 2],
      [3, 2, 5],
    ],
    [
      [0, 1, 4],
      [2, 0, 1],
    ],
  );

  it('know the global mean, each user’s mean, and the global one for a user without ratings', () => {
    expect(globalMean(byHand)).toBeCloseTo(19 / 6, 12);
    expect([0, 1, 2, 3].map((user) => userMeans(byHand)(user, 0))).toEqual([4.5, 1, 19 / 6, 3]);
  });

  it('minimize their mean squared error, which there is none of over no ratings', () => {
    expect(lossOf(() => 2, byHand.parts.test)).toBe(2.5);
    expect(lossOf(() => 2, byHand.parts.valid)).toBeNull();
  });

  it('are measured as devices are, by any metrics, and have no value where there is nothing to measure', () => {
    const options = { seed: 1, items: 3, metrics: ['mae', 'mse', 'hr@1'], candidates: 'all', relevant: 'all' } as const;
    // User 0: item 1 alone is new. User 2: item 0 among three, tied.
    expect(measurePredictor(() => 2, byHand, options)).toEqual({ mae: 1.5, mse: 2.5, 'hr@1': expect.closeTo((1 + 1 / 3) / 2, 12) });
    expect(measurePredictor(() => 2, datasetOf(2, 3, [[0, 0, 5]]), options)).toEqual({ mae: null, mse: null, 'hr@1': null });
  });

  it('find planted biases, shrunk by their damping', () => {
    const [users, items, mean] = [20, 30, 3];
    const centred = (count: number, spread: number): number[] => Array.from({ length: count }, (_, i) => spread * (i / (count - 1) - 0.5));
    const [user, item] = [centred(users, 2), centred(items, 3)];
    const triples = user.flatMap((b, u) => item.map((c, i): Triple => [u, i, mean + b + c]));
    const biases = fitBiases(datasetOf(users, items, triples));
    expect(biases.mean).toBeCloseTo(mean, 5);
    // On a full matrix of centred biases the damped means are exact multiples: count / (count + 5).
    biases.user.forEach((found, u) => expect(found).toBeCloseTo((user[u]! * items) / (items + 5), 5));
    biases.item.forEach((found, i) => expect(found).toBeCloseTo((item[i]! * users) / (users + 5), 5));
  });

  it('come close to the best possible where only biases are planted', async () => {
    const dataset = synthesize(syntheticOptions({ users: 200, items: 60, ratings: 6000, rank: 0, noise: 0.3 }), 1);
    const found = await measureBaselines(configSchema().parse({}), dataset);
    expect(Object.keys(found)).toEqual(['global mean', 'user mean', 'biased baseline', 'matrix factorization']);
    expect(found['global mean']!['mse']).toBeGreaterThan(found['user mean']!['mse']! * 1.3);
    expect(found['user mean']!['mse']!).toBeGreaterThan(found['biased baseline']!['mse']! * 1.5);
    expect(found['biased baseline']!['mse']!).toBeLessThan(dataset.bestMse! * 1.2);
  });

  it('find planted factors by matrix factorization, which biases cannot', async () => {
    const dataset = synthesize(syntheticOptions({ users: 300, items: 60, ratings: 9000, rank: 2, taste: 0.8, noise: 0.3 }), 1);
    const found = await measureBaselines(configSchema().parse({}), dataset);
    expect(found['matrix factorization']!['mse']!).toBeLessThan(found['biased baseline']!['mse']! * 0.3);
    expect(found['matrix factorization']!['mse']!).toBeLessThan(dataset.bestMse! * 1.6);
  });

  it('descend as a plain implementation does, and keep the epoch that was the best before five that were not', async () => {
    const dataset = synthesize(syntheticOptions({ users: 60, items: 30, ratings: 900, rank: 2, taste: 0.8, noise: 0.6 }), 3);
    const epochs = descended(dataset, 3);
    const best = epochs.findIndex(({ mse }, at) => epochs.slice(at + 1, at + 6).every((later) => later.mse >= mse));
    // Neither the first nor the last, or it would not show.
    expect(best).toBeGreaterThan(0);
    expect(best).toBeLessThan(54);
    const predict = await fitMatrixFactorization(dataset, 3);
    let at = 0;
    forEachRating(dataset.parts.test, (user, item) => expect(predict(user, item)).toBeCloseTo(epochs[best]!.predictions[at++]!, 4));
    expect(at).toBeGreaterThan(20);
  });

  it('are the same for the same seed', async () => {
    const dataset = synthesize(syntheticOptions({ users: 60, items: 30, ratings: 900 }), 1);
    const predictions = async (seed: number): Promise<number[]> => {
      const predict = await fitMatrixFactorization(dataset, seed);
      const all: number[] = [];
      forEachRating(dataset.parts.test, (user, item) => all.push(predict(user, item)));
      return all;
    };
    const first = await predictions(1);
    expect(await predictions(1)).toEqual(first);
    expect(await predictions(2)).not.toEqual(first);
    expect(await measureBaselines(configSchema().parse({}), dataset)).toEqual(await measureBaselines(configSchema().parse({}), dataset));
  });
});
