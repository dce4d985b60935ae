import type { Parameter } from '../memory/parameter.js';
import { type Cut, cut, decayTerm, joined, type Step, type TensorUpdate } from './step.js';

/**
 * The rules with one number beside each weight:
 *
 *   adagrad   steps divided by the root of the sum of all squared gradients so far (Duchi et al., 2011)
 *   sgd       stochastic gradient descent with momentum, Polyak's or Nesterov's (as Sutskever et al., 2013, write them)
 */
export type DescentRule =
  | { readonly kind: 'adagrad'; readonly epsilon: number }
  | { readonly kind: 'sgd'; readonly momentum: number; readonly nesterov: boolean };

const adagradTasks = (parameter: Parameter, step: Step & Extract<DescentRule, { kind: 'adagrad' }>): Cut => {
  const { memory, size, weights, variance, gradient, name } = parameter;
  const own = [step.learningRate, step.epsilon, decayTerm(name, step), Number(step.decoupled)] as const;
  return cut(
    parameter,
    step,
    own,
    ({ count, at, gradient: g }) => ({ kernel: 'adagrad', memory, args: [count, weights + at, variance + at, g, step.scale, ...own] }),
    ({ first, count }) => ({
      kernel: 'adagradItems',
      memory,
      args: [first, count, size, gradient.slotOf, weights, variance, gradient.slots, step.scale, ...own],
    }),
  );
};

const sgdTasks = (parameter: Parameter, step: Step & Extract<DescentRule, { kind: 'sgd' }>): Cut => {
  const { memory, size, weights, moment, gradient, name } = parameter;
  const { scale, learningRate, momentum, nesterov } = step;
  const own = [learningRate, momentum, Number(nesterov), decayTerm(name, step), Number(step.decoupled)] as const;
  return cut(
    parameter,
    step,
    own,
    ({ count, at, gradient: g }) => ({ kernel: 'momentum', memory, args: [count, weights + at, moment + at, g, scale, ...own] }),
    ({ first, count }) => ({
      kernel: 'momentumItems',
      memory,
      args: [first, count, size, gradient.slotOf, weights, moment, gradient.slots, scale, ...own],
    }),
  );
};

export const descentUpdate = (pieces: readonly Parameter[], step: Step & DescentRule): TensorUpdate =>
  joined(pieces.map((piece) => (step.kind === 'adagrad' ? adagradTasks(piece, step) : sgdTasks(piece, step))));
