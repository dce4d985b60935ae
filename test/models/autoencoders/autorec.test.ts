import { describe, expect, it } from 'vitest';
import { autoRecI, autoRecU } from '../../../src/models/autoencoders/autorec.js';
import {
  createSmall,
  denseRatings,
  expectGradients,
  expectSameAfterResume,
  expectSameAsReference,
  type Objective,
  scoresOf,
  smallRatings,
} from '../../support/models/small-model.js';

const kinds = [
  ['AutoRec-I', autoRecI, (ratings: number[][]) => ratings[0]!.map((_, item) => ratings.map((row) => row[item]!))],
  ['AutoRec-U', autoRecU, (ratings: number[][]) => ratings],
] as const;
const ONE_STEP = { hidden: 8, batch: 50, rate: 0.01, dropout: 0, centre: 0 };

describe.each(kinds)('%s', (_, definition, rowsOf) => {
  const objective =
    (decay: number): Objective =>
    (tf, { encoder, decoder, hiddenBias, bias }) => {
      const rows = tf.tensor2d(rowsOf(denseRatings(smallRatings())));
      const there = tf.cast(tf.notEqual(rows, 0), 'float32');
      const hidden = tf.sigmoid(tf.add(tf.matMul(rows, encoder!), hiddenBias!));
      const error = tf.mul(there, tf.sub(tf.add(tf.matMul(hidden, decoder!, false, true), bias!), rows));
      const squares = tf.add(tf.sum(tf.square(encoder!)), tf.sum(tf.square(decoder!)));
      return tf.add(tf.sum(tf.square(error)), tf.mul(decay / 2, squares));
    };

  it('steps along the gradient of its squared errors, as tfjs and central differences have it', async () => {
    const cells = smallRatings().items.length;
    await expectGradients(definition, { ...ONE_STEP, decay: 0 }, objective(0), cells);
  });

  it('adds λ to the gradient of both matrices, rows without ratings included, and to no bias', async () => {
    const { tensors, train } = await createSmall(definition, { ...ONE_STEP, decay: 0 });
    const regularized = await createSmall(definition, { ...ONE_STEP, decay: 3 });
    const before = regularized.tensors['encoder']!.values.slice();
    await train(1);
    await regularized.train(1);
    const momentOf = (name: string, of: typeof tensors): Float32Array => of[name]!.state[0]!.values;
    momentOf('encoder', regularized.tensors).forEach((moment, at) =>
      expect(moment).toBeCloseTo(momentOf('encoder', tensors)[at]! + 0.1 * 3 * before[at]!, 4),
    );
    for (const name of ['bias', 'hiddenBias']) expect(momentOf(name, regularized.tensors)).toEqual(momentOf(name, tensors));
  });

  it('predicts from training rows alone', async () => {
    const small = await createSmall(definition, ONE_STEP);
    await small.train(2);
    const [encoder, decoder, hiddenBias, bias] = ['encoder', 'decoder', 'hiddenBias', 'bias'].map((name) => small.tensors[name]!.values);
    const ratings = denseRatings(smallRatings());
    const predict = (user: number, item: number): number => {
      const [row, column] = definition === autoRecI ? [item, user] : [user, item];
      const cells = rowsOf(ratings)[row]!;
      return Array.from(hiddenBias!).reduce((sum, start, k) => {
        const z = cells.reduce((total, value, c) => total + value * encoder![c * 8 + k]!, start);
        return sum + decoder![column * 8 + k]! / (1 + Math.exp(-z));
      }, bias![column]!);
    };
    for (const user of [0, 3, 6]) {
      const scores = await scoresOf(small, user, [8, 4, 0]);
      [8, 4, 0].forEach((item, at) => expect(scores[at]).toBeCloseTo(predict(user, item), 4));
    }
  });

  it('has the same bits after a resume, in batches that do not divide the rows', () =>
    expectSameAfterResume(definition, { ...ONE_STEP, batch: 4, dropout: 0.5 }));

  it('trains alike on both implementations of the kernels', () => expectSameAsReference(definition, { ...ONE_STEP, batch: 3 }));
});
