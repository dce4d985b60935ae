import { describe, expect, it } from 'vitest';
import { random } from '../../src/base/random.js';
import type { Kernels } from '../../src/tensor/kernels.js';
import { referenceKernels } from '../../src/tensor/reference.js';
import { simdKernels } from '../../src/tensor/simd.js';
import { createWorkbench, expectSameOutcome, type Outcome, type Put, real } from './workbench.js';

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
        (kernels, w, m, v, g, slots) => kernels.adamRowItems(first, count, size, size, slots, 0, w, m, v, g, ...row),
        (kernels, w, m, v, g) => each(g, (at, own, item) => kernels.adamRow(size, size, w + at, m + at, v + 4 * item, own, ...row)),
      ],
      [
        (kernels, w, v, _t, g, slots) => kernels.adagradItems(first, count, size, slots, 0, w, v, g, ...ada),
        (kernels, w, v, _t, g) => each(g, (at, own) => kernels.adagrad(size, w + at, v + at, own, ...ada)),
      ],
      [
        (kernels, w, m, _t, g, slots) => kernels.momentumItems(first, count, size, slots, 0, w, m, g, ...mom),
        (kernels, w, m, _t, g) => each(g, (at, own) => kernels.momentum(size, w + at, m + at, own, ...mom)),
      ],
    ];
    for (const [items, blocks] of pairs) {
      expectSameOutcome(run(items), run(blocks));
      expect(run(items).buffers[0]).not.toEqual(run(() => undefined).buffers[0]);
    }
  });

  it('only the blocks that are due are stepped, by whoever takes them, and none twice', () => {
    const [items, size] = [5, 6];
    const adam = [0.5, RATE, 1.5, 0.9, 0.99, 1e-8, 0.1, 0] as const;
    const w0 = real(random(9), items * size);
    /** Up to date, due, taken by another caller. */
    const states = Int32Array.of(1, 0, 1, 2, 1);
    const run = (call: (kernels: Kernels, w: number, m: number, v: number, due: number) => void) =>
      on((kernels, put) => call(kernels, put(w0), put(new Float32Array(items * size)), put(new Float32Array(items * size)), put(states)));
    const found = run((kernels, w, m, v, due) => {
      for (let repeat = 0; repeat < 2; repeat++) kernels.adamItems(1, 4, size, 0, due, w, m, v, 0, ...adam);
    });
    const expected = run((kernels, w, m, v) => {
      for (const block of [2, 4]) kernels.adam(size, w + 4 * block * size, m + 4 * block * size, v + 4 * block * size, 0, ...adam);
    });
    expect(found.buffers.slice(0, 3)).toEqual(expected.buffers.slice(0, 3));
    expect(Array.from(found.buffers[3]!.subarray(0, items))).toEqual([1, 0, 0, 2, 0]);
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
