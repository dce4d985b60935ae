import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { describe, expect, it, type TestContext } from 'vitest';
import { loadTensorflow, type Tensorflow } from '../../src/tensor/tfjs.js';

/** The backend, or a skipped test that says why: the native one is an optional dependency. */
const backendOrSkip = async (ctx: TestContext, backend: 'node' | 'wasm'): Promise<Tensorflow> => {
  if (backend === 'wasm') return (await loadTensorflow('wasm')).tf;
  try {
    return (await loadTensorflow('node')).tf;
  } catch (error) {
    return ctx.skip((error as Error).message);
  }
};

describe('loading tfjs', () => {
  it('says which backend it found, and why not the native one', async () => {
    const { tf, backend, fallback } = await loadTensorflow();
    expect(tf.getBackend()).toBe(backend);
    expect(fallback === undefined).toBe(backend === 'tensorflow');
    if (fallback !== undefined) expect(fallback).toMatch(/^@tensorflow\/tfjs-node does not load: .+/);
  });

  it('obeys the preference or refuses with CAPABILITY', async () => {
    expect((await loadTensorflow('wasm')).tf.getBackend()).toBe('wasm');
    await loadTensorflow('node').then(
      ({ tf, backend }) => expect([tf.getBackend(), backend]).toEqual(['tensorflow', 'tensorflow']),
      (error) => expect(error).toMatchObject({ name: 'MetafleetError', code: 'CAPABILITY' }),
    );
  });
});

describe.each(['wasm', 'node'] as const)('tfjs on %s', (backend) => {
  it('differentiates a factorization model as by hand, embeddings that occur twice included', async (ctx) => {
    const tf = await backendOrSkip(ctx, backend);
    const before = tf.memory().numTensors;
    const found = tf.tidy(() => {
      const users = tf.tensor2d([1, 2, 3, 4], [2, 2]),
        items = tf.tensor2d([1, 0, -1, 2, 0, 1], [3, 2]);
      const user = tf.tensor1d([0, 0, 1], 'int32'),
        item = tf.tensor1d([1, 2, 1], 'int32'),
        ratings = tf.tensor1d([1, 2, 0]);
      const loss = (u: Tensor, i: Tensor): Scalar =>
        tf.sum(tf.square(tf.sub(tf.sum(tf.mul(tf.gather(u, user), tf.gather(i, item)), 1), ratings)));
      return tf
        .grads(loss)([users, items])
        .map((gradient) => Array.from(gradient.dataSync()));
    });
    // Predictions 3, 2, 5; residuals 2, 0, 5; gradients 2·residual·(the other side's embedding).
    expect(found).toEqual([
      [-4, 8, -10, 20],
      [0, 0, 34, 48, 0, 0],
    ]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('sums unsorted segments of matrices, empty segments to zero', async (ctx) => {
    const tf = await backendOrSkip(ctx, backend);
    const sums = tf.tidy(() =>
      tf.unsortedSegmentSum(tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]), tf.tensor1d([3, 0, 3], 'int32'), 4).arraySync(),
    );
    expect(sums).toEqual([
      [3, 4],
      [0, 0],
      [0, 0],
      [6, 8],
    ]);
  });

  it('trains with its own optimizers', async (ctx) => {
    const tf = await backendOrSkip(ctx, backend);
    const weight = tf.variable(tf.tensor1d([5])),
      optimizer = tf.train.adam(0.5);
    for (let step = 0; step < 200; step++) optimizer.minimize(() => tf.sum(tf.square(tf.sub(weight, 2))));
    expect(weight.dataSync()[0]).toBeCloseTo(2, 2);
  });
});
