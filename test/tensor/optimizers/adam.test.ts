import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Random, random } from '../../../src/base/random.js';
import { createKernelPool } from '../../../src/tensor/kernels/kernel-pool.js';
import type { KernelPool } from '../../../src/tensor/kernels/kernels.js';
import { referenceKernels } from '../../../src/tensor/kernels/reference.js';
import { createArena } from '../../../src/tensor/memory/arena.js';
import {
  claimSlot,
  createParameter,
  elementsOf,
  type MomentKind,
  type Parameter,
  reserveSlots,
} from '../../../src/tensor/memory/parameter.js';
import type { AdamRule } from '../../../src/tensor/optimizers/adam.js';
import { optimizerStep, type StepResult } from '../../../src/tensor/optimizers/optimizer.js';
import { createOptimizerState, type OptimizerState, type Regularization } from '../../../src/tensor/optimizers/step.js';
import { real } from '../../support/tensors/kernel-workbench.js';

type AdamOptions = AdamRule & Regularization;

/** A trainable tensor, as pieces in memories of their own. */
type Shape = { readonly name: string; readonly size: number; readonly sparse: boolean; readonly blocks: readonly number[] };

const SMALL: readonly Shape[] = [
  { name: 'dense', size: 37, sparse: false, blocks: [1] },
  { name: 'scalar', size: 1, sparse: false, blocks: [1] },
  { name: 'rows', size: 5, sparse: true, blocks: [7, 4] },
];
/** Past the number of elements that one kernel call steps. */
const LARGE: readonly Shape[] = [
  { name: 'dense', size: (1 << 18) + 9, sparse: false, blocks: [1] },
  { name: 'rows', size: 100, sparse: true, blocks: [3000, 10] },
];
const DECAYS: Readonly<Record<string, number>> = { dense: 0, scalar: 0.3, rows: 0.1 };
const RATE = 0.01;

const layOut = (shapes: readonly Shape[], moment: MomentKind | 'rows only') => {
  const arenas = [createArena(), createArena()];
  const parameters = shapes.flatMap(({ name, size, sparse, blocks }) =>
    blocks.map((count, memory) => {
      const kind = moment === 'rows only' ? (name === 'rows' ? 'tensor' : 'element') : moment;
      const parameter = createParameter(name, { memory, arena: arenas[memory]! }, { blocks: count, size, sparse }, kind);
      parameter.arena.f32(parameter.weights, elementsOf(parameter)).set(real(random(1, name, memory), elementsOf(parameter)));
      return parameter;
    }),
  );
  return { parameters, memories: arenas.map(({ memory }) => memory) };
};

const viewsOf = (parameter: Parameter): Float32Array[] =>
  [parameter.weights, parameter.moment, parameter.variance]
    .filter((pointer) => pointer !== 0)
    .map((pointer) => parameter.arena.f32(pointer, elementsOf(parameter)));

/** Writes a round's accumulated gradient, in a third of a sparse tensor's blocks; returns it as a dense one. */
const accumulate = (parameter: Parameter, source: Random): Float32Array => {
  const { arena, blocks, size, gradient } = parameter;
  const dense = real(source, elementsOf(parameter));
  if (gradient.slotOf === 0) {
    arena.f32(gradient.slots, dense.length).set(dense);
    return dense;
  }
  const slotOf = arena.i32(gradient.slotOf, blocks);
  // Descending, so that a slot's number is not its block's.
  const touched = Array.from({ length: blocks }, (_, i) => blocks - 1 - i).filter(() => source.uniform() < 0.34);
  for (const block of touched) claimSlot(parameter, slotOf, block);
  reserveSlots(parameter);
  const kept = new Float32Array(dense.length);
  for (const block of touched) {
    const values = dense.subarray(block * size, (block + 1) * size);
    kept.set(values, block * size);
    arena.f32(gradient.slots + 4 * slotOf[block]! * size, size).set(values);
  }
  return kept;
};

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

const OPTIONS: AdamOptions = {
  kind: 'adam',
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  decoupled: false,
  clip: 0,
  decay: (name) => DECAYS[name]!,
  lazy: () => false,
  popularity: 0,
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

/** The row as a dense parameter, weights, moments and gradient of this round included. */
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
  const allBits = (parameters: readonly Parameter[]): Float32Array[] =>
    parameters.flatMap((parameter) => viewsOf(parameter).map((view) => view.slice()));

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

  it('is that tensor only: the others take the same steps as without', async () => {
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
    const dense = ({ parameters }: typeof lazy) => allBits(parameters.filter(({ gradient }) => gradient.slotOf === 0));
    const sparse = ({ parameters }: typeof lazy) => allBits(parameters.filter(({ gradient }) => gradient.slotOf !== 0));
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
    expect(allBits(second.parameters)).toEqual(allBits(first.parameters));
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
    allBits(three.parameters).forEach((values, i) => {
      const expected = allBits(one.parameters)[i]!;
      expect(values.every((value, at) => Object.is(value, expected[at]))).toBe(true);
    });
  });
});
