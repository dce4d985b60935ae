import { describe, expect, it, onTestFinished } from 'vitest';
import { random } from '../../../src/base/random.js';
import { createKernelPool } from '../../../src/tensor/kernels/kernel-pool.js';
import { referenceKernels } from '../../../src/tensor/kernels/reference.js';
import { createArena } from '../../../src/tensor/memory/arena.js';
import { createParameter, type Parameter } from '../../../src/tensor/memory/parameter.js';
import { optimizerStep } from '../../../src/tensor/optimizers/optimizer.js';
import { createOptimizerState, type OptimizerState } from '../../../src/tensor/optimizers/step.js';
import {
  type AdamOptions,
  accumulate,
  bitsOfAll,
  LARGE,
  layOut,
  OPTIONS,
  RATE,
  type Shape,
  SMALL,
  viewsOf,
} from '../../support/tensors/adam-bench.js';

/** Rows of every piece of the sparse tensors. */
const rowsOf = (parameters: readonly Parameter[]): { readonly parameter: Parameter; readonly block: number }[] =>
  parameters
    .filter(({ gradient }) => gradient.slotOf !== 0)
    .flatMap((parameter) => Array.from({ length: parameter.blocks }, (_, block) => ({ parameter, block })));

type Row = ReturnType<typeof rowsOf>[number];
const isTouched = ({ parameter: { gradient }, block }: Row): boolean => gradient.touched.includes(block);
/** Bits of a row's weights and moments. */
const bitsOf = ({ parameter, block }: Row): number[] =>
  viewsOf(parameter).flatMap((view) => [
    ...new Uint32Array(view.buffer, view.byteOffset + 4 * block * parameter.size, parameter.size).slice(),
  ]);

/** The row as a dense parameter, with its weights, moments and gradient of this round. */
const asDense = ({ parameter, block }: Row, arena = createArena()): Parameter => {
  const { size, gradient } = parameter;
  const row = createParameter('rows', { memory: 0, arena }, { blocks: 1, size, sparse: false }, 'element');
  const views = viewsOf(parameter).map((view) => view.slice(block * size, (block + 1) * size));
  viewsOf(row).forEach((view, i) => view.set(views[i]!));
  const slot = parameter.arena.i32(gradient.slotOf, parameter.blocks)[block]!;
  arena.f32(row.gradient.slots, size).set(parameter.arena.f32(gradient.slots + 4 * slot * size, size));
  return row;
};

describe('a tensor stepped row-lazily', () => {
  const LAZY: AdamOptions = { ...OPTIONS, lazy: (name) => name === 'rows' };
  const benchOf = async (shapes: readonly Shape[], threads = 1, implementation?: 'simd' | 'reference') => {
    const { parameters, memories } = layOut(shapes, 'element');
    const pool = await createKernelPool({
      reference: referenceKernels,
      threads,
      memories,
      ...(implementation === undefined ? {} : { implementation }),
    });
    onTestFinished(() => pool.close());
    return { parameters, pool };
  };
  const gather = (parameters: readonly Parameter[], step: number): void => {
    parameters.forEach((parameter, i) => {
      accumulate(parameter, random(2, step, i));
    });
  };

  for (const implementation of ['simd', 'reference'] as const) {
    for (const decoupled of [false, true]) {
      const name = `${implementation} kernels, ${decoupled ? 'decoupled' : 'coupled'} decay`;
      it(`keeps rows without a gradient bit for bit, and steps the others exactly as dense ones: ${name}`, async () => {
        const options = { ...LAZY, decoupled };
        const { parameters, pool } = await benchOf(SMALL, 1, implementation);
        const state = createOptimizerState();
        const seen = { touched: 0, untouched: 0 };
        for (let step = 1; step <= 5; step++) {
          gather(parameters, step);
          const rows = rowsOf(parameters).map((row) => ({ row, touched: isTouched(row), bits: bitsOf(row), dense: asDense(row) }));
          const stepsBefore = state.steps;
          optimizerStep(pool, parameters, options, state, RATE, 10);
          for (const { row, touched, bits, dense } of rows) {
            seen[touched ? 'touched' : 'untouched'] += 1;
            if (!touched) {
              expect(bitsOf(row)).toEqual(bits);
              continue;
            }
            const alone = await createKernelPool({
              reference: referenceKernels,
              threads: 1,
              memories: [dense.arena.memory],
              implementation,
            });
            optimizerStep(alone, [dense], options, { ...createOptimizerState(), steps: stepsBefore }, RATE, 10);
            await alone.close();
            expect(bitsOf(row)).toEqual(bitsOf({ parameter: dense, block: 0 }));
            expect(bitsOf(row)).not.toEqual(bits);
          }
        }
        expect(seen.touched).toBeGreaterThan(10);
        expect(seen.untouched).toBeGreaterThan(10);
      });
    }
  }

  it('is lazy alone: the other tensors take the same steps as without', async () => {
    const [lazy, eager] = [await benchOf(SMALL), await benchOf(SMALL)];
    const states = [createOptimizerState(), createOptimizerState()] as const;
    for (let step = 1; step <= 3; step++) {
      for (const { parameters } of [lazy, eager]) gather(parameters, step);
      const [a, b] = [
        optimizerStep(lazy.pool, lazy.parameters, LAZY, states[0], RATE, 10),
        optimizerStep(eager.pool, eager.parameters, OPTIONS, states[1], RATE, 10),
      ];
      if (step === 1) expect(a).toEqual(b);
    }
    const dense = ({ parameters }: typeof lazy) => bitsOfAll(parameters.filter(({ gradient }) => gradient.slotOf === 0));
    const sparse = ({ parameters }: typeof lazy) => bitsOfAll(parameters.filter(({ gradient }) => gradient.slotOf !== 0));
    expect(dense(lazy)).toEqual(dense(eager));
    expect(sparse(lazy)).not.toEqual(sparse(eager));
  });

  it('differs from an eager one only in rows without a gradient, in the first step', async () => {
    const [lazy, eager] = [await benchOf(SMALL), await benchOf(SMALL)];
    for (const { parameters } of [lazy, eager]) gather(parameters, 1);
    const touched = rowsOf(lazy.parameters).map(isTouched);
    optimizerStep(lazy.pool, lazy.parameters, LAZY, createOptimizerState(), RATE, 10);
    optimizerStep(eager.pool, eager.parameters, OPTIONS, createOptimizerState(), RATE, 10);
    const [one, other] = [lazy, eager].map(({ parameters }) => rowsOf(parameters).map((row) => String(bitsOf(row))));
    expect(one!.map((bits, i) => bits === other![i])).toEqual(touched);
    expect(new Set(touched).size).toBe(2);
  });

  it('leaves gradients zero and no slot claimed', async () => {
    const { parameters, pool } = await benchOf(SMALL);
    const state = createOptimizerState();
    for (let step = 1; step <= 3; step++) {
      gather(parameters, step);
      optimizerStep(pool, parameters, LAZY, state, RATE, 10);
      for (const { arena, gradient, blocks, size } of parameters) {
        expect(arena.f32(gradient.slots, gradient.capacity * size).every((value) => value === 0)).toBe(true);
        if (gradient.slotOf === 0) continue;
        expect([gradient.used, gradient.touched.length]).toEqual([0, 0]);
        expect(arena.i32(gradient.slotOf, blocks).every((slot) => slot === -1)).toBe(true);
      }
    }
  });

  it('continues to the same bits from its state as JSON', async () => {
    const [first, second] = [await benchOf(SMALL), await benchOf(SMALL)];
    const state = createOptimizerState();
    const step = ({ parameters, pool }: typeof first, of: OptimizerState, number: number) => {
      gather(parameters, number);
      optimizerStep(pool, parameters, LAZY, of, RATE, 10);
    };
    for (let number = 1; number <= 2; number++) step(first, state, number);
    const saved = JSON.parse(JSON.stringify(state)) as OptimizerState;
    expect(saved).toEqual({ steps: 2, variance: {}, squares: {} });
    first.parameters.forEach((parameter, i) => {
      const views = viewsOf(second.parameters[i]!);
      viewsOf(parameter).forEach((values, j) => views[j]!.set(values));
    });
    for (let number = 3; number <= 5; number++) {
      step(first, state, number);
      step(second, saved, number);
    }
    expect(bitsOfAll(second.parameters)).toEqual(bitsOfAll(first.parameters));
    expect(saved).toEqual(state);
  });

  it('steps to the same bits on any number of threads', async () => {
    const [one, three] = [await benchOf(LARGE, 1), await benchOf(LARGE, 3)];
    for (const { parameters, pool } of [one, three]) {
      const state = createOptimizerState();
      for (let step = 1; step <= 2; step++) {
        gather(parameters, step);
        optimizerStep(pool, parameters, LAZY, state, RATE, 10);
      }
    }
    bitsOfAll(three.parameters).forEach((values, i) => {
      const expected = bitsOfAll(one.parameters)[i]!;
      expect(values.every((value, at) => Object.is(value, expected[at]))).toBe(true);
    });
  });
});
