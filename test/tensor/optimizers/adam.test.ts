import { afterAll, describe, expect, it } from 'vitest';
import { random } from '../../../src/base/random.js';
import { createKernelPool } from '../../../src/tensor/kernels/kernel-pool.js';
import type { KernelPool } from '../../../src/tensor/kernels/kernels.js';
import { referenceKernels } from '../../../src/tensor/kernels/reference.js';
import type { MomentKind, Parameter } from '../../../src/tensor/memory/parameter.js';
import { optimizerStep, type StepResult } from '../../../src/tensor/optimizers/optimizer.js';
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

type Textbook = {
  readonly step: (gradients: ReadonlyMap<string, readonly number[]>, count: number) => StepResult;
  readonly weights: ReadonlyMap<string, number[]>;
};

const joined = (parameters: readonly Parameter[], read: (parameter: Parameter) => Float32Array): Map<string, number[]> => {
  const tensors = new Map<string, number[]>();
  for (const parameter of parameters) tensors.set(parameter.name, (tensors.get(parameter.name) ?? []).concat(Array.from(read(parameter))));
  return tensors;
};

const weightsOf = (parameters: readonly Parameter[]): Map<string, number[]> => joined(parameters, (parameter) => viewsOf(parameter)[0]!);

/** Adam as Kingma & Ba (2015, algorithm 1) print it, AdamW as Loshchilov & Hutter (2019, algorithm 2) do, in float64. */
const textbook = (start: ReadonlyMap<string, readonly number[]>, options: AdamOptions, kindOf: (name: string) => MomentKind): Textbook => {
  const { beta1, beta2, epsilon, decoupled, clip } = options;
  const weights = new Map(Array.from(start, ([name, values]) => [name, [...values]]));
  const first = new Map(Array.from(start, ([name, values]) => [name, values.map(() => 0)]));
  const second = new Map(Array.from(start, ([name, values]) => [name, values.map(() => 0)]));
  let t = 0;
  return {
    weights,
    step: (gradients, count) => {
      t += 1;
      let squares = 0;
      for (const values of gradients.values()) for (const value of values) squares += (value / count) ** 2;
      const gradientNorm = Math.sqrt(squares);
      const clipped = clip > 0 && gradientNorm > clip;
      const scale = clipped ? clip / gradientNorm : 1;
      for (const [name, w] of weights) {
        const lambda = options.decay(name);
        const [m, v] = [first.get(name)!, second.get(name)!];
        const g = gradients.get(name)!.map((value, i) => (scale * value) / count + (decoupled ? 0 : lambda * w[i]!));
        const mean = g.reduce((sum, value) => sum + value * value, 0) / g.length;
        for (let i = 0; i < w.length; i++) {
          m[i] = beta1 * m[i]! + (1 - beta1) * g[i]!;
          v[i] = beta2 * v[i]! + (1 - beta2) * (kindOf(name) === 'tensor' ? mean : g[i]! ** 2);
          const step = m[i]! / (1 - beta1 ** t) / (Math.sqrt(v[i]! / (1 - beta2 ** t)) + epsilon);
          w[i] = w[i]! - RATE * (step + (decoupled ? lambda * w[i]! : 0));
        }
      }
      return { gradientNorm, clipped };
    },
  };
};

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

const runStep = (pool: KernelPool, parameters: readonly Parameter[], options: AdamOptions, state: OptimizerState, step: number) => {
  const pieces = new Map(parameters.map((parameter, i) => [parameter, accumulate(parameter, random(2, step, i))]));
  const count = 10 + step;
  const gradients = joined(parameters, (parameter) => pieces.get(parameter)!);
  return { gradients, count, result: optimizerStep(pool, parameters, options, state, RATE, count) };
};

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
    expect(bitsOfAll(second.parameters)).toEqual(bitsOfAll(first.parameters));
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
    bitsOfAll(three.parameters).forEach((values, i) => {
      const expected = bitsOfAll(one.parameters)[i]!;
      expect(values.every((value, at) => Object.is(value, expected[at]))).toBe(true);
    });
  });
});
