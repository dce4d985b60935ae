import type { Parameter } from '../memory/parameter.js';
import * as Hyper from '../structs/hyper.js';
import { type Cut, cut, joined, type Step, type TensorUpdate, writeHyper } from './step.js';

/**
 * The rules that keep one number for each weight:
 *
 *   adagrad   steps divided by the root of the sum of all squared gradients so far (Duchi et al., 2011)
 *   sgd       stochastic gradient descent with momentum, Polyak's or Nesterov's (as Sutskever et al., 2013, write them)
 */
export type DescentRule =
  | { readonly kind: 'adagrad'; readonly epsilon: number }
  | { readonly kind: 'sgd'; readonly momentum: number; readonly nesterov: boolean };

const adagradTasks = (parameter: Parameter, step: Step & Extract<DescentRule, { kind: 'adagrad' }>): Cut => {
  const { memory, weights, variance, gradient, rows, hyper } = parameter;
  writeHyper(parameter, step, step.learningRate);
  hyper.view[Hyper.epsilon] = step.epsilon;
  return cut(
    parameter,
    step,
    ({ count, at, gradient: g }) => ({ kernel: 'adagrad', memory, args: [count, weights + at, variance + at, g, hyper.pointer] }),
    ({ first, count }) => ({ kernel: 'adagradItems', memory, args: [rows, first, count, gradient.slots, hyper.pointer] }),
  );
};

const sgdTasks = (parameter: Parameter, step: Step & Extract<DescentRule, { kind: 'sgd' }>): Cut => {
  const { memory, weights, moment, gradient, rows, hyper } = parameter;
  writeHyper(parameter, step, step.learningRate);
  hyper.view[Hyper.factor] = step.momentum;
  hyper.view[Hyper.nesterov] = Number(step.nesterov);
  return cut(
    parameter,
    step,
    ({ count, at, gradient: g }) => ({ kernel: 'momentum', memory, args: [count, weights + at, moment + at, g, hyper.pointer] }),
    ({ first, count }) => ({ kernel: 'momentumItems', memory, args: [rows, first, count, gradient.slots, hyper.pointer] }),
  );
};

export const descentUpdate = (pieces: readonly Parameter[], step: Step & DescentRule): TensorUpdate =>
  joined(pieces.map((piece) => (step.kind === 'adagrad' ? adagradTasks(piece, step) : sgdTasks(piece, step))));
