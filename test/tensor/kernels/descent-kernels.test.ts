import { describe, expect, it } from 'vitest';
import { random } from '../../../src/base/random.js';
import type { Kernels } from '../../../src/tensor/kernels/kernels.js';
import { referenceKernels } from '../../../src/tensor/kernels/reference.js';
import { simdKernels } from '../../../src/tensor/kernels/simd.js';
import { KEPT_STEPS, STEP_NUMBERS } from '../../../src/tensor/optimizers/item-rows.js';
import { createWorkbench, expectSameOutcome, type Outcome, type Put, real } from '../../support/tensors/kernel-workbench.js';

const simd = createWorkbench(simdKernels);
const reference = createWorkbench(referenceKernels);
const RATE = 0.01;

/** Both implementations on the same buffers: guards equal, numbers within float32's rounding of a few operations. */
const expectAgreement = (call: (kernels: Kernels, put: Put) => void): Outcome => {
  const [found, expected] = [simd(call), reference(call)];
  expected.buffers.forEach((buffer, i) => {
    buffer.forEach((value, at) => {
      const other = found.buffers[i]![at]!;
      if (!(Math.abs(other - value) <= 3e-6 * Math.max(1, Math.abs(value)))) expect.fail(`buffer ${i}, ${at}: ${other} for ${value}`);
    });
  });
  return found;
};

const COUNTS = [0, 1, 3, 4, 5, 8, 37];
const DECAYS = [
  { decay: 0, decoupled: 0 },
  { decay: 0.1, decoupled: 0 },
  { decay: 0.001, decoupled: 1 },
] as const;
const CASES = COUNTS.flatMap((count) => DECAYS.flatMap((decay) => [true, false].map((hasGradient) => ({ count, ...decay, hasGradient }))));

/** Each kernel on one stretch: weights, its state, a gradient or the null pointer. */
const STEPS = {
  adamRow: (kernels, count, w, m, v, g, decay, decoupled) =>
    kernels.adamRow(count, Math.max(1, count - 1), w, m, v, g, 0.5, RATE, 1.5, 0.9, 0.99, 1e-8, decay, decoupled),
  adagrad: (kernels, count, w, _m, v, g, decay, decoupled) => kernels.adagrad(count, w, v, g, 0.5, RATE, 1e-8, decay, decoupled),
  momentum: (kernels, count, w, m, _v, g, decay, decoupled) => kernels.momentum(count, w, m, g, 0.5, RATE, 0.9, 0, decay, decoupled),
  nesterov: (kernels, count, w, m, _v, g, decay, decoupled) => kernels.momentum(count, w, m, g, 0.5, RATE, 0.9, 1, decay, decoupled),
} satisfies Record<
  string,
  (kernels: Kernels, count: number, w: number, m: number, v: number, g: number, decay: number, decoupled: number) => void
>;

describe.each(Object.entries(STEPS))('the kernel of %s', (_, step) => {
  it('steps as the reference does, with and without gradient, coupled and decoupled, and writes nowhere else', () => {
    for (const { count, decay, decoupled, hasGradient } of CASES) {
      expectAgreement((kernels, put) => {
        const w = put(real(random(1, count), count)),
          m = put(real(random(2, count), count)),
          v = put(real(random(3, count), Math.max(1, count)).map(Math.abs)),
          g = put(real(random(4, count), count));
        step(kernels, count, w, m, v, hasGradient ? g : 0, decay, decoupled);
      });
    }
  });

  it('takes a gradient of zeros for none', () => {
    for (const { count, decay, decoupled } of CASES) {
      const run = (gradient: (put: Put) => number) =>
        simd((kernels, put) => {
          const w = put(real(random(1, count), count)),
            m = put(real(random(2, count), count)),
            v = put(real(random(3, count), Math.max(1, count)).map(Math.abs));
          step(kernels, count, w, m, v, gradient(put), decay, decoupled);
        }).buffers.slice(0, 3);
      expect(run(() => 0)).toEqual(run((put) => put(new Float32Array(count))));
    }
  });
});

describe.each([
  ['SIMD', simd],
  ['reference', reference],
] as const)('over item blocks, %s', (_, on) => {
  it.each([1, 4, 6, 8, 33])('of %i elements each kernel equals one call per block with that block’s gradient', (size) => {
    const [items, first, count] = [6, 1, 4];
    const slotOf = Int32Array.of(0, 2, -1, 0, -1, 1);
    const w0 = real(random(5, size), items * size),
      g0 = real(random(6, size), 3 * size),
      state = real(random(7, size), items * size).map(Math.abs);
    type Call = (kernels: Kernels, w: number, s: number, t: number, g: number, slots: number) => void;
    const run = (call: Call) => on((kernels, put) => call(kernels, put(w0), put(state), put(state), put(g0), put(slotOf)));
    const each = (g: number, step: (at: number, gradient: number, item: number) => void): void => {
      for (let i = first; i < first + count; i++) step(4 * i * size, slotOf[i]! < 0 ? 0 : g + 4 * slotOf[i]! * size, i);
    };
    const row = [0.5, RATE, 1.5, 0.9, 0.99, 1e-8, 0.1, 0] as const;
    const ada = [0.5, RATE, 1e-8, 0.1, 0] as const;
    const mom = [0.5, RATE, 0.9, 1, 0.1, 0] as const;
    const pairs: readonly (readonly [Call, Call])[] = [
      [
        (kernels, w, m, v, g, slots) => kernels.adamRowItems(first, count, size, size, slots, w, m, v, g, ...row),
        (kernels, w, m, v, g) => each(g, (at, own, item) => kernels.adamRow(size, size, w + at, m + at, v + 4 * item, own, ...row)),
      ],
      [
        (kernels, w, v, _t, g, slots) => kernels.adagradItems(first, count, size, slots, w, v, g, ...ada),
        (kernels, w, v, _t, g) => each(g, (at, own) => kernels.adagrad(size, w + at, v + at, own, ...ada)),
      ],
      [
        (kernels, w, m, _t, g, slots) => kernels.momentumItems(first, count, size, slots, w, m, g, ...mom),
        (kernels, w, m, _t, g) => each(g, (at, own) => kernels.momentum(size, w + at, m + at, own, ...mom)),
      ],
    ];
    for (const [items, blocks] of pairs) {
      expectSameOutcome(run(items), run(blocks));
      expect(run(items).buffers[0]).not.toEqual(run(() => undefined).buffers[0]);
    }
  });

  it('blocks make the steps they owe, each with its own hyperparameters, and whoever is up to date or taken none', () => {
    const [items, size, last] = [5, 6, 13];
    /** Up to date, two steps behind, taken by another caller, one behind. */
    const made = Int32Array.of(0, last, last - 2, -1, last - 1);
    const owing = [
      [2, last - 1],
      [2, last],
      [4, last],
    ] as const;
    const rateOf = (step: number) => RATE / step;
    const [w0, state] = [real(random(9), items * size), real(random(10), items * size).map(Math.abs)];
    type Kind = {
      readonly hyperparameters: (step: number) => readonly number[];
      readonly owed: (kernels: Kernels, steps: number, w: number, s: number, t: number, made: number) => void;
      readonly one: (kernels: Kernels, w: number, s: number, t: number, step: number, block: number) => void;
    };
    const adam = (step: number) => [rateOf(step), 1.5, 0.9, 0.99, 1e-8, 0.1, 0] as const;
    const ada = (step: number) => [rateOf(step), 1e-8, 0.1, 1] as const;
    const mom = (step: number) => [rateOf(step), 0.9, 1, 0.1, 0] as const;
    const kinds: readonly Kind[] = [
      {
        hyperparameters: adam,
        owed: (kernels, steps, w, m, v, counts) => kernels.adamOwed(1, 4, size, counts, last, steps, w, m, v),
        one: (kernels, w, m, v, step) => kernels.adam(size, w, m, v, 0, 0, ...adam(step)),
      },
      {
        hyperparameters: adam,
        owed: (kernels, steps, w, m, v, counts) => kernels.adamRowOwed(1, 4, size, size, counts, last, steps, w, m, v),
        one: (kernels, w, m, v, step, block) => kernels.adamRow(size, size, w, m, v + 4 * (block - block * size), 0, 0, ...adam(step)),
      },
      {
        hyperparameters: ada,
        owed: (kernels, steps, w, v, _t, counts) => kernels.adagradOwed(1, 4, size, counts, last, steps, w, v),
        one: (kernels, w, v, _t, step) => kernels.adagrad(size, w, v, 0, 0, ...ada(step)),
      },
      {
        hyperparameters: mom,
        owed: (kernels, steps, w, m, _t, counts) => kernels.momentumOwed(1, 4, size, counts, last, steps, w, m),
        one: (kernels, w, m, _t, step) => kernels.momentum(size, w, m, 0, 0, ...mom(step)),
      },
    ];
    for (const { hyperparameters, owed, one } of kinds) {
      const written = new Float64Array(KEPT_STEPS * STEP_NUMBERS).fill(Number.NaN);
      for (const step of [last - 1, last]) written.set(hyperparameters(step), (step % KEPT_STEPS) * STEP_NUMBERS);
      const found = on((kernels, put) => {
        const [w, s, t, counts, steps] = [put(w0), put(state), put(state), put(made), put(new Uint32Array(written.buffer))];
        for (let repeat = 0; repeat < 2; repeat++) owed(kernels, steps, w, s, t, counts);
      });
      const expected = on((kernels, put) => {
        const [w, s, t] = [put(w0), put(state), put(state)];
        for (const [block, step] of owing) {
          const at = 4 * block * size;
          one(kernels, w + at, s + at, t + at, step, block);
        }
      });
      expect(found.buffers.slice(0, 3)).toEqual(expected.buffers);
      expect(Array.from(found.buffers[3]!.subarray(0, items))).toEqual([0, last, last, -1, last]);
    }
  });

  it('scales each block by its own factor, and no other', () => {
    for (const size of [1, 4, 7, 32]) {
      const w = real(random(8, size), 5 * size);
      const { buffers } = on((kernels, put) => {
        const pointer = put(w);
        kernels.scaleItems(3, size, put(Float32Array.of(0.5, 1, -2)), pointer);
      });
      const expected = w.map((value, at) => value * ([0.5, 1, -2][Math.floor(at / size)] ?? 1));
      expect(Array.from(buffers[0]!.subarray(0, w.length))).toEqual(Array.from(expected));
    }
  });
});
