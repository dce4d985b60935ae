import { describe, it } from 'vitest';
import type { Work } from '../../../src/algorithms/maml/client.js';
import type { MamlOptions } from '../../../src/algorithms/maml/options.js';
import type { Interactions } from '../../../src/algorithms/port/client.js';
import type { Tensorflow } from '../../../src/tensor/tfjs.js';
import { gradientOf, play } from '../../support/maml/client.js';
import { type Local, OPTIONS, randomLocal, WORLD } from '../../support/maml/model.js';
import { expectClose } from '../../support/tensors/closeness.js';
import { BACKENDS, backendOrSkip } from '../../support/tensors/tensorflow-backend.js';

type Tensor = import('@tensorflow/tfjs').Tensor;

/** Relative to a tensor's largest gradient. tfjs computes in float32. */
const TOLERANCE = 2e-5;

/** ∂ query loss / ∂ (E, B, w⁰). `through`: with the inner steps inside of the differentiated function; otherwise w_K is w⁰ plus a constant. */
const autodiff = (tf: Tensorflow, options: MamlOptions, { numbers }: Local, { support, query }: Work, through: boolean): number[][] =>
  tf.tidy(() => {
    const { dimension: d, innerSteps, innerRate, decay } = options;
    const errors = ({ items, values }: Interactions, E: Tensor, B: Tensor, w: Tensor) => {
      const at = tf.tensor1d([...items], 'int32');
      const x = tf.concat([tf.ones([items.length, 1]), tf.gather(E, at)], 1);
      const y = tf.sub(tf.tensor2d([...values], [items.length, 1]), tf.gather(B, at));
      return { x, e: tf.sub(tf.matMul(x, w as never), y) };
    };
    const adapt = (E: Tensor, B: Tensor, w: Tensor): Tensor => {
      let now = w;
      for (let step = 0; step < innerSteps; step++) {
        const { x, e } = errors(support, E, B, now);
        now = tf.sub(now, tf.mul(tf.matMul(x, e as never, true), (2 * innerRate) / support.items.length));
      }
      return now;
    };
    const inputs = [
      tf.tensor2d(numbers.items, [WORLD.items, d]),
      tf.tensor2d(numbers.offsets, [WORLD.items, 1]),
      tf.tensor2d(numbers.start, [d + 1, 1]),
    ] as const;
    const moved = tf.sub(adapt(...inputs), inputs[2]);
    const loss = (E: Tensor, B: Tensor, w: Tensor) => {
      const { e } = errors(query, E, B, through ? adapt(E, B, w) : tf.add(w, moved));
      const at = tf.tensor1d([...query.items], 'int32');
      const rows = tf.add(tf.sum(tf.square(tf.gather(E, at))), tf.sum(tf.square(tf.gather(B, at))));
      return tf.div(tf.add(tf.sum(tf.square(e)), tf.mul(rows, decay)), query.items.length).asScalar();
    };
    return tf
      .grads(loss as never)([...inputs])
      .map((gradient) => [...gradient.dataSync()]);
  });

describe.each(BACKENDS)('the update of a device and tfjs on %s', (backend) => {
  for (const [variant, through] of [
    ['first-order', false],
    ['second-order', true],
  ] as const) {
    it(`agree: ${variant}`, async (ctx) => {
      const tf = await backendOrSkip(ctx, backend);
      const options: MamlOptions = { ...OPTIONS, dimension: 4, innerSteps: 4, variant };
      for (const seed of [5, 6]) {
        const local = randomLocal(options, 14, seed);
        const { work, update } = play(options, local);
        autodiff(tf, options, local, work, through).forEach((expected, at) => {
          const name = (['items', 'offsets', 'start'] as const)[at]!;
          expectClose(gradientOf(update, local.numbers, name), expected, TOLERANCE, name);
        });
      }
    });
  }
});
