import type { KernelPool, KernelTask } from '../kernels/kernels.js';
import { elementsOf, type Parameter } from '../memory/parameter.js';
import * as Hyper from '../structs/hyper.js';

/** The settings that every rule has. */
export type Regularization = {
  /** Take learning rate · λ off the weight (Loshchilov & Hutter, 2019) instead of adding λ·weight to the gradient. */
  readonly decoupled: boolean;
  /** The mean gradient is clipped to this global norm, before L2. 0: no clipping. */
  readonly clip: number;
  /** L2 weight λ of a tensor, by name. */
  readonly decay: (name: string) => number;
  /**
   * Exponent p of λ's dependence on popularity, for tensors that count how many rounds touched each row.
   * Rare rows decay more than frequent ones: λ_row = λ · ((mean count + 1) / (count + 1))^p. Decoupled only.
   */
  readonly popularity: number;
  /**
   * Whether a sparse tensor, by name, is stepped row-lazily, as in lazy or sparse Adam.
   * Then rows without a gradient do not change, and neither do their moments. A step costs the touched rows only.
   * Otherwise untouched rows decay and follow their momentum in every step.
   */
  readonly lazy: (name: string) => boolean;
};

/** The optimizer's own state, without the tensors stored with the parameters. Plain data, for the checkpoint. */
export type OptimizerState = {
  steps: number;
  /** For each tensor with one second moment: its value, and Σ w² after the last step. */
  readonly variance: Record<string, number>;
  readonly squares: Record<string, number>;
};

export const createOptimizerState = (): OptimizerState => ({ steps: 0, variance: {}, squares: {} });

export type Step = Regularization & {
  readonly learningRate: number;
  /** Multiplies the accumulated gradient: 1 / (number of ratings), times the clipping factor. */
  readonly scale: number;
  /** Σ g² of one parameter. */
  readonly squares: (parameter: Parameter) => number;
  /** Whether the rows of a sparse tensor that have no gradient are stepped later. */
  readonly defers: (parameter: Parameter) => boolean;
};

/** The kernel calls that step one tensor. `finish` gets their values. */
export type TensorUpdate = {
  readonly tasks: readonly KernelTask[];
  readonly finish?: (values: Float64Array) => void;
  /** Parameters whose rows without a gradient make the step later (deferral.ts), with the hyperparameters stored with the parameter. */
  readonly later?: readonly Parameter[];
};

export const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);

/** λ as L2 adds it to the gradient: 0 where the decay is decoupled. */
export const gradientDecay = (name: string, { decay, decoupled }: Regularization): number => (decoupled ? 0 : decay(name));

/** Σ g² of each parameter. A parameter that keeps Σ g·w gets it too, if its step needs it. Each is one task. */
export const gradientSquares = (pool: KernelPool, parameters: readonly Parameter[], regularization: Regularization): Float64Array =>
  pool.run(
    parameters.map(({ name, memory, gradient, size, blocks, weights, dots }): KernelTask => {
      if (dots === 0 || gradientDecay(name, regularization) === 0)
        return { kernel: 'sumSquares', memory, args: [gradient.used * size, gradient.slots] };
      return { kernel: 'squaresAndDotItems', memory, args: [0, blocks, size, gradient.slotOf, weights, gradient.slots, dots] };
    }),
  );

/**
 * Elements that one kernel call steps: few enough to share out, and so many that the cost of a call vanishes.
 * The number is fixed, because the order of the sum Σ w² depends on it.
 */
const CHUNK = 1 << 18;

export type Range = { readonly first: number; readonly count: number };

const ranges = (total: number, step: number): Range[] =>
  Array.from({ length: Math.ceil(total / step) }, (_, i) => ({ first: i * step, count: Math.min(step, total - i * step) }));

/** A run of elements of one tensor with their gradient. `at` is its offset in bytes, `block` its row in a sparse tensor. */
export type Stretch = { readonly count: number; readonly at: number; readonly gradient: number; readonly block: number };

/** All rows of a sparse tensor, by kernel call. */
export const rowRanges = ({ blocks, size }: Parameter, elements: number = CHUNK): Range[] =>
  ranges(blocks, Math.max(1, Math.floor(elements / size)));

export type Cut = Required<Pick<TensorUpdate, 'tasks' | 'later'>>;

/**
 * Cuts a parameter into kernel calls: on rows of a sparse tensor, or on chunks of a dense one.
 * A sparse tensor that is lazy or defers has one call for each touched row. The other rows stay as they are, or are stepped later.
 */
export const cut = (
  parameter: Parameter,
  { lazy, defers }: Pick<Step, 'lazy' | 'defers'>,
  onStretch: (stretch: Stretch) => KernelTask,
  onRows: (rows: Range) => KernelTask,
): Cut => {
  const { gradient, size, name } = parameter;
  const { slotOf } = gradient;
  if (slotOf === 0) {
    const onChunk = ({ first, count }: Range) => onStretch({ count, at: 4 * first, gradient: gradient.slots + 4 * first, block: 0 });
    return { tasks: ranges(elementsOf(parameter), CHUNK).map(onChunk), later: [] };
  }
  const isLazy = lazy(name);
  if (!isLazy && !defers(parameter)) return { tasks: rowRanges(parameter).map(onRows), later: [] };
  const touched = gradient.touched.map((block, slot) =>
    onStretch({ count: size, at: 4 * block * size, gradient: gradient.slots + 4 * slot * size, block }),
  );
  return { tasks: touched, later: isLazy ? [] : [parameter] };
};

/** The kernel calls of all pieces of a tensor. */
export const joined = (cuts: readonly Cut[]): TensorUpdate => ({
  tasks: cuts.flatMap(({ tasks }) => tasks),
  later: cuts.flatMap(({ later }) => later),
});

/** λ for L2 in the gradient, or learning rate · λ when decoupled, as the kernels take it. */
const decayTerm = (name: string, { decay, decoupled, learningRate }: Step): number => decay(name) * (decoupled ? learningRate : 1);

/** Writes the hyperparameters that all rules have, for a parameter's kernels. */
export const writeHyper = ({ name, hyper: { view } }: Parameter, step: Step, rate: number): void => {
  view[Hyper.scale] = step.scale;
  view[Hyper.rate] = rate;
  view[Hyper.decay] = decayTerm(name, step);
  view[Hyper.decoupled] = Number(step.decoupled);
};
