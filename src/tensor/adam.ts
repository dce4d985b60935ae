import type { KernelPool, KernelTask } from './kernels.js';
import { clearGradients, elementsOf, type MomentKind, type Parameter } from './parameter.js';

/**
 * Adam over sharded parameters (Kingma & Ba, 2015), with L2 in the gradient or decoupled (Loshchilov & Hutter, 2019), and
 * with a second moment per element or ONE per tensor: the running mean of the squared gradient over the whole tensor. The
 * latter keeps rare items, whose rows see one gradient in thousands of rounds, from taking full-size steps.
 */
export type AdamOptions = {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly decoupled: boolean;
  /** Global norm the mean gradient is clipped to, before L2; 0: no clipping. */
  readonly clip: number;
  /** L2 weight λ of a tensor, by name. */
  readonly decay: (name: string) => number;
  /**
   * Whether a sparse tensor, by name, is stepped row-lazily: rows without a gradient stay as they are, moments and decay included
   * (as in lazy or sparse Adam). A step then costs what was touched, not the whole tensor; without it, untouched rows decay and
   * follow their momentum in every step.
   */
  readonly lazy: (name: string) => boolean;
};

/** What the optimizer remembers beside the moments that lie with the parameters. Plain data, for the checkpoint. */
export type AdamState = {
  steps: number;
  /** By tensor, of those with one second moment: its value, and Σ w² after the last step. */
  readonly variance: Record<string, number>;
  readonly squares: Record<string, number>;
};

export const createAdamState = (): AdamState => ({ steps: 0, variance: {}, squares: {} });

export const momentKind = (parameter: Parameter): MomentKind => (parameter.variance === 0 ? 'tensor' : 'element');

/** Elements one kernel call steps: small enough to share out, large enough that a call's cost vanishes. Fixed, since it decides
 * the order in which Σ w² is added up. */
const CHUNK = 1 << 18;

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);

/** Σ g² over all parameters: one task each, added in order. */
const gradientSquares = (pool: KernelPool, parameters: readonly Parameter[]): number => {
  const tasks: KernelTask[] = parameters.map(({ memory, gradient, size }) => ({
    kernel: 'sumSquares',
    memory,
    args: [gradient.used * size, gradient.slots],
  }));
  return sum(pool.run(tasks));
};

type Step = AdamOptions & {
  readonly learningRate: number;
  /** Multiplies the accumulated gradient: 1 / (number of ratings), times the clipping factor. */
  readonly scale: number;
  /** 1 − β₁ᵗ and 1/√(1 − β₂ᵗ). */
  readonly firstCorrection: number;
  readonly secondCorrection: number;
};

type Range = { readonly first: number; readonly count: number };

const ranges = (total: number, step: number): Range[] =>
  Array.from({ length: Math.ceil(total / step) }, (_, i) => ({ first: i * step, count: Math.min(step, total - i * step) }));

/** Ranges of whole blocks for a sparse tensor, of elements for a dense one. */
const shares = (parameter: Parameter): Range[] =>
  parameter.gradient.slotOf === 0
    ? ranges(elementsOf(parameter), CHUNK)
    : ranges(parameter.blocks, Math.max(1, Math.floor(CHUNK / parameter.size)));

/** λ for L2 in the gradient; learning rate · λ when decoupled, as the kernels take it. */
const decayTerm = (name: string, step: Step): number => step.decay(name) * (step.decoupled ? step.learningRate : 1);

const elementTasks = (parameter: Parameter, step: Step): KernelTask[] => {
  const { memory, size, weights, moment, variance, gradient, name } = parameter;
  const rate = step.learningRate / step.firstCorrection;
  const rest = [
    step.scale,
    rate,
    step.secondCorrection,
    step.beta1,
    step.beta2,
    step.epsilon,
    decayTerm(name, step),
    Number(step.decoupled),
  ] as const;
  if (gradient.slotOf !== 0 && step.lazy(name)) {
    return gradient.touched.map((block, slot): KernelTask => {
      const at = 4 * block * size;
      return { kernel: 'adam', memory, args: [size, weights + at, moment + at, variance + at, gradient.slots + 4 * slot * size, ...rest] };
    });
  }
  return shares(parameter).map(({ first, count }): KernelTask => {
    if (gradient.slotOf !== 0) {
      return {
        kernel: 'adamItems',
        memory,
        args: [first, count, size, gradient.slotOf, weights, moment, variance, gradient.slots, ...rest],
      };
    }
    const at = 4 * first;
    return { kernel: 'adam', memory, args: [count, weights + at, moment + at, variance + at, gradient.slots + at, ...rest] };
  });
};

const tensorTasks = (parameter: Parameter, step: Step, denominator: number): KernelTask[] => {
  const { memory, size, weights, moment, gradient, name } = parameter;
  const rate = step.learningRate / step.firstCorrection / denominator;
  const rest = [step.scale, rate, step.beta1, decayTerm(name, step), Number(step.decoupled)] as const;
  return shares(parameter).map(({ first, count }): KernelTask => {
    if (gradient.slotOf !== 0)
      return { kernel: 'adamTensorItems', memory, args: [first, count, size, gradient.slotOf, weights, moment, gradient.slots, ...rest] };
    const at = 4 * first;
    return { kernel: 'adamTensor', memory, args: [count, weights + at, moment + at, gradient.slots + at, ...rest] };
  });
};

/** Σ g·w over the blocks that have a gradient. */
const gradientDotWeights = (pool: KernelPool, parameters: readonly Parameter[]): number => {
  const tasks = parameters.map(({ memory, size, weights, gradient, blocks }): KernelTask => {
    if (gradient.slotOf === 0) return { kernel: 'dot', memory, args: [blocks * size, weights, gradient.slots] };
    return { kernel: 'dotItems', memory, args: [0, blocks, size, gradient.slotOf, weights, gradient.slots] };
  });
  return sum(pool.run(tasks));
};

const weightSquares = (pool: KernelPool, parameters: readonly Parameter[]): number =>
  sum(pool.run(parameters.map((p): KernelTask => ({ kernel: 'sumSquares', memory: p.memory, args: [elementsOf(p), p.weights] }))));

/** Mean over a tensor of (scale·g + λ·w)², without a pass over w: Σ w² is known from the last step. */
const meanSquare = (pool: KernelPool, parameters: readonly Parameter[], name: string, step: Step, squares: number): number => {
  const count = parameters.reduce((total, parameter) => total + parameter.blocks * parameter.trained, 0);
  const data = step.scale ** 2 * gradientSquares(pool, parameters);
  const lambda = step.decoupled ? 0 : step.decay(name);
  if (lambda === 0) return data / count;
  return (data + 2 * step.scale * lambda * gradientDotWeights(pool, parameters) + lambda ** 2 * squares) / count;
};

const byName = (parameters: readonly Parameter[]): Map<string, Parameter[]> => {
  const tensors = new Map<string, Parameter[]>();
  for (const parameter of parameters) tensors.set(parameter.name, [...(tensors.get(parameter.name) ?? []), parameter]);
  return tensors;
};

export type StepResult = { readonly gradientNorm: number; readonly clipped: boolean };

/**
 * One step on the mean gradient (accumulated gradient / `count`). Gradients are zero afterwards.
 * Returns the mean gradient's global norm before clipping.
 */
export const adamStep = (
  pool: KernelPool,
  parameters: readonly Parameter[],
  options: AdamOptions,
  state: AdamState,
  learningRate: number,
  count: number,
): StepResult => {
  state.steps += 1;
  const gradientNorm = Math.sqrt(gradientSquares(pool, parameters)) / count;
  const clipped = options.clip > 0 && gradientNorm > options.clip;
  const step: Step = {
    ...options,
    learningRate,
    scale: (clipped ? options.clip / gradientNorm : 1) / count,
    firstCorrection: 1 - options.beta1 ** state.steps,
    secondCorrection: 1 / Math.sqrt(1 - options.beta2 ** state.steps),
  };
  const tasks: KernelTask[] = [];
  const single: { name: string; first: number; end: number }[] = [];
  for (const [name, pieces] of byName(parameters)) {
    if (momentKind(pieces[0]!) === 'element') {
      tasks.push(...pieces.flatMap((piece) => elementTasks(piece, step)));
      continue;
    }
    const squares = state.squares[name] ?? weightSquares(pool, pieces);
    const variance = options.beta2 * (state.variance[name] ?? 0) + (1 - options.beta2) * meanSquare(pool, pieces, name, step, squares);
    state.variance[name] = variance;
    const first = tasks.length;
    const denominator = Math.sqrt(variance) * step.secondCorrection + options.epsilon;
    tasks.push(...pieces.flatMap((piece) => tensorTasks(piece, step, denominator)));
    single.push({ name, first, end: tasks.length });
  }
  const results = pool.run(tasks);
  for (const { name, first, end } of single) state.squares[name] = sum(results.subarray(first, end));
  clearGradients(pool, parameters);
  return { gradientNorm, clipped };
};
