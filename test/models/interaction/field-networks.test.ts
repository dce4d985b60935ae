import { describe, expect, it } from 'vitest';
import type { NetworkOptions } from '../../../src/models/interaction/field-network.js';
import { deepFm, nfm, wideDeep } from '../../../src/models/interaction/field-networks.js';
import { createFields } from '../../../src/models/interaction/fields.js';
import type { ModelDefinition } from '../../../src/models/port/definition.js';
import { smallFeatures } from '../../support/models/small-features.js';
import {
  createSmall,
  expectGradients,
  expectSameAfterResume,
  expectSameAsReference,
  ITEMS,
  type Objective,
  scoresOf,
  smallRatings,
  USERS,
} from '../../support/models/small-model.js';

const [D, UNITS] = [4, 8];
const ONE_STEP = { factors: D, units: UNITS, layers: 2, batch: 100, rate: 0.01, decay: 0 };

/** x of every training rating, field by field: (ratings, fields, words). */
const inputs = (): number[][][] => {
  const { offsets, items } = smallRatings();
  const facts = { users: USERS, items: ITEMS, lowest: 1, highest: 5, mean: 3, train: smallRatings(), ...smallFeatures() };
  const { words, fields, ...sides } = createFields(facts, 'all');
  return Array.from({ length: USERS }, (_, user) =>
    Array.from(items.subarray(offsets[user]!, offsets[user + 1]!), (item) => {
      const x = Array.from({ length: fields }, () => new Array<number>(words).fill(0));
      for (const [side, row] of [
        [sides.users, user],
        [sides.items, item],
      ] as const)
        for (let cell = side.offsets[row]!; cell < side.offsets[row + 1]!; cell++)
          x[side.fields[cell]!]![side.ids[cell]!] = side.values[cell]!;
      return x;
    }),
  ).flat();
};

const objective =
  (pairs: boolean, pooledInput: boolean, layers: number): Objective =>
  (tf, weights) => {
    const all = inputs();
    const [count, fields, words] = [all.length, all[0]!.length, all[0]![0]!.length];
    const x = tf.tensor3d(all);
    const table = weights['fields']!;
    const flat = tf.reshape(x, [count * fields, words]);
    const embedded = tf.reshape(tf.matMul(flat, tf.slice(table, [0, 0], [-1, D])), [count, fields, D]);
    const linear = tf.sum(tf.reshape(tf.matMul(flat, tf.slice(table, [0, D], [-1, 1])), [count, fields]), 1);
    const pooled = tf.mul(0.5, tf.sub(tf.square(tf.sum(embedded, 1)), tf.sum(tf.square(embedded), 1)));
    const dense = (y: typeof x, name: string) =>
      tf.relu(tf.add(tf.matMul(y as never, weights[`${name}.weights`]!), weights[`${name}.bias`]!));
    const first = pooledInput ? pooled : tf.reshape(embedded, [count, fields * D]);
    const below = dense(first as never, 'layer1');
    const hidden = layers === 1 ? below : dense(below as never, 'layer2');
    const output = weights['output']!;
    const deep = tf.sum(tf.mul(hidden, tf.slice(output, [0], [UNITS])), 1);
    const predictions = tf.add(tf.add(deep, linear), tf.slice(output, [UNITS], [1]));
    const found = pairs ? tf.add(predictions, tf.sum(pooled, 1)) : predictions;
    return tf.mean(tf.square(tf.sub(found, tf.tensor1d(Array.from(smallRatings().values)))));
  };

/** With two layers, kinks of NFM's ReLUs are nearer than the steps of central differences. */
const kinds: readonly (readonly [string, ModelDefinition<NetworkOptions>, Objective, number])[] = [
  ['Wide & Deep', wideDeep, objective(false, false, 2), 2],
  ['DeepFM', deepFm, objective(true, false, 2), 2],
  ['NFM', nfm, objective(false, true, 1), 1],
];

describe.each(kinds)('%s', (_, definition, loss, layers) => {
  it('steps along the gradient of its squared error, as tfjs and central differences have it', () =>
    expectGradients(definition, { ...ONE_STEP, layers }, loss, 1, ['fields'], smallFeatures()));

  it('moves no row that its batch has not', async () => {
    const { tensors, train } = await createSmall(definition, { ...ONE_STEP, decay: 1 }, 'simd', smallFeatures());
    const before = tensors['fields']!.values.slice();
    await train(2);
    const row = (values: Float32Array, id: number): Float32Array => values.slice((D + 4) * id, (D + 4) * (id + 1));
    // User 3 has no rating.
    expect(row(tensors['fields']!.values, 3)).toEqual(row(before, 3));
    expect(row(tensors['fields']!.values, 2)).not.toEqual(row(before, 2));
  });

  it('learns: its loss falls', async () => {
    const losses = await Promise.all(
      [1, 30].map(async (epochs) => (await createSmall(definition, { ...ONE_STEP, rateDecay: 1 })).train(epochs)),
    );
    expect(losses[1]).toBeLessThan(0.7 * losses[0]!);
  });

  it('has the same bits after a resume', () => expectSameAfterResume(definition, { factors: 4, units: 8, batch: 7 }));

  it('trains alike on both implementations of the kernels', () => expectSameAsReference(definition, { factors: 4, units: 8, batch: 7 }));

  it('scores an item alike alone and among others', async () => {
    const small = await createSmall(definition, { factors: 4, units: 8, batch: 7 });
    await small.train(1);
    const [alone] = await scoresOf(small, 2, [5]);
    expect((await scoresOf(small, 2, [1, 4, 5]))[2]).toBe(alone);
  });
});
