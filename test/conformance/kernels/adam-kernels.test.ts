import { describe, expect, it } from 'vitest';
import { random } from '../../../src/base/random.js';
import type { Kernels } from '../../../src/tensor/kernels/kernels.js';
import { structOf } from '../../../src/tensor/memory/struct.js';
import * as Rows from '../../../src/tensor/structs/rows.js';
import { KERNELS } from '../../support/tensors/implementations.js';
import { expectSameOutcome, hyper, type Put, real } from '../../support/tensors/kernel-workbench.js';

const rate = 0.01,
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon = 1e-8;

type Options = { readonly decay: number; readonly decoupled: boolean; readonly scale: number };

/** Adam as Kingma & Ba (2015, algorithm 1) print it, AdamW as Loshchilov & Hutter (2019, algorithm 2) do, in float64. */
const textbook = (weights: Float32Array, gradients: readonly Float32Array[], { decay, decoupled, scale }: Options, oneMoment: boolean) => {
  const w = Array.from(weights),
    m = w.map(() => 0),
    v = w.map(() => 0);
  let shared = 0;
  gradients.forEach((gradient, step) => {
    const t = step + 1;
    const g = w.map((weight, i) => scale * (gradient[i] ?? 0) + (decoupled ? 0 : decay * weight));
    shared = beta2 * shared + ((1 - beta2) * g.reduce((sum, x) => sum + x * x, 0)) / g.length;
    for (let i = 0; i < w.length; i++) {
      m[i] = beta1 * m[i]! + (1 - beta1) * g[i]!;
      v[i] = beta2 * v[i]! + (1 - beta2) * g[i]! ** 2;
      const mHat = m[i]! / (1 - beta1 ** t),
        vHat = (oneMoment ? shared : v[i]!) / (1 - beta2 ** t);
      w[i] = w[i]! - rate * (mHat / (Math.sqrt(vHat) + epsilon) + (decoupled ? decay * w[i]! : 0));
    }
  });
  return { w, m, v, shared };
};

const STEPS = 5;
const cases = [0, 1, 3, 4, 5, 8, 37].flatMap((count) =>
  [
    { decay: 0, decoupled: false, scale: 1 },
    { decay: 0.1, decoupled: false, scale: 0.25 },
    { decay: 0.1, decoupled: true, scale: 0.25 },
  ].map((options) => ({
    count,
    options,
    weights: real(random(1, count), count),
    gradients: Array.from({ length: STEPS }, (_, t) => real(random(2, count, t), count)),
  })),
);
const expectClose = (found: ArrayLike<number>, expected: readonly number[]): void =>
  expected.forEach((value, i) => expect(Math.abs(found[i]! - value)).toBeLessThan(3e-6 * Math.max(1, Math.abs(value))));

/** Coupled decay is λ; decoupled decay reaches the kernel as learning rate · λ. */
const decayArgument = ({ decay, decoupled }: Options): number => (decoupled ? rate * decay : decay);
const elementStep = (options: Options, t: number): Float64Array =>
  hyper({
    scale: options.scale,
    rate: rate / (1 - beta1 ** t),
    correction: 1 / Math.sqrt(1 - beta2 ** t),
    ...{ beta1, beta2, epsilon },
    decay: decayArgument(options),
    decoupled: Number(options.decoupled),
  });
const tensorStep = (options: Options, tensorRate: number): Float64Array =>
  hyper({ scale: options.scale, rate: tensorRate, beta1, decay: decayArgument(options), decoupled: Number(options.decoupled) });

describe.each(KERNELS.all)('Adam of $name', ({ on }) => {
  it('takes the textbook steps, coupled and decoupled', () => {
    for (const { count, options, weights, gradients } of cases) {
      const expected = textbook(weights, gradients, options, false);
      const { buffers } = on((kernels, put, pass) => {
        const w = put(weights),
          m = put(new Float32Array(count)),
          v = put(new Float32Array(count));
        gradients.forEach((gradient, step) => kernels.adam(count, w, m, v, put(gradient), pass(elementStep(options, step + 1))));
      });
      expectClose(buffers[0]!, expected.w);
      expectClose(buffers[1]!, expected.m);
      expectClose(buffers[2]!, expected.v);
    }
  });

  it('with one second moment for the tensor takes the textbook steps and returns the new sum of squares', () => {
    for (const { count, options, weights, gradients } of cases) {
      const expected = textbook(weights, gradients, options, true);
      const { buffers, value } = on((kernels, put, pass) => {
        const w = put(weights),
          m = put(new Float32Array(count));
        return gradients.reduce((_, gradient, step) => {
          const t = step + 1,
            { shared } = textbook(weights, gradients.slice(0, t), options, true);
          const tensorRate = rate / (1 - beta1 ** t) / (Math.sqrt(shared / (1 - beta2 ** t)) + epsilon);
          return kernels.adamTensor(count, w, m, put(gradient), pass(tensorStep(options, count === 0 ? 0 : tensorRate)));
        }, 0);
      });
      expectClose(buffers[0]!, expected.w);
      expectClose(buffers[1]!, expected.m);
      expect(value).toBeCloseTo(
        Array.from(buffers[0]!.subarray(0, count)).reduce((sum, x) => sum + x * x, 0),
        10,
      );
    }
  });

  it.each([
    ['with L2 in the gradient', false],
    ['with decoupled decay', true],
  ])('what fades without a gradient stops before it is denormal, %s', (_name, decoupled) => {
    const count = 37;
    const { buffers } = on((kernels, put, pass) => {
      const w = put(real(random(3), count).map((x) => 0.01 * x)),
        m = put(new Float32Array(count)),
        v = put(new Float32Array(count));
      for (let t = 1; t <= 3000; t++) {
        const gradient = t === 1 ? put(real(random(4), count).map((x) => 1e-5 * x)) : 0;
        const [first, correction] = [1 - beta1 ** t, 1 / Math.sqrt(1 - beta2 ** t)];
        const step = { scale: 1, rate: 1e-4 / first, correction, beta1, beta2, epsilon, decay: 1e-3, decoupled: Number(decoupled) };
        kernels.adam(count, w, m, v, gradient, pass(hyper(step)));
      }
    });
    const numbers = buffers.slice(0, 3).flatMap((buffer) => Array.from(buffer.subarray(0, count)));
    expect(numbers.filter((x) => x !== 0 && Math.abs(x) < 2 ** -126)).toEqual([]);
  });

  it('what is no number stays none without a gradient', () => {
    const { buffers } = on((kernels, put, pass) => {
      const w = put(new Float32Array(5).fill(Number.NaN));
      const step = hyper({ scale: 1, rate, correction: 1, beta1, beta2, epsilon, decay: 0.1, decoupled: 0 });
      kernels.adam(5, w, put(new Float32Array(5)), put(new Float32Array(5)), 0, pass(step));
    });
    for (const buffer of buffers) expect(Array.from(buffer.subarray(0, 5))).toEqual(Array(5).fill(Number.NaN));
  });

  it('without a gradient only decays, as with a gradient of zeros', () => {
    for (const { count, options, weights } of cases) {
      const run = (gradient: (put: Put) => number) =>
        on((kernels, put, pass) => {
          const w = put(weights),
            m = put(real(random(3), count)),
            v = put(real(random(4), count).map(Math.abs));
          kernels.adam(count, w, m, v, gradient(put), pass(elementStep(options, 3)));
          return kernels.adamTensor(count, w, m, gradient(put), pass(tensorStep(options, rate)));
        });
      const nullPointer = run(() => 0),
        zeros = run((put) => put(new Float32Array(count)));
      expect(nullPointer.value).toBe(zeros.value);
      expect(nullPointer.buffers).toEqual(zeros.buffers.slice(0, 3));
    }
  });

  it.each([1, 4, 6, 8, 33])('over item blocks of %i equals one call per block with that block’s gradient', (size) => {
    const items = 6,
      first = 1,
      count = 4,
      slotOf = Int32Array.of(0, 2, -1, 0, -1, 1),
      options = cases[1]!.options;
    const w0 = real(random(5, size), items * size),
      g0 = real(random(6, size), 3 * size),
      zeros = new Float32Array(items * size);
    type Steps = (kernels: Kernels, g: number, hyper: number, rows: number, w: number, m: number, v: number) => number | void;
    const run = (step: Float64Array, steps: Steps) =>
      on((kernels, put, pass) => {
        const [w, m, v, g, slots] = [put(w0), put(zeros), put(zeros), put(g0), put(slotOf)];
        const rows = structOf(Rows, { size, slotOf: slots, weights: w, moment: m, variance: v });
        return steps(kernels, g, pass(step), pass(rows), w, m, v);
      });
    const blockwise = (step: (at: number, gradient: number) => number | void, g: number): number =>
      Array.from({ length: count }, (_, k) => first + k).reduce(
        (sum, i) => sum + (step(4 * i * size, slotOf[i]! < 0 ? 0 : g + 4 * slotOf[i]! * size) ?? 0),
        0,
      );

    const [element, tensor] = [elementStep(options, 2), tensorStep(options, rate)];
    expectSameOutcome(
      run(element, (kernels, g, step, rows) => kernels.adamItems(rows, first, count, g, step)),
      run(element, (kernels, g, step, _rows, w, m, v) =>
        blockwise((at, gradient) => kernels.adam(size, w + at, m + at, v + at, gradient, step), g),
      ),
    );
    expectSameOutcome(
      run(tensor, (kernels, g, step, rows) => kernels.adamTensorItems(rows, first, count, g, step)),
      run(tensor, (kernels, g, step, _rows, w, m) =>
        blockwise((at, gradient) => kernels.adamTensor(size, w + at, m + at, gradient, step), g),
      ),
    );
  });

  it('gives an element the same bits wherever the range is cut', () => {
    const count = 43,
      options = cases[1]!.options;
    const run = (cuts: readonly number[]) =>
      on((kernels, put, pass) => {
        const w = put(real(random(7), count)),
          m = put(real(random(8), count)),
          v = put(real(random(9), count).map(Math.abs)),
          g = put(real(random(10), count));
        [0, ...cuts].forEach((from, i) => {
          const at = 4 * from,
            length = (cuts[i] ?? count) - from;
          kernels.adam(length, w + at, m + at, v + at, g + at, pass(elementStep(options, 1)));
        });
      });
    expectSameOutcome(run([1, 6, 7, 30]), run([]));
  });
});
