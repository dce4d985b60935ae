import type { Parameter } from './parameter.js';
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
  const rest = [step.scale, step.learningRate, step.epsilon, decayTerm(name, step), Number(step.decoupled)] as const;
  return cut(
    parameter,
    step,
    ({ count, at, gradient: g }) => ({ kernel: 'adagrad', memory, args: [count, weights + at, variance + at, g, ...rest] }),
    ({ first, count }, { slotOf, due }) => ({
      kernel: 'adagradItems',
      memory,
      args: [first, count, size, slotOf, due, weights, variance, gradient.slots, ...rest],
    }),
  );
};

const sgdTasks = (parameter: Parameter, step: Step & Extract<DescentRule, { kind: 'sgd' }>): Cut => {
  const { memory, size, weights, moment, gradient, name } = parameter;
  const { scale, learningRate, momentum, nesterov } = step;
  const rest = [scale, learningRate, momentum, Number(nesterov), decayTerm(name, step), Number(step.decoupled)] as const;
  return cut(
    parameter,
    step,
    ({ count, at, gradient: g }) => ({ kernel: 'momentum', memory, args: [count, weights + at, moment + at, g, ...rest] }),
    ({ first, count }, { slotOf, due }) => ({
      kernel: 'momentumItems',
      memory,
      args: [first, count, size, slotOf, due, weights, moment, gradient.slots, ...rest],
    }),
  );
};

export const descentUpdate = (pieces: readonly Parameter[], step: Step & DescentRule): TensorUpdate =>
  joined(pieces.map((piece) => (step.kind === 'adagrad' ? adagradTasks(piece, step) : sgdTasks(piece, step))));
