import type { Tensor } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { type ServerKernels, serverReference } from '../../../../src/algorithms/metamf/kernels/server-kernels.js';
import * as Generator from '../../../../src/algorithms/metamf/kernels/structs/generator.js';
import * as List from '../../../../src/algorithms/metamf/kernels/structs/row-list.js';
import { unitRoom } from '../../../../src/algorithms/metamf/kernels/unit-room.js';
import { random } from '../../../../src/base/random.js';
import { simdKernels } from '../../../../src/tensor/kernels/simd.js';
import { structOf } from '../../../../src/tensor/memory/struct.js';
import { createWorkbench, real } from '../../../support/tensors/kernel-workbench.js';
import { BACKENDS, backendOrSkip } from '../../../support/tensors/tensorflow-backend.js';

describe.each(BACKENDS)('autodiff by tfjs on %s', (backend) => {
  it('agrees with both implementations on rows and their gradients', async (ctx) => {
    const tf = await backendOrSkip(ctx, backend);
    const users = 3,
      n = 4,
      o = 16,
      s = 8,
      source = random(1);
    const h = real(source, users * o),
      w = real(source, n * o * s),
      bias = real(source, n * s),
      d = real(source, 5 * s);
    const user = Uint32Array.of(0, 2, 2, 1, 0),
      item = Uint32Array.of(3, 1, 3, 3, 0);

    const [rows, dh, dw, dBias] = tf.tidy(() => {
      const u = tf.tensor1d(Int32Array.from(user)),
        i = tf.tensor1d(Int32Array.from(item));
      const generate = (H: Tensor, W: Tensor, B: Tensor): Tensor =>
        tf.add(tf.reshape(tf.matMul(tf.reshape(tf.gather(H, u), [5, 1, o]), tf.gather(W, i)), [5, s]), tf.gather(B, i));
      const inputs = [tf.tensor2d(h, [users, o]), tf.tensor3d(w, [n, o, s]), tf.tensor2d(bias, [n, s])] as const;
      const gradients = tf.grads((H, W, B) => generate(H!, W!, B!))([...inputs], tf.tensor2d(d, [5, s]));
      return [generate(...inputs), ...gradients].map((tensor) => tensor.dataSync());
    });

    for (const implement of [simdKernels<ServerKernels>, serverReference]) {
      const { buffers } = createWorkbench(implement)((kernels, put, pass) => {
        const [g, gBias, pdh, out, units] = [n * o * s, n * s, users * o, 5 * s, unitRoom(users, o)].map((count) =>
          put(new Float32Array(count)),
        );
        const ph = put(h);
        const generator = pass(structOf(Generator, { o, s, w: put(w), bias: put(bias) }));
        const rows = { count: 5, user: put(user), item: put(item) };
        const asked = pass(structOf(List, { ...rows, place: put(Uint32Array.of(0, 1, 2, 3, 4)) }));
        kernels.generateRows(generator, asked, ph, out!);
        const touched = pass(structOf(List, { ...rows, place: rows.item, upstream: put(d), fresh: 1000 }));
        kernels.backwardRows(generator, touched, users, ph, units!, g!, gBias!, pdh!);
      });
      [dw, dBias, dh, rows].forEach((expected, b) => {
        expected!.forEach((value, at) => expect(Math.abs(buffers[b]![at]! - value)).toBeLessThan(1e-5));
      });
    }
  });
});
