import { describe, expect, it } from 'vitest';
import { ncf } from '../../../src/models/interaction/ncf.js';
import {
  createSmall,
  expectGradients,
  expectSameAfterResume,
  expectSameAsReference,
  type Objective,
  scoresOf,
  smallRatings,
  USERS,
} from '../../support/models/small-model.js';

const ONE_STEP = { factors: 8, layers: 2, batch: 100, rate: 0.01, decay: 0 };

/** Training ratings as triples, in stored order. */
const triples = (): { readonly user: number[]; readonly item: number[]; readonly value: number[] } => {
  const { offsets, items, values } = smallRatings();
  const user = Array.from({ length: USERS }, (_, u) => new Array<number>(offsets[u + 1]! - offsets[u]!).fill(u)).flat();
  return { user, item: Array.from(items), value: Array.from(values) };
};

const objective: Objective = (tf, weights) => {
  const { user, item, value } = triples();
  const rows = (name: string, ids: number[]) => tf.gather(weights[name]!, tf.tensor1d(ids, 'int32'));
  const [u, i] = [rows('users', user), rows('items', item)];
  const part = (x: typeof u, first: number, size: number) => tf.slice(x, [0, first], [-1, size]);
  const products = tf.mul(part(u, 0, 8), part(i, 0, 8));
  const dense = (x: typeof u, name: string) => tf.relu(tf.add(tf.matMul(x, weights[`${name}.weights`]!), weights[`${name}.bias`]!));
  const hidden = dense(dense(tf.concat([part(u, 8, 8), part(i, 8, 8)], 1), 'layer1'), 'layer2');
  const output = weights['output']!;
  const dot = (x: typeof u, first: number, size: number) => tf.sum(tf.mul(x, tf.slice(output, [first], [size])), 1);
  const biases = tf.add(tf.sum(part(u, 16, 1), 1), tf.sum(part(i, 16, 1), 1));
  const predictions = tf.add(tf.add(dot(products, 0, 8), dot(hidden, 8, 4)), tf.add(biases, tf.slice(output, [12], [1])));
  return tf.mean(tf.square(tf.sub(predictions, tf.tensor1d(value))));
};

describe('NCF', () => {
  it('steps along the gradient of its squared error, as tfjs and central differences have it', () =>
    expectGradients(ncf, ONE_STEP, objective, 1, ['users', 'items']));

  it('adds L2 of the rows that a batch has, once for each', async () => {
    const { tensors, train } = await createSmall(ncf, { ...ONE_STEP, decay: 0.5 });
    const plain = await createSmall(ncf, ONE_STEP);
    // Biases that start at zero would show no decay.
    for (const all of [tensors, plain.tensors]) all['users']!.values.forEach((_, at, values) => (values[at] = (at % 20) / 16));
    const before = tensors['users']!.values.slice();
    await train(1);
    await plain.train(1);
    const { offsets, items } = smallRatings();
    const [found, without] = [tensors, plain.tensors].map((all) => all['users']!.state[0]!.values);
    for (let at = 0; at < before.length; at++) {
      const user = Math.floor(at / 20);
      const weight = offsets[user + 1]! > offsets[user]! ? 0.5 / items.length : 0;
      expect(found![at]! - without![at]!).toBeCloseTo(0.1 * weight * before[at]!, 5);
    }
  });

  it('moves no row that its batch has not', async () => {
    const { tensors, train } = await createSmall(ncf, { ...ONE_STEP, decay: 1 });
    const before = Object.fromEntries(Object.entries(tensors).map(([name, { values }]) => [name, values.slice()]));
    await train(2);
    const row = (values: Float32Array, id: number): Float32Array => values.slice(20 * id, 20 * id + 20);
    // User 3 and item 4 have no rating.
    for (const [name, untouched, touched] of [
      ['users', 3, 2],
      ['items', 4, 3],
    ] as const) {
      expect(row(tensors[name]!.values, untouched)).toEqual(row(before[name]!, untouched));
      expect(row(tensors[name]!.values, touched)).not.toEqual(row(before[name]!, touched));
    }
  });

  it('has the same bits after a resume', () => expectSameAfterResume(ncf, { factors: 8, batch: 7 }));

  it('trains alike on both implementations of the kernels', () => expectSameAsReference(ncf, { factors: 8, batch: 7 }));

  it('scores an item alike alone and among others', async () => {
    const small = await createSmall(ncf, { factors: 8, batch: 7 });
    await small.train(1);
    const [alone] = await scoresOf(small, 2, [5]);
    expect((await scoresOf(small, 2, [1, 4, 5]))[2]).toBe(alone);
  });

  it('refuses embeddings that its layers cannot halve to whole vectors', () => {
    const check = (factors: number, layers: number) => () => ncf.check!(ncf.options.parse({ factors, layers }));
    expect(check(12, 3)).toThrow('key ncf.factors: expected a multiple of 16 with 3 layers, found 12');
    expect(check(16, 3)).not.toThrow();
  });
});
