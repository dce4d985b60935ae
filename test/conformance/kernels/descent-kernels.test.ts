import { describe, expect, it } from 'vitest';
import { random } from '../../../src/base/random.js';
import type { Kernels } from '../../../src/tensor/kernels/kernels.js';
import { structOf } from '../../../src/tensor/memory/struct.js';
import * as Kept from '../../../src/tensor/structs/kept-steps.js';
import * as Rows from '../../../src/tensor/structs/rows.js';
import { type Implementation, KERNELS } from '../../support/tensors/implementations.js';
import { type Call, expectSameOutcome, hyper, type Outcome, type Put, real } from '../../support/tensors/kernel-workbench.js';

const RATE = 0.01;

/** An implementation and the definition on the same buffers: guards equal, numbers within float32's rounding of a few operations. */
const expectAgreement = ({ on }: Implementation<Kernels>, call: Call): Outcome => {
  const [found, expected] = [on(call), KERNELS.definition.on(call)];
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

type Decay = { readonly decay: number; readonly decoupled: number };

const ADAM = { scale: 0.5, rate: RATE, correction: 1.5, beta1: 0.9, beta2: 0.99, epsilon: 1e-8 };
const ADAGRAD = { scale: 0.5, rate: RATE, epsilon: 1e-8 };
const MOMENTUM = { scale: 0.5, rate: RATE, factor: 0.9, nesterov: 0 };

/** Each kernel on one stretch: weights, its state, a gradient or the null pointer. */
const STEPS = {
  adamRow: {
    own: ADAM,
    step: (kernels, count, w, m, v, g, step) => kernels.adamRow(count, Math.max(1, count - 1), w, m, v, g, step),
  },
  adagrad: { own: ADAGRAD, step: (kernels, count, w, _m, v, g, step) => kernels.adagrad(count, w, v, g, step) },
  momentum: { own: MOMENTUM, step: (kernels, count, w, m, _v, g, step) => kernels.momentum(count, w, m, g, step) },
  nesterov: {
    own: { ...MOMENTUM, nesterov: 1 },
    step: (kernels, count, w, m, _v, g, step) => kernels.momentum(count, w, m, g, step),
  },
} satisfies Record<
  string,
  {
    readonly own: Parameters<typeof hyper>[0];
    readonly step: (kernels: Kernels, count: number, w: number, m: number, v: number, g: number, hyper: number) => void;
  }
>;

const STEPS_OF_OTHERS = KERNELS.others.flatMap((other) =>
  Object.entries(STEPS).map(([name, kernel]) => ({ name: `${name} of ${other.name}`, other, ...kernel })),
);

describe.each(STEPS_OF_OTHERS)('the kernel $name', ({ other, own, step }) => {
  const hyperOf = ({ decay, decoupled }: Decay) => hyper({ ...own, decay, decoupled });
  it('steps as the reference does, with and without gradient, coupled and decoupled, and writes nowhere else', () => {
    for (const { count, hasGradient, ...decay } of CASES) {
      expectAgreement(other, (kernels, put, pass) => {
        const w = put(real(random(1, count), count)),
          m = put(real(random(2, count), count)),
          v = put(real(random(3, count), Math.max(1, count)).map(Math.abs)),
          g = put(real(random(4, count), count));
        step(kernels, count, w, m, v, hasGradient ? g : 0, pass(hyperOf(decay)));
      });
    }
  });

  it('takes a gradient of zeros for none', () => {
    for (const { count, ...decay } of CASES) {
      const run = (gradient: (put: Put) => number) =>
        other
          .on((kernels, put, pass) => {
            const w = put(real(random(1, count), count)),
              m = put(real(random(2, count), count)),
              v = put(real(random(3, count), Math.max(1, count)).map(Math.abs));
            step(kernels, count, w, m, v, gradient(put), pass(hyperOf(decay)));
          })
          .buffers.slice(0, 3);
      expect(run(() => 0)).toEqual(run((put) => put(new Float32Array(count))));
    }
  });
});

describe.each(KERNELS.all)('over item blocks, $name', ({ on }) => {
  it.each([1, 4, 6, 8, 33])('of %i elements each kernel equals one call per block with that block’s gradient', (size) => {
    const [items, first, count] = [6, 1, 4];
    const slotOf = Int32Array.of(0, 2, -1, 0, -1, 1);
    const w0 = real(random(5, size), items * size),
      g0 = real(random(6, size), 3 * size),
      state = real(random(7, size), items * size).map(Math.abs);
    type Steps = (kernels: Kernels, g: number, step: number, rows: number, w: number, s: number) => void;
    const run = (own: Parameters<typeof hyper>[0], steps: Steps) =>
      on((kernels, put, pass) => {
        const [w, s, g, slots] = [put(w0), put(state), put(g0), put(slotOf)];
        const rows = structOf(Rows, { size, trained: size, slotOf: slots, weights: w, moment: s, variance: s });
        steps(kernels, g, pass(hyper({ ...own, decay: 0.1, decoupled: 0 })), pass(rows), w, s);
      });
    const each = (g: number, step: (at: number, gradient: number, item: number) => void): void => {
      for (let i = first; i < first + count; i++) step(4 * i * size, slotOf[i]! < 0 ? 0 : g + 4 * slotOf[i]! * size, i);
    };
    const pairs: readonly (readonly [Parameters<typeof hyper>[0], Steps, Steps])[] = [
      [
        ADAGRAD,
        (kernels, g, step, rows) => kernels.adagradItems(rows, first, count, g, step),
        (kernels, g, step, _rows, w, v) => each(g, (at, own) => kernels.adagrad(size, w + at, v + at, own, step)),
      ],
      [
        { ...MOMENTUM, nesterov: 1 },
        (kernels, g, step, rows) => kernels.momentumItems(rows, first, count, g, step),
        (kernels, g, step, _rows, w, m) => each(g, (at, own) => kernels.momentum(size, w + at, m + at, own, step)),
      ],
    ];
    for (const [own, items, blocks] of pairs) {
      expectSameOutcome(run(own, items), run(own, blocks));
      expect(run(own, items).buffers[0]).not.toEqual(run(own, () => undefined).buffers[0]);
    }
  });

  it.each([1, 4, 6, 8, 33])('of %i elements Adam with a moment a row equals one call per block, each with its own moment', (size) => {
    const [items, first, count] = [6, 1, 4];
    const slotOf = Int32Array.of(0, 2, -1, 0, -1, 1);
    const w0 = real(random(5, size), items * size),
      g0 = real(random(6, size), 3 * size),
      state = real(random(7, size), items * size).map(Math.abs);
    const run = (steps: (kernels: Kernels, g: number, step: number, rows: number, w: number, m: number, v: number) => void) =>
      on((kernels, put, pass) => {
        const [w, m, v, g, slots] = [put(w0), put(state), put(state), put(g0), put(slotOf)];
        const rows = structOf(Rows, { size, trained: size, slotOf: slots, weights: w, moment: m, variance: v });
        steps(kernels, g, pass(hyper({ ...ADAM, decay: 0.1, decoupled: 0 })), pass(rows), w, m, v);
      });
    expectSameOutcome(
      run((kernels, g, step, rows) => kernels.adamRowItems(rows, first, count, g, step)),
      run((kernels, g, step, _rows, w, m, v) => {
        for (let i = first; i < first + count; i++) {
          const gradient = slotOf[i]! < 0 ? 0 : g + 4 * slotOf[i]! * size;
          kernels.adamRow(size, size, w + 4 * i * size, m + 4 * i * size, v + 4 * i, gradient, step);
        }
      }),
    );
  });

  it('blocks apply their pending steps, each with its own hyperparameters; blocks that have none or are taken apply none', () => {
    const [items, size, last] = [5, 6, 13];
    /** Up to date, two steps behind, taken by another caller, one behind. */
    const stepsApplied = Int32Array.of(0, last, last - 2, -1, last - 1);
    const owing = [
      [2, last - 1],
      [2, last],
      [4, last],
    ] as const;
    const rateOf = (step: number) => RATE / step;
    const [w0, state] = [real(random(9), items * size), real(random(10), items * size).map(Math.abs)];
    type Kind = {
      readonly own: (step: number) => Parameters<typeof hyper>[0];
      readonly pending: 'adamPending' | 'adamRowPending' | 'adagradPending' | 'momentumPending';
      readonly one: (kernels: Kernels, w: number, s: number, t: number, step: number, block: number) => void;
    };
    const adam = (step: number) => ({ ...ADAM, rate: rateOf(step), decay: 0.1, decoupled: 0 });
    const kinds: readonly Kind[] = [
      { own: adam, pending: 'adamPending', one: (kernels, w, m, v, step) => kernels.adam(size, w, m, v, 0, step) },
      {
        own: adam,
        pending: 'adamRowPending',
        one: (kernels, w, m, v, step, block) => kernels.adamRow(size, size, w, m, v + 4 * (block - block * size), 0, step),
      },
      {
        own: (step) => ({ ...ADAGRAD, rate: rateOf(step), decay: 0.1, decoupled: 1 }),
        pending: 'adagradPending',
        one: (kernels, w, _m, v, step) => kernels.adagrad(size, w, v, 0, step),
      },
      {
        own: (step) => ({ ...MOMENTUM, nesterov: 1, rate: rateOf(step), decay: 0.1, decoupled: 0 }),
        pending: 'momentumPending',
        one: (kernels, w, m, _v, step) => kernels.momentum(size, w, m, 0, step),
      },
    ];
    for (const { own, pending, one } of kinds) {
      const written = new Float64Array(Kept.steps * Kept.numbers).fill(Number.NaN);
      for (const step of [last - 1, last]) written.set(hyper(own(step)), (step % Kept.steps) * Kept.numbers);
      const found = on((kernels, put, pass) => {
        const [w, m, v, counts] = [put(w0), put(state), put(state), put(stepsApplied)];
        const tensor = { size, trained: size, weights: w, moment: m, variance: v, stepsApplied: counts, steps: pass(written) };
        const rows = pass(structOf(Rows, tensor));
        for (let repeat = 0; repeat < 2; repeat++) kernels[pending](rows, 1, 4, last);
      });
      const expected = on((kernels, put, pass) => {
        const [w, m, v] = [put(w0), put(state), put(state)];
        for (const [block, step] of owing) {
          const at = 4 * block * size;
          one(kernels, w + at, m + at, v + at, pass(hyper(own(step))), block);
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
