import type { KernelPool, KernelTask } from '../kernels/kernels.js';
import { elementsOf, type Parameter } from '../memory/parameter.js';
import * as Hyper from '../structs/hyper.js';
import { type Cut, cut, gradientDecay, joined, type OptimizerState, type Step, sum, type TensorUpdate, writeHyper } from './step.js';

/**
 * Adam (Kingma & Ba, 2015), with L2 in the gradient or decoupled (Loshchilov & Hutter, 2019), and with a second moment
 *
 *   per element
 *   per row      the running mean of the squared gradient over the row, as Adafactor has it in one direction (Shazeer & Stern, 2018)
 *   per tensor   the same over the whole tensor
 *
 * The row of a rare item sees one gradient in thousands of rounds. The fewer second moments there are, the smaller are its steps.
 */
export type AdamRule = { readonly kind: 'adam'; readonly beta1: number; readonly beta2: number; readonly epsilon: number };

type AdamStep = Step & AdamRule;
type Corrections = { readonly first: number; readonly second: number };

const writeAdam = (parameter: Parameter, step: AdamStep, { first, second }: Corrections): void => {
  const { view } = parameter.hyper;
  writeHyper(parameter, step, step.learningRate / first);
  view[Hyper.correction] = second;
  view[Hyper.beta1] = step.beta1;
  view[Hyper.beta2] = step.beta2;
  view[Hyper.epsilon] = step.epsilon;
};

const elementTasks = (parameter: Parameter, step: AdamStep, corrections: Corrections): Cut => {
  const { memory, weights, moment, variance, gradient, rows, hyper } = parameter;
  writeAdam(parameter, step, corrections);
  return cut(
    parameter,
    step,
    ({ count, at, gradient: g }) => ({
      kernel: 'adam',
      memory,
      args: [count, weights + at, moment + at, variance + at, g, hyper.pointer],
    }),
    ({ first, count }) => ({ kernel: 'adamItems', memory, args: [rows, first, count, gradient.slots, hyper.pointer] }),
  );
};

const rowTasks = (parameter: Parameter, step: AdamStep, corrections: Corrections): Cut => {
  const { memory, size, trained, weights, moment, variance, gradient, rows, hyper } = parameter;
  writeAdam(parameter, step, corrections);
  return cut(
    parameter,
    step,
    ({ at, gradient: g, block }) => ({
      kernel: 'adamRow',
      memory,
      args: [size, trained, weights + at, moment + at, variance + 4 * block, g, hyper.pointer],
    }),
    ({ first, count }) => ({ kernel: 'adamRowItems', memory, args: [rows, first, count, gradient.slots, hyper.pointer] }),
  );
};

const tensorTasks = (parameter: Parameter, step: AdamStep, { first }: Corrections, denominator: number): readonly KernelTask[] => {
  const { memory, weights, moment, gradient, rows, hyper } = parameter;
  writeHyper(parameter, step, step.learningRate / first / denominator);
  hyper.view[Hyper.beta1] = step.beta1;
  return cut(
    parameter,
    { lazy: () => false, defers: () => false },
    ({ count, at, gradient: g }) => ({ kernel: 'adamTensor', memory, args: [count, weights + at, moment + at, g, hyper.pointer] }),
    ({ first: row, count }) => ({ kernel: 'adamTensorItems', memory, args: [rows, row, count, gradient.slots, hyper.pointer] }),
  ).tasks;
};

/** Σ g·w over the blocks that have a gradient. For a sparse tensor it was computed together with Σ g². */
const gradientDotWeights = (pool: KernelPool, parameters: readonly Parameter[]): number => {
  if (parameters.every(({ dots }) => dots !== 0)) return sum(Float64Array.from(parameters, ({ arena, dots }) => arena.f64(dots, 1)[0]!));
  return sum(
    pool.run(
      parameters.map(({ memory, weights, gradient, blocks, size }): KernelTask => {
        return { kernel: 'dot', memory, args: [blocks * size, weights, gradient.slots] };
      }),
    ),
  );
};

const weightSquares = (pool: KernelPool, parameters: readonly Parameter[]): number =>
  sum(pool.run(parameters.map((p): KernelTask => ({ kernel: 'sumSquares', memory: p.memory, args: [elementsOf(p), p.weights] }))));

/** Mean over a tensor of (scale·g + λ·w)², without a pass over w: Σ w² is known from the last step. */
const meanSquare = (pool: KernelPool, parameters: readonly Parameter[], name: string, step: Step, squares: number): number => {
  const count = parameters.reduce((total, parameter) => total + parameter.blocks * parameter.trained, 0);
  const data = step.scale ** 2 * sum(Float64Array.from(parameters, step.squares));
  const lambda = gradientDecay(name, step);
  if (lambda === 0) return data / count;
  return (data + 2 * step.scale * lambda * gradientDotWeights(pool, parameters) + lambda ** 2 * squares) / count;
};

const tensorUpdate = (
  pool: KernelPool,
  pieces: readonly Parameter[],
  step: AdamStep,
  corrections: Corrections,
  state: OptimizerState,
): TensorUpdate => {
  const { name } = pieces[0]!;
  const { beta2, epsilon } = step;
  const squares = state.squares[name] ?? weightSquares(pool, pieces);
  const variance = beta2 * (state.variance[name] ?? 0) + (1 - beta2) * meanSquare(pool, pieces, name, step, squares);
  state.variance[name] = variance;
  const denominator = Math.sqrt(variance) * corrections.second + epsilon;
  return {
    tasks: pieces.flatMap((piece) => tensorTasks(piece, step, corrections, denominator)),
    finish: (values) => {
      state.squares[name] = sum(values);
    },
  };
};

export const adamUpdate = (pool: KernelPool, pieces: readonly Parameter[], step: AdamStep, state: OptimizerState): TensorUpdate => {
  /** 1 − β₁ᵗ and 1/√(1 − β₂ᵗ). */
  const corrections = { first: 1 - step.beta1 ** state.steps, second: 1 / Math.sqrt(1 - step.beta2 ** state.steps) };
  switch (pieces[0]!.kind) {
    case 'element':
      return joined(pieces.map((piece) => elementTasks(piece, step, corrections)));
    case 'row':
      return joined(pieces.map((piece) => rowTasks(piece, step, corrections)));
    case 'tensor':
      return tensorUpdate(pool, pieces, step, corrections, state);
    case 'squares':
    case 'velocity':
    case 'none':
      throw new Error(`${pieces[0]!.name} was not made for Adam`);
  }
};
