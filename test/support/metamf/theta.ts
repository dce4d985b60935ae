import type { MetaMFOptions } from '../../../src/algorithms/metamf/options.js';
import { elementsOf, type Parameter } from '../../../src/tensor/memory/parameter.js';

/** Θ, or the gradient of Θ, by tensor name: shards joined, without the lanes that pad s to a multiple of 4. */
export type Theta = Record<string, Float32Array>;

type Lanes = { readonly used: number; readonly stored: number };

/** Tensors whose last dimension is s: those of the item shards. */
const lanesOf = (name: string, { lowRank }: MetaMFOptions): Lanes =>
  name.startsWith('low.') ? { used: lowRank, stored: Math.ceil(lowRank / 4) * 4 } : { used: 1, stored: 1 };

const isUsed = (at: number, { used, stored }: Lanes): boolean => at % stored < used;

const weightsOf = (parameter: Parameter): Float32Array => parameter.arena.f32(parameter.weights, elementsOf(parameter));

/** The gradient as if it were dense: blocks without a slot are zero. */
const gradientOf = (parameter: Parameter): Float32Array => {
  const { arena, blocks, size, gradient } = parameter;
  if (gradient.slotOf === 0) return arena.f32(gradient.slots, elementsOf(parameter));
  const dense = new Float32Array(elementsOf(parameter));
  arena.i32(gradient.slotOf, blocks).forEach((slot, block) => {
    if (slot >= 0) dense.set(arena.f32(gradient.slots + 4 * slot * size, size), block * size);
  });
  return dense;
};

const joined = (parameters: readonly Parameter[], read: (parameter: Parameter) => Float32Array): Theta => {
  const theta: Theta = {};
  for (const parameter of parameters) theta[parameter.name] = Float32Array.of(...(theta[parameter.name] ?? []), ...read(parameter));
  return theta;
};

const withoutPadding = (theta: Theta, options: MetaMFOptions): Theta =>
  Object.fromEntries(Object.entries(theta).map(([name, values]) => [name, values.filter((_, at) => isUsed(at, lanesOf(name, options)))]));

export const readWeights = (parameters: readonly Parameter[], options: MetaMFOptions): Theta =>
  withoutPadding(joined(parameters, weightsOf), options);

export const readGradients = (parameters: readonly Parameter[], options: MetaMFOptions): Theta =>
  withoutPadding(joined(parameters, gradientOf), options);

/** Everything that lies in padding lanes, of weights and gradients. */
export const readPadding = (parameters: readonly Parameter[], options: MetaMFOptions): number[] =>
  [weightsOf, gradientOf].flatMap((read) =>
    Object.entries(joined(parameters, read)).flatMap(([name, values]) =>
      Array.from(values).filter((_, at) => !isUsed(at, lanesOf(name, options))),
    ),
  );

/** Overwrites the weights of the tensors that `theta` names. */
export const writeWeights = (parameters: readonly Parameter[], options: MetaMFOptions, theta: Theta): void => {
  const next: Record<string, number> = {};
  for (const parameter of parameters) {
    const { name } = parameter;
    const values = theta[name];
    if (values === undefined) continue;
    const lanes = lanesOf(name, options);
    const weights = weightsOf(parameter);
    for (let at = 0; at < weights.length; at++) {
      if (!isUsed(at, lanes)) continue;
      const from = next[name] ?? 0;
      weights[at] = values[from]!;
      next[name] = from + 1;
    }
  }
};
