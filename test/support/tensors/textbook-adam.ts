import { type Random, random } from '../../../src/base/random.js';
import type { KernelPool } from '../../../src/tensor/kernels/kernels.js';
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
import type { OptimizerState, Regularization } from '../../../src/tensor/optimizers/step.js';
import { real } from './kernel-workbench.js';

export type AdamOptions = AdamRule & Regularization;

/** A trainable tensor, as pieces in memories of their own. */
export type Shape = { readonly name: string; readonly size: number; readonly sparse: boolean; readonly blocks: readonly number[] };

export const SMALL: readonly Shape[] = [
  { name: 'dense', size: 37, sparse: false, blocks: [1] },
  { name: 'scalar', size: 1, sparse: false, blocks: [1] },
  { name: 'rows', size: 5, sparse: true, blocks: [7, 4] },
];
/** Past the number of elements that one kernel call steps. */
export const LARGE: readonly Shape[] = [
  { name: 'dense', size: (1 << 18) + 9, sparse: false, blocks: [1] },
  { name: 'rows', size: 100, sparse: true, blocks: [3000, 10] },
];
const DECAYS: Readonly<Record<string, number>> = { dense: 0, scalar: 0.3, rows: 0.1 };
export const RATE = 0.01;

export const layOut = (shapes: readonly Shape[], moment: MomentKind | 'rows only') => {
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

export const viewsOf = (parameter: Parameter): Float32Array[] =>
  [parameter.weights, parameter.moment, parameter.variance]
    .filter((pointer) => pointer !== 0)
    .map((pointer) => parameter.arena.f32(pointer, elementsOf(parameter)));

/** Writes a round's accumulated gradient, in a third of a sparse tensor's blocks; returns it as a dense one. */
export const accumulate = (parameter: Parameter, source: Random): Float32Array => {
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

export const weightsOf = (parameters: readonly Parameter[]): Map<string, number[]> =>
  joined(parameters, (parameter) => viewsOf(parameter)[0]!);

/** Adam as Kingma & Ba (2015, algorithm 1) print it, AdamW as Loshchilov & Hutter (2019, algorithm 2) do, in float64. */
export const textbook = (
  start: ReadonlyMap<string, readonly number[]>,
  options: AdamOptions,
  kindOf: (name: string) => MomentKind,
): Textbook => {
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

export const OPTIONS: AdamOptions = {
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
export const runStep = (pool: KernelPool, parameters: readonly Parameter[], options: AdamOptions, state: OptimizerState, step: number) => {
  const pieces = new Map(parameters.map((parameter, i) => [parameter, accumulate(parameter, random(2, step, i))]));
  const count = 10 + step;
  const gradients = joined(parameters, (parameter) => pieces.get(parameter)!);
  return { gradients, count, result: optimizerStep(pool, parameters, options, state, RATE, count) };
};
