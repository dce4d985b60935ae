import { describe, expect, it, onTestFinished } from 'vitest';
import { random } from '../../../src/base/random.js';
import { createKernelPool } from '../../../src/tensor/kernels/kernel-pool.js';
import type { KernelPool, KernelTask } from '../../../src/tensor/kernels/kernels.js';
import { referenceKernels } from '../../../src/tensor/kernels/reference.js';
import { createArena } from '../../../src/tensor/memory/arena.js';
import {
  claimSlot,
  createParameter,
  elementsOf,
  type MomentKind,
  type Parameter,
  reserveSlots,
  stateOf,
} from '../../../src/tensor/memory/parameter.js';
import { createDeferral, type Deferral } from '../../../src/tensor/optimizers/deferral.js';
import { type OptimizerOptions, optimizerStep, type Rule } from '../../../src/tensor/optimizers/optimizer.js';
import { createOptimizerState } from '../../../src/tensor/optimizers/step.js';
import * as Kept from '../../../src/tensor/structs/kept-steps.js';
import { expectSameNumbers, real } from '../../support/tensors/kernel-workbench.js';

const ROWS = 40;
const SIZE = 6;
const ADAM: Rule = { kind: 'adam', beta1: 0.9, beta2: 0.99, epsilon: 1e-8 };
const RULES: readonly (readonly [MomentKind, Rule])[] = [
  ['element', ADAM],
  ['row', ADAM],
  ['squares', { kind: 'adagrad', epsilon: 1e-8 }],
  ['velocity', { kind: 'sgd', momentum: 0.9, nesterov: true }],
];
const optionsOf = (rule: Rule): OptimizerOptions =>
  ({ ...rule, decoupled: false, clip: 1, decay: () => 0.1, popularity: 0, lazy: () => false }) as OptimizerOptions;

type Bench = { readonly pool: KernelPool; readonly parameters: readonly Parameter[]; step(round: number, deferral?: Deferral): void };

const bench = async (
  kind: MomentKind,
  rule: Rule,
  threads: number,
  implementation: KernelPool['implementation'] = 'simd',
): Promise<Bench> => {
  const arenas = [createArena(1 << 22), createArena(1 << 22)];
  const parameters = arenas.map((arena, memory) =>
    createParameter('rows', { memory, arena }, { blocks: ROWS, size: SIZE, sparse: true, deferring: true }, kind),
  );
  parameters.forEach((parameter, index) => {
    weightsOf(parameter).set(real(random(1, index), ROWS * SIZE));
  });
  const pool = await createKernelPool({
    reference: referenceKernels,
    threads,
    implementation,
    memories: arenas.map(({ memory }) => memory),
  });
  onTestFinished(() => pool.close());
  const state = createOptimizerState();
  return {
    pool,
    parameters,
    step: (round, deferral) => {
      for (const parameter of parameters) touch(parameter, round);
      optimizerStep(pool, parameters, optionsOf(rule), state, 0.05 / (1 + round), 8, deferral);
    },
  };
};

const weightsOf = ({ arena, weights }: Parameter): Float32Array => arena.f32(weights, ROWS * SIZE);
const rowOf = (parameter: Parameter, row: number): number[] => Array.from(weightsOf(parameter).subarray(row * SIZE, (row + 1) * SIZE));
const isTouched = (row: number, round: number): boolean => row % 8 === round % 8;

/** A gradient in every eighth row. */
const touch = (parameter: Parameter, round: number): void => {
  const { arena, gradient } = parameter;
  const slotOf = arena.i32(gradient.slotOf, ROWS);
  for (let row = 0; row < ROWS; row++) if (isTouched(row, round)) claimSlot(parameter, slotOf, row);
  reserveSlots(parameter);
  arena.f32(gradient.slots, gradient.used * SIZE).set(real(random(2, round, parameter.memory), gradient.used * SIZE));
};

const everything = (parameters: readonly Parameter[]): Float32Array[] =>
  parameters.flatMap((parameter) => {
    const { arena, weights } = parameter;
    return [{ pointer: weights, count: elementsOf(parameter) }, ...stateOf(parameter)].map(({ pointer, count }) =>
      arena.f32(pointer, count),
    );
  });

const expectSameState = (found: Bench, expected: Bench): void => {
  const wanted = everything(expected.parameters);
  everything(found.parameters).forEach((values, index) => {
    expectSameNumbers(values, wanted[index]!, `array ${index}`);
  });
};

/** A round of both. The rows that will have a gradient are caught up before, as for a model. */
const trainOnce = (eager: Bench, later: Bench, deferral: Deferral, round: number): void => {
  const touched = Array.from({ length: ROWS }, (_, row) => row).filter((row) => isTouched(row, round));
  for (const parameter of later.parameters) deferral.catchUp(parameter, touched);
  eager.step(round);
  later.step(round, deferral);
};

/** A second thread that does nothing until the caller waits for it. Until then, deferred calls stay deferred. */
const withIdleThread = (pool: KernelPool): KernelPool => {
  let waiting: readonly KernelTask[] = [];
  const settle = (): Float64Array => {
    const values = pool.run(waiting);
    waiting = [];
    return values;
  };
  return {
    ...pool,
    threads: 2,
    defer: (tasks) => {
      waiting = tasks;
      return settle;
    },
    isSettled: () => waiting.length === 0,
    settle,
  };
};

describe.each(RULES)('rows that are stepped later, with state per %s', (kind, rule) => {
  it.each([
    [1, 'simd'],
    [2, 'simd'],
    [4, 'simd'],
    [2, 'reference'],
  ] as const)('come to the same bits on %i threads (%s), in any order of threads', async (threads, implementation) => {
    const [eager, later] = [await bench(kind, rule, 1, implementation), await bench(kind, rule, threads, implementation)];
    const deferral = createDeferral(later.pool);
    for (let round = 0; round < 60; round++) {
      trainOnce(eager, later, deferral, round);
      const source = random(3, round);
      for (const parameter of round % 7 === 0 ? later.parameters : []) {
        const wanted = Array.from({ length: 5 }, () => source.integer(ROWS));
        deferral.catchUp(parameter, wanted);
        const same = eager.parameters[parameter.memory]!;
        for (const row of wanted) expect(rowOf(parameter, row)).toEqual(rowOf(same, row));
      }
    }
    deferral.settle();
    expectSameState(later, eager);
  });
});

it('steps rows with a gradient and rows that are asked for at once, the others when settled, and each once', async () => {
  const [eager, later] = [await bench('element', ADAM, 1), await bench('element', ADAM, 1)];
  const deferral = createDeferral(withIdleThread(later.pool));
  const [mine, theirs] = [later.parameters[0]!, eager.parameters[0]!];
  const start = weightsOf(mine).slice();
  eager.step(0);
  later.step(0, deferral);
  deferral.catchUp(mine, [3, 8, 3]);
  for (let row = 0; row < ROWS; row++) {
    const isDone = isTouched(row, 0) || row === 3;
    expect(rowOf(mine, row)).toEqual(isDone ? rowOf(theirs, row) : Array.from(start.subarray(row * SIZE, (row + 1) * SIZE)));
  }
  deferral.settle();
  deferral.settle();
  expectSameState(later, eager);
});

const train = (eager: Bench, later: Bench, deferral: Deferral, rounds: number): void => {
  for (let round = 0; round < rounds; round++) trainOnce(eager, later, deferral, round);
};
const appliedOf = ({ arena, stepsApplied }: Parameter): number[] => Array.from(arena.i32(stepsApplied, ROWS));

it.each(RULES)('no step waits for a long pass: the steps meanwhile stay pending (state per %s)', async (kind, rule) => {
  const [eager, later] = [await bench(kind, rule, 1), await bench(kind, rule, 1)];
  const deferral = createDeferral(withIdleThread(later.pool));
  train(eager, later, deferral, 5);
  const stepsApplied = appliedOf(later.parameters[0]!);
  for (let row = 0; row < ROWS; row++) expect(stepsApplied[row]).toBe(row % 8 <= 4 ? (row % 8) + 1 : 0);
  deferral.settle();
  expect(appliedOf(later.parameters[0]!)).toEqual(stepsApplied.map(() => 5));
  expectSameState(later, eager);
});

it('no row has more pending steps than are kept', async () => {
  const [eager, later] = [await bench('element', ADAM, 1), await bench('element', ADAM, 1)];
  const deferral = createDeferral(withIdleThread(later.pool));
  train(eager, later, deferral, 30);
  for (const stepsApplied of appliedOf(later.parameters[1]!)) expect(30 - stepsApplied).toBeLessThanOrEqual(Kept.steps);
  expect(Math.min(...appliedOf(later.parameters[1]!))).toBeLessThan(29);
  deferral.settle();
  expectSameState(later, eager);
});

/** A round of both in which every other row has a gradient. These are too many for the others to wait. */
const trainMany = (eager: Bench, later: Bench, deferral: Deferral, round: number): void => {
  for (const parameter of later.parameters) deferral.catchUp(parameter, []);
  for (const parameter of [...eager.parameters, ...later.parameters]) {
    const slotOf = parameter.arena.i32(parameter.gradient.slotOf, ROWS);
    for (let row = 0; row < ROWS; row += 2) claimSlot(parameter, slotOf, row);
  }
  eager.step(round);
  later.step(round, deferral);
};

describe.each<readonly [MomentKind, Rule]>([...RULES, ['tensor', ADAM]])('a step of all rows, with state per %s', (kind, rule) => {
  it('applies all pending steps before, and is itself deferred until rows are asked for', async () => {
    const [eager, later] = [await bench(kind, rule, 1), await bench(kind, rule, 1)];
    const deferral = createDeferral(withIdleThread(later.pool));
    if (kind !== 'tensor') train(eager, later, deferral, 3);
    const before = everything(eager.parameters).map((values) => values.slice());
    trainMany(eager, later, deferral, 3);
    everything(later.parameters).forEach((values, index) => {
      expectSameNumbers(values, before[index]!, `array ${index}`);
    });
    deferral.catchUp(later.parameters[0]!, []);
    expectSameState(later, eager);
    for (const { gradient } of later.parameters) expect(gradient).toMatchObject({ used: 0, touched: [] });
    for (let round = 4; round < 9; round++) trainMany(eager, later, deferral, round);
    deferral.settle();
    expectSameState(later, eager);
  });

  it.each([1, 2, 4])('comes to the same bits on %i threads', async (threads) => {
    const [eager, later] = [await bench(kind, rule, 1), await bench(kind, rule, threads)];
    const deferral = createDeferral(later.pool);
    for (let round = 0; round < 40; round++) trainMany(eager, later, deferral, round);
    deferral.settle();
    expectSameState(later, eager);
  });
});

it('settles all rows when many are asked for', async () => {
  const [eager, later] = [await bench('element', ADAM, 1), await bench('element', ADAM, 1)];
  const deferral = createDeferral(withIdleThread(later.pool));
  train(eager, later, deferral, 3);
  deferral.catchUp(
    later.parameters[0]!,
    Array.from({ length: ROWS / 2 }, (_, row) => row),
  );
  expectSameState(later, eager);
});

it('no row waits if most rows have a gradient, or if the next step needs the sum of this one’s squares', async () => {
  const { pool, parameters } = await bench('element', ADAM, 1);
  const deferral = createDeferral(withIdleThread(pool));
  const [rows] = parameters;
  touch(rows!, 0);
  expect(deferral.defers(rows!)).toBe(true);
  const slotOf = rows!.arena.i32(rows!.gradient.slotOf, ROWS);
  for (let row = 0; row < ROWS / 2; row++) claimSlot(rows!, slotOf, row);
  expect(deferral.defers(rows!)).toBe(false);
  const shape = { blocks: ROWS, size: SIZE, sparse: true, deferring: true };
  const place = { memory: 0, arena: createArena(1 << 22) };
  expect(createDeferral(withIdleThread(pool)).defers(createParameter('rows', place, shape, 'tensor'))).toBe(false);
  expect(createDeferral(withIdleThread(pool)).defers(createParameter('rows', place, { ...shape, counted: true }, 'element'))).toBe(false);
  expect(createDeferral(pool).defers(createParameter('rows', place, shape, 'element'))).toBe(false);
});
