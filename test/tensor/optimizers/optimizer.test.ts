import { describe, expect, it, onTestFinished } from 'vitest';
import { random } from '../../../src/base/random.js';
import { createKernelPool } from '../../../src/tensor/kernels/kernel-pool.js';
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
import { type OptimizerOptions, optimizerStep, type Rule } from '../../../src/tensor/optimizers/optimizer.js';
import { createOptimizerState } from '../../../src/tensor/optimizers/step.js';
import type { Tensorflow } from '../../../src/tensor/tfjs.js';
import { real } from '../../support/tensors/kernel-workbench.js';
import { BACKENDS, backendOrSkip } from '../../support/tensors/tensorflow-backend.js';

/** Item blocks in two memories and a dense tensor, as a model has them. */
const bench = async (kind: MomentKind, { counted = false, size = 6 } = {}) => {
  const arenas = [createArena(1 << 24), createArena(1 << 24)];
  const parameters = [
    createParameter('dense', { memory: 0, arena: arenas[0]! }, { blocks: 1, size: 37, sparse: false }, kind === 'row' ? 'element' : kind),
    ...[7, 4].map((blocks, memory) =>
      createParameter('rows', { memory, arena: arenas[memory]! }, { blocks, size, sparse: true, counted }, kind),
    ),
  ];
  parameters.forEach((parameter, index) => {
    weightsOf(parameter).set(real(random(1, index), elementsOf(parameter)));
  });
  const pool = await createKernelPool({ reference: referenceKernels, threads: 1, memories: arenas.map(({ memory }) => memory) });
  onTestFinished(() => pool.close());
  return { parameters, pool, state: createOptimizerState() };
};
type Bench = Awaited<ReturnType<typeof bench>>;

const weightsOf = ({ arena, weights, blocks, size }: Parameter): Float32Array => arena.f32(weights, blocks * size);

/** Writes a round's gradient, in every other block of a sparse tensor. Returns it as a dense one. */
const accumulate = (parameter: Parameter, step: number, index: number): Float32Array => {
  const { arena, blocks, size, gradient } = parameter;
  const dense = real(random(2, step, index), blocks * size);
  if (gradient.slotOf === 0) {
    arena.f32(gradient.slots, dense.length).set(dense);
    return dense;
  }
  const slotOf = arena.i32(gradient.slotOf, blocks);
  const touched = Array.from({ length: blocks }, (_, block) => block).filter((block) => (block + step) % 2 === 0);
  for (const block of touched) claimSlot(parameter, slotOf, block);
  reserveSlots(parameter);
  const kept = new Float32Array(dense.length);
  for (const block of touched) {
    kept.set(dense.subarray(block * size, (block + 1) * size), block * size);
    arena.f32(gradient.slots + 4 * slotOf[block]! * size, size).set(dense.subarray(block * size, (block + 1) * size));
  }
  return kept;
};

const RATE = 0.05;
const COUNT = 8;
const optionsOf = (rule: Rule, changes: Partial<OptimizerOptions> = {}): OptimizerOptions =>
  ({ ...rule, decoupled: false, clip: 0, decay: () => 0, popularity: 0, lazy: () => false, ...changes }) as OptimizerOptions;

const stepOnce = ({ parameters, pool, state }: Bench, options: OptimizerOptions, step: number): Float32Array[] => {
  const gradients = parameters.map((parameter, index) => accumulate(parameter, step, index));
  optimizerStep(pool, parameters, options, state, RATE, COUNT);
  return gradients;
};

const expectNear = (found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void => {
  expect(found.length).toBe(expected.length);
  for (let i = 0; i < found.length; i++) {
    if (!(Math.abs(found[i]! - expected[i]!) <= tolerance)) expect.fail(`${i}: ${found[i]} for ${expected[i]}`);
  }
};

const RULES: readonly (readonly [
  string,
  Rule,
  MomentKind,
  (tf: Tensorflow) => Pick<ReturnType<Tensorflow['train']['sgd']>, 'applyGradients'>,
])[] = [
  // tfjs starts its sums at a value, and adds ε = 1e-7 inside the root.
  ['adagrad', { kind: 'adagrad', epsilon: 0 }, 'squares', (tf) => tf.train.adagrad(RATE, 0.1)],
  ['momentum', { kind: 'sgd', momentum: 0.9, nesterov: false }, 'velocity', (tf) => tf.train.momentum(RATE, 0.9)],
  ['nesterov', { kind: 'sgd', momentum: 0.9, nesterov: true }, 'velocity', (tf) => tf.train.momentum(RATE, 0.9, true)],
  ['sgd', { kind: 'sgd', momentum: 0, nesterov: false }, 'velocity', (tf) => tf.train.sgd(RATE)],
];

describe.each(BACKENDS)('trajectories and tfjs on %s', (backend) => {
  it.for(RULES)('agree over ten steps: %s', async ([name, rule, kind, optimizerOf], ctx) => {
    const tf = await backendOrSkip(ctx, backend);
    const own = await bench(kind);
    if (name === 'adagrad')
      for (const parameter of own.parameters)
        for (const { pointer, count } of stateOf(parameter)) parameter.arena.f32(pointer, count).fill(0.1);
    const variables = own.parameters.map((parameter) => tf.variable(tf.tensor1d(weightsOf(parameter).slice())));
    const optimizer = optimizerOf(tf);
    for (let step = 1; step <= 10; step++) {
      const gradients = stepOnce(own, optionsOf(rule), step);
      const named = variables.map((variable, i) => ({ name: variable.name, tensor: tf.div(tf.tensor1d(gradients[i]!), COUNT) }));
      optimizer.applyGradients(named);
    }
    own.parameters.forEach((parameter, i) => {
      expectNear(weightsOf(parameter), variables[i]!.dataSync(), 2e-6);
    });
  });
});

describe('a second moment for each row', () => {
  it('is the running mean of the row’s squared gradient, L2 included: the steps of a textbook Adam that shares it', async () => {
    const lambda = 0.05;
    const own = await bench('row');
    const rule: Rule = { kind: 'adam', beta1: 0.9, beta2: 0.99, epsilon: 1e-8 };
    const rows = own.parameters.slice(1);
    const w = rows.map((parameter) => Array.from(weightsOf(parameter)));
    const m = w.map((values) => values.map(() => 0));
    const v = rows.map(({ blocks }) => Array.from({ length: blocks }, () => 0));
    for (let t = 1; t <= 6; t++) {
      const gradients = stepOnce(own, optionsOf(rule, { decay: () => lambda }), t).slice(1);
      rows.forEach(({ blocks, size }, p) => {
        for (let block = 0; block < blocks; block++) {
          const at = Array.from({ length: size }, (_, j) => block * size + j);
          const g = at.map((i) => gradients[p]![i]! / COUNT + lambda * w[p]![i]!);
          v[p]![block] = 0.99 * v[p]![block]! + (0.01 * g.reduce((sum, value) => sum + value * value, 0)) / size;
          at.forEach((i, j) => {
            m[p]![i] = 0.9 * m[p]![i]! + 0.1 * g[j]!;
            w[p]![i]! -= (RATE * m[p]![i]!) / (1 - 0.9 ** t) / (Math.sqrt(v[p]![block]! / (1 - 0.99 ** t)) + 1e-8);
          });
        }
      });
    }
    rows.forEach((parameter, p) => {
      expectNear(weightsOf(parameter), w[p]!, 3e-6);
    });
  });

  it('keeps one number a row, and dense tensors theirs for each element', async () => {
    const { parameters } = await bench('row');
    expect(parameters.map((parameter) => stateOf(parameter).map(({ count }) => count))).toEqual([
      [37, 37],
      [42, 7],
      [24, 4],
    ]);
  });
});

describe('L2 by popularity', () => {
  const rule: Rule = { kind: 'sgd', momentum: 0, nesterov: false };
  it('shrinks rows less that more rounds have touched, by the exponent, and counts on', async () => {
    const lambda = 0.5;
    for (const popularity of [0.5, 1]) {
      const own = await bench('velocity', { counted: true });
      const touches = own.parameters.slice(1).map(({ blocks }) => Array.from({ length: blocks }, () => 0));
      for (let step = 1; step <= 3; step++) {
        const before = own.parameters.map((parameter) => weightsOf(parameter).slice());
        const gradients = stepOnce(own, optionsOf(rule, { decoupled: true, decay: () => lambda, popularity }), step);
        for (const counts of touches) for (let block = step % 2; block < counts.length; block += 2) counts[block]! += 1;
        const mean = touches.flat().reduce((sum, count) => sum + count, 0) / touches.flat().length;
        touches.forEach((counts, p) => {
          const { size } = own.parameters[p + 1]!;
          const expected = before[p + 1]!.map((weight, i) => {
            const own = ((mean + 1) / (counts[Math.floor(i / size)]! + 1)) ** popularity;
            return weight * (1 - RATE * lambda * own) - (RATE * gradients[p + 1]![i]!) / COUNT;
          });
          expectNear(weightsOf(own.parameters[p + 1]!), expected, 1e-6);
        });
      }
      expect(own.parameters.slice(1).map(({ arena, counts, blocks }) => Array.from(arena.f32(counts, blocks)))).toEqual(touches);
    }
  });

  it('leaves tensors that count nothing to the common decay', async () => {
    const [some, all] = [await bench('velocity', { counted: true }), await bench('velocity')];
    stepOnce(some, optionsOf(rule, { decoupled: true, decay: () => 0.5, popularity: 1 }), 1);
    stepOnce(all, optionsOf(rule, { decoupled: true, decay: () => 0.5 }), 1);
    expect(weightsOf(some.parameters[0]!)).toEqual(weightsOf(all.parameters[0]!));
    expect(weightsOf(some.parameters[1]!)).not.toEqual(weightsOf(all.parameters[1]!));
  });
});

describe('lazy rows', () => {
  it.each([
    ['row', { kind: 'adam', beta1: 0.9, beta2: 0.99, epsilon: 1e-8 }],
    ['squares', { kind: 'adagrad', epsilon: 1e-8 }],
    ['velocity', { kind: 'sgd', momentum: 0.9, nesterov: false }],
  ] as const)('stay as they are without a gradient, and step as others do with one: %s', async (kind, rule) => {
    const [lazy, eager] = [await bench(kind), await bench(kind)];
    const options = optionsOf(rule, { decay: () => 0.1 });
    const start = weightsOf(lazy.parameters[1]!).slice();
    stepOnce(lazy, { ...options, lazy: () => true }, 1);
    stepOnce(eager, options, 1);
    const { size, blocks } = lazy.parameters[1]!;
    for (let block = 0; block < blocks; block++) {
      const of = (values: Float32Array) => Array.from(values.subarray(block * size, (block + 1) * size));
      const expected = (block + 1) % 2 === 0 ? weightsOf(eager.parameters[1]!) : start;
      expect(of(weightsOf(lazy.parameters[1]!))).toEqual(of(expected));
    }
    expect(weightsOf(eager.parameters[1]!)).not.toEqual(start);
  });
});
