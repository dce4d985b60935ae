import type { KernelPool, KernelTask } from '../kernels/kernels.js';
import { clearGradients, type Parameter } from '../memory/parameter.js';
import { type AdamRule, adamUpdate } from './adam.js';
import type { Deferral } from './deferral.js';
import { type DescentRule, descentUpdate } from './descent.js';
import { gradientSquares, type OptimizerState, type Regularization, type Step, sum, type TensorUpdate } from './step.js';

/**
 * Optimizers over sharded parameters, in one call a round. The mean gradient is clipped and regularized, and a rule steps tensor by tensor.
 * The tensors that a rule keeps are stored with the parameters (parameter.ts), its few scalars in the state.
 */
export type OptimizerOptions = Rule & Regularization;

export type Rule = AdamRule | DescentRule;

const byName = (parameters: readonly Parameter[]): Map<string, Parameter[]> => {
  const tensors = new Map<string, Parameter[]>();
  for (const parameter of parameters) tensors.set(parameter.name, [...(tensors.get(parameter.name) ?? []), parameter]);
  return tensors;
};

const updateOf = (pool: KernelPool, pieces: readonly Parameter[], step: Step & Rule, state: OptimizerState): TensorUpdate => {
  switch (step.kind) {
    case 'adam':
      return adamUpdate(pool, pieces, step, state);
    case 'adagrad':
    case 'sgd':
      return descentUpdate(pieces, step);
  }
};

/** Counts the rows that this round touched, and applies each row's share of the decay. */
const shrinkByPopularity = (pool: KernelPool, pieces: readonly Parameter[], { popularity, decay, learningRate }: Step): void => {
  const counts = pieces.map(({ arena, counts: pointer, blocks }) => arena.f32(pointer, blocks));
  pieces.forEach(({ gradient }, index) => {
    for (const block of gradient.touched) counts[index]![block]! += 1;
  });
  const rows = pieces.reduce((total, { blocks }) => total + blocks, 0);
  const mean = counts.reduce((total, values) => total + values.reduce((some, value) => some + value, 0), 0) / rows;
  const tasks = pieces.map((piece, index): KernelTask => {
    const { memory, arena, blocks, size, weights, factors } = piece;
    const rate = learningRate * decay(piece.name);
    arena.f32(factors, blocks).set(counts[index]!.map((count) => 1 - rate * ((mean + 1) / (count + 1)) ** popularity));
    return { kernel: 'scaleItems', memory, args: [blocks, size, factors, weights] };
  });
  pool.run(tasks);
};

type Update = TensorUpdate & { readonly pieces: readonly Parameter[] };

/** Updates of several tensors, as one. */
const together = (updates: readonly Update[]): Required<Update> => ({
  pieces: updates.flatMap(({ pieces }) => pieces),
  tasks: updates.flatMap(({ tasks }) => tasks),
  later: updates.flatMap(({ later = [] }) => later),
  finish: (values) => {
    let first = 0;
    for (const { tasks, finish } of updates) {
      finish?.(values.subarray(first, first + tasks.length));
      first += tasks.length;
    }
  },
});

export type StepResult = { readonly gradientNorm: number; readonly clipped: boolean };

/**
 * One step on the mean gradient (accumulated gradient / `count`). Afterwards gradients are zero.
 * With a `deferral`, rows may still have pending steps. The caller has caught up the rows with a gradient before.
 * Returns the mean gradient's global norm before clipping.
 */
export const optimizerStep = (
  pool: KernelPool,
  parameters: readonly Parameter[],
  options: OptimizerOptions,
  state: OptimizerState,
  learningRate: number,
  count: number,
  deferral?: Deferral,
): StepResult => {
  deferral?.makeRoom();
  state.steps += 1;
  const found = gradientSquares(pool, parameters, options);
  const squares = new Map(parameters.map((parameter, index) => [parameter, found[index]!]));
  const gradientNorm = Math.sqrt(sum(found)) / count;
  const clipped = options.clip > 0 && gradientNorm > options.clip;
  const scale = (clipped ? options.clip / gradientNorm : 1) / count;
  const step: Step & Rule = {
    ...options,
    learningRate,
    scale,
    squares: (parameter) => squares.get(parameter)!,
    defers: (parameter) => deferral?.defers(parameter) === true,
  };
  const updates = Array.from(byName(parameters).values(), (pieces): Update => {
    const counted = pieces[0]!.counts !== 0;
    if (counted) shrinkByPopularity(pool, pieces, step);
    return { pieces, ...updateOf(pool, pieces, counted ? { ...step, decay: () => 0 } : step, state) };
  });
  const isDeferred = ({ pieces, later = [] }: Update): boolean => deferral !== undefined && pieces[0]!.deferring && later.length === 0;
  const now = together(updates.filter((update) => !isDeferred(update)));
  now.finish(pool.run(now.tasks));
  deferral?.deferRows(now.later);
  clearGradients(pool, now.pieces);
  const deferred = together(updates.filter(isDeferred));
  if (deferred.tasks.length > 0) {
    deferral?.deferAll(deferred.tasks, (values) => {
      deferred.finish(values);
      clearGradients(pool, deferred.pieces);
    });
  }
  return { gradientNorm, clipped };
};
