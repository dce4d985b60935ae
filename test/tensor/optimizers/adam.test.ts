import { afterAll, describe, expect, it } from 'vitest';
import { createKernelPool } from '../../../src/tensor/kernels/kernel-pool.js';
import type { KernelPool } from '../../../src/tensor/kernels/kernels.js';
import { referenceKernels } from '../../../src/tensor/kernels/reference.js';
import type { Parameter } from '../../../src/tensor/memory/parameter.js';
import { optimizerStep } from '../../../src/tensor/optimizers/optimizer.js';
import { createOptimizerState, type OptimizerState } from '../../../src/tensor/optimizers/step.js';
import {
  type AdamOptions,
  LARGE,
  layOut,
  OPTIONS,
  RATE,
  runStep,
  type Shape,
  SMALL,
  textbook,
  viewsOf,
  weightsOf,
} from '../../support/tensors/textbook-adam.js';

const STEPS = 4;
/** Of the learning rate: float32 moments are off by some 1e-7 of themselves a step, weights by 6e-8 of a number below 1. */
const TOLERANCE = 5e-5;

const MOMENTS = ['element', 'tensor', 'rows only'] as const;
const CASES = [
  { name: 'coupled decay', options: OPTIONS },
  { name: 'decoupled decay', options: { ...OPTIONS, decoupled: true } },
  { name: 'clipping', options: { ...OPTIONS, clip: 0.1 } },
  { name: 'an epsilon that counts', options: { ...OPTIONS, beta1: 0.5, beta2: 0.9, epsilon: 0.1 } },
].flatMap(({ name, options }) =>
  MOMENTS.map((moment) => ({ name: `${name}, second moment by ${moment}`, shapes: SMALL, options, moment })),
);

type Case = {
  readonly shapes: readonly Shape[];
  readonly options: AdamOptions;
  readonly moment: (typeof MOMENTS)[number];
  readonly implementation?: 'simd' | 'reference';
};

const expectTextbookSteps = async ({ shapes, options, moment, implementation }: Case, steps: number): Promise<void> => {
  const { parameters, memories } = layOut(shapes, moment);
  const pool = await createKernelPool({
    reference: referenceKernels,
    threads: 1,
    memories,
    ...(implementation === undefined ? {} : { implementation }),
  });
  const kinds = new Map(parameters.map(({ name, variance }) => [name, variance === 0 ? ('tensor' as const) : ('element' as const)]));
  const expected = textbook(weightsOf(parameters), options, (name) => kinds.get(name)!);
  const state = createOptimizerState();
  for (let step = 1; step <= steps; step++) {
    const { gradients, count, result } = runStep(pool, parameters, options, state, step);
    const reference = expected.step(gradients, count);
    expect(result.clipped).toBe(reference.clipped);
    expect(result.clipped).toBe(options.clip > 0);
    expect(Math.abs(result.gradientNorm / reference.gradientNorm - 1)).toBeLessThan(1e-6);
    let worst = 0;
    for (const [name, values] of weightsOf(parameters)) {
      const w = expected.weights.get(name)!;
      // Bare arithmetic: half a million matchers would take longer than the steps. Negated, so that NaN is kept.
      values.forEach((value, i) => {
        const error = Math.abs(value - w[i]!);
        if (!(error <= worst)) worst = error;
      });
    }
    expect(worst / RATE).toBeLessThan(TOLERANCE);
  }
  expect(state.steps).toBe(steps);
  await pool.close();
};

for (const implementation of ['simd', 'reference'] as const) {
  describe(`Adam over parameters, ${implementation} kernels`, () => {
    for (const { name, ...rest } of CASES) {
      it(`takes the textbook steps: ${name}`, () => expectTextbookSteps({ ...rest, implementation }, STEPS));
    }
  });
}

describe('Adam over parameters', () => {
  const pools: KernelPool[] = [];
  afterAll(() => Promise.all(pools.map((pool) => pool.close())));
  const bench = async (shapes: readonly Shape[], threads = 1) => {
    const { parameters, memories } = layOut(shapes, 'rows only');
    const pool = await createKernelPool({ reference: referenceKernels, threads, memories });
    pools.push(pool);
    return { parameters, pool };
  };
  const bits = (parameters: readonly Parameter[]): Float32Array[] =>
    parameters.flatMap((parameter) => viewsOf(parameter).map((view) => view.slice()));

  it.each(['element', 'tensor'] as const)('takes the textbook steps where a tensor takes several calls, second moment by %s', (moment) =>
    expectTextbookSteps({ shapes: LARGE, options: { ...OPTIONS, clip: 0.1 }, moment }, 2),
  );

  it('leaves gradients zero and no slot claimed, with room for the next round', async () => {
    const { parameters, pool } = await bench(SMALL);
    const state = createOptimizerState();
    for (let step = 1; step <= 3; step++) {
      runStep(pool, parameters, OPTIONS, state, step);
      for (const { arena, gradient, blocks, size } of parameters) {
        expect(Array.from(arena.f32(gradient.slots, gradient.capacity * size)).every((value) => value === 0)).toBe(true);
        if (gradient.slotOf === 0) continue;
        expect(gradient.used).toBe(0);
        expect(Array.from(arena.i32(gradient.slotOf, blocks)).every((slot) => slot === -1)).toBe(true);
      }
    }
  });

  it('moves nothing without a gradient, a moment or decay', async () => {
    const { parameters, pool } = await bench(SMALL);
    const before = weightsOf(parameters);
    const result = optimizerStep(pool, parameters, { ...OPTIONS, clip: 1, decay: () => 0 }, createOptimizerState(), RATE, 1);
    expect(result).toEqual({ gradientNorm: 0, clipped: false });
    expect(weightsOf(parameters)).toEqual(before);
  });

  it('continues to the same bits from its state as JSON', async () => {
    const [first, second] = [await bench(SMALL), await bench(SMALL)];
    const state = createOptimizerState();
    for (let step = 1; step <= 2; step++) runStep(first.pool, first.parameters, OPTIONS, state, step);
    const saved = JSON.parse(JSON.stringify(state)) as OptimizerState;
    expect(saved).toEqual({ steps: 2, variance: { rows: expect.any(Number) }, squares: { rows: expect.any(Number) } });
    first.parameters.forEach((parameter, i) => {
      const views = viewsOf(second.parameters[i]!);
      viewsOf(parameter).forEach((values, j) => views[j]!.set(values));
    });
    for (let step = 3; step <= 4; step++) {
      runStep(first.pool, first.parameters, OPTIONS, state, step);
      runStep(second.pool, second.parameters, OPTIONS, saved, step);
    }
    expect(bits(second.parameters)).toEqual(bits(first.parameters));
    expect(saved).toEqual(state);
  });

  it('steps to the same bits on any number of threads', async () => {
    const [one, three] = [await bench(LARGE, 1), await bench(LARGE, 3)];
    const states = [createOptimizerState(), createOptimizerState()] as const;
    for (let step = 1; step <= 2; step++) {
      const a = runStep(one.pool, one.parameters, OPTIONS, states[0], step);
      const b = runStep(three.pool, three.parameters, OPTIONS, states[1], step);
      expect(b.result).toEqual(a.result);
    }
    expect(states[1]).toEqual(states[0]);
    bits(three.parameters).forEach((values, i) => {
      const expected = bits(one.parameters)[i]!;
      expect(values.every((value, at) => Object.is(value, expected[at]))).toBe(true);
    });
  });
});
